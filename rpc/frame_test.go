package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func FuzzFrames(f *testing.F) {
	var good bytes.Buffer
	if err := encodeFrame(&good, kindRequest, request{Tool: "ping", Args: cbor.RawMessage{0xa0}}); err != nil {
		f.Fatal(err)
	}
	putFrame(&good, kindData, []byte("data"))
	if err := encodeFrame(&good, kindEnd, end{Code: NotFound, Message: "x", Dropped: 3}); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte("\xff\x00\x00\x00\x02ab\x02\x00\x00\x00\x01\xf6"))
	f.Add([]byte("\x03\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := frameReader{r: bytes.NewReader(b)}
		for {
			kind, payload, err := frames.next()
			if err != nil {
				if kind != 0 || payload != nil {
					t.Errorf("kind %d and %d bytes beside the error %v", kind, len(payload), err)
				}
				break
			}
			if limit := maxPayload(kind); kind&kindIgnorable != 0 || len(payload) > limit {
				t.Errorf("kind %#x with %d bytes got through", kind, len(payload))
			}
			// Nothing that CBOR claims may hurt.
			var r request
			if decodeRequest(payload, &r) == nil {
				var v any
				_ = Decode(r.Args, &v)
			}
			var e end
			_ = Decode(payload, &e)
		}
		if cap(frames.buf) > MaxEvent {
			t.Errorf("a buffer of %d bytes", cap(frames.buf))
		}
	})
}

func TestFrameReaderTellsAnEndFromACut(t *testing.T) {
	var whole bytes.Buffer
	putFrame(&whole, kindData, []byte("data"))
	for n := range whole.Len() + 1 {
		frames := frameReader{r: bytes.NewReader(whole.Bytes()[:n])}
		_, _, err := frames.next()
		if n == whole.Len() && err == nil {
			_, _, err = frames.next()
		}
		want := io.ErrUnexpectedEOF
		if n == 0 || n == whole.Len() {
			want = io.EOF
		}
		if err != want {
			t.Errorf("after %d bytes: %v, want %v", n, err, want)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	deep := strings.Repeat("\x81", 40) + "\x00"
	for name, raw := range map[string]string{
		"duplicate key":     "\xa2\x01\x61a\x01\x61b",
		"indefinite length": "\xbf\x01\x61a\xff",
		"tag":               "\xc0\x60",
		"bad UTF-8":         "\xa1\x01\x61\xff",
		"trailing bytes":    "\xa0\x00",
		"too deep":          "\xa1\x18\x63" + deep,
		"huge array":        "\xa1\x18\x63\x9a\x7f\xff\xff\xff",
		"wrong type":        "\xa1\x01\x07",
		"nothing":           "",
		"not a number":      "\xa1\x18\x63\xf9\x7e\x00",
		"infinity":          "\xa1\x18\x63\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
	} {
		var v echo
		if err := Decode(cbor.RawMessage(raw), &v); err == nil {
			t.Errorf("%s: decoded as %+v", name, v)
		}
	}
	var v echo
	unknown := cbor.RawMessage("\xa2\x01\x61a\x18\x63\x00") // a field of a newer agent
	if err := Decode(unknown, &v); err != nil || v.Text != "a" {
		t.Errorf("an unknown field of an event: %+v, %v", v, err)
	}
	if err := decodeRequest(unknown, &v); err == nil {
		t.Error("an unknown field of a request was accepted")
	}
}

// writes records what a frameWriter writes, and when.
type writes struct {
	mu    sync.Mutex
	at    []time.Duration
	sizes []int
	began time.Time
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.sizes = append(w.at, time.Since(w.began)), append(w.sizes, len(p))
	return len(p), nil
}

func TestFramesTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{began: time.Now()}
		f := newFrameWriter(w, defaultTiming())
		check := func(what string, n int) {
			t.Helper()
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.sizes) != n {
				t.Fatalf("%s: %d writes %v at %v, want %d", what, len(w.sizes), w.sizes, w.at, n)
			}
		}
		one := func() {
			if err := f.event(echo{N: 1}); err != nil {
				t.Fatal(err)
			}
		}
		one()
		check("a frame waits for company", 0)
		time.Sleep(time.Millisecond)
		check("but not for long", 1)
		one()
		time.Sleep(10 * time.Millisecond)
		one()
		check("soon after a write frames are collected", 1)
		time.Sleep(10 * time.Millisecond)
		check("for 20 ms", 2)
		if late := w.at[1] - w.at[0]; late > 20*time.Millisecond {
			t.Errorf("the second write came %v after the first", late)
		}
		if err := f.data(make([]byte, MaxData)); err != nil {
			t.Fatal(err)
		}
		check("much data goes at once", 3)
		one()
		if err := f.finish(end{}); err != nil {
			t.Fatal(err)
		}
		check("and so does the end, with what was pending", 4)
		time.Sleep(time.Second)
		check("nothing follows", 4)
		if err := f.event(echo{}); !errors.Is(err, errFinished) {
			t.Errorf("an event after the end: %v", err)
		}
	})
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	payload := make([]byte, MaxData)
	f := newFrameWriter(io.Discard, defaultTiming())
	if n := testing.AllocsPerRun(100, func() {
		if err := f.data(payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("writing a data frame allocates %v times", n)
	}
	var one bytes.Buffer
	putFrame(&one, kindData, payload)
	frames := frameReader{r: &endless{frame: one.Bytes()}}
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := frames.next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("reading a data frame allocates %v times", n)
	}
}

// endless repeats one frame.
type endless struct {
	frame []byte
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.frame[e.at:])
	e.at = (e.at + n) % len(e.frame)
	return n, nil
}

func TestErrors(t *testing.T) {
	plain := errors.New("plain")
	for _, tt := range []struct {
		err  error
		code Code
	}{
		{nil, OK},
		{plain, Internal},
		{Errorf(NotFound, "x"), NotFound},
		{fmt.Errorf("wrapped: %w", Errorf(NotReady, "x")), NotReady},
		{context.Canceled, Cancelled},
		{fmt.Errorf("wrapped: %w", context.DeadlineExceeded), DeadlineExceeded},
	} {
		if got := CodeOf(tt.err); got != tt.code {
			t.Errorf("code of %v: %v, want %v", tt.err, got, tt.code)
		}
	}
	err := Errorf(NotFound, "read %s: %w", "x", plain)
	if !errors.Is(err, ErrNotFound) || !errors.Is(err, plain) || errors.Is(err, ErrInternal) || err.Error() != "read x: plain" {
		t.Errorf("%v does not match what it should", err)
	}
	if !errors.Is(Errorf(Cancelled, "x"), context.Canceled) || !errors.Is(Errorf(DeadlineExceeded, "x"), context.DeadlineExceeded) {
		t.Error("the contexts' errors are not matched")
	}
	// The numbers are on the wire for ever.
	for i, c := range []Code{OK, Cancelled, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted, Unavailable, DeadlineExceeded, Internal, Unimplemented, NotReady, UnexpectedEnd, VersionMismatch} {
		if int(c) != i {
			t.Errorf("%v is %d, want %d", c, c, i)
		}
		if strings.Contains(c.String(), "code") {
			t.Errorf("code %d has no name", i)
		}
		if err := (&Error{Code: c}); err.Error() != c.String() {
			t.Errorf("an error without a message reads %q", err)
		}
	}
	if got := Code(999).String(); got != "error code 999" {
		t.Errorf("an unknown code prints as %q", got)
	}
	for _, s := range []string{strings.Repeat("ü", maxMessage), "a\xffb", ""} {
		if cut := cutMessage(s); len(cut) > maxMessage || !strings.HasPrefix(strings.ToValidUTF8(s, "\uFFFD"), strings.TrimSuffix(cut, " [cut]")) {
			t.Errorf("cut to %d bytes", len(cut))
		}
	}
}
