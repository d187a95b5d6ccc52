package rpc

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
)

func TestPrefaceBytes(t *testing.T) { // spec.md has the same example
	id := ConsoleID{0: 0xaa, 15: 0xbb}
	got := clientPreface{lowest: 1, highest: 1, kind: sessionBulk, console: id}.append(nil)
	want := []byte("STETH\r\n\x00\x00\x01\x00\x01\x02\xaa\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xbb")
	if !bytes.Equal(got, want) || len(got) != clientPrefaceSize {
		t.Errorf("client preface %x, want %x", got, want)
	}
	got = serverPreface{lowest: 1, highest: 1, code: Unavailable, message: "no"}.append(nil)
	want = []byte("STETH\r\n\x00\x00\x01\x00\x01\x00\x06\x00\x02no")
	if !bytes.Equal(got, want) {
		t.Errorf("server preface %x, want %x", got, want)
	}
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct {
		lowest, highest uint16
		ok              bool
	}{
		{1, 1, true}, {1, 9, true}, {0, 1, true}, {2, 9, false}, {0, 0, false}, {3, 1, false},
	} {
		v, err := commonVersion(tt.lowest, tt.highest, "agent")
		if (err == nil) != tt.ok || err == nil && v != 1 {
			t.Errorf("%d to %d: version %d, %v", tt.lowest, tt.highest, v, err)
		}
		if err != nil && (!errors.Is(err, ErrVersionMismatch) || !strings.Contains(err.Error(), "install the same release")) {
			t.Errorf("%d to %d: %v", tt.lowest, tt.highest, err)
		}
	}
}

// Both sides learn that they don't understand each other.
func TestVersionErrorOnBothSides(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		r := start(t, n, testTools)
		conn := r.dial(t)
		defer conn.Close()
		future := clientPreface{lowest: 7, highest: 9, kind: sessionControl}
		if _, err := conn.Write(future.append(nil)); err != nil {
			t.Fatal(err)
		}
		answer, err := readServerPreface(conn)
		if err != nil || answer.code != VersionMismatch || !strings.Contains(answer.message, "7 to 9") {
			t.Errorf("the console reads %+v, %v", answer, err)
		}
	})
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		defer there.Close()
		readClientPreface(there)
		there.Write(serverPreface{lowest: 7, highest: 9}.append(nil))
	}()
	err := greet(here, NewConsoleID(), false)
	if !errors.Is(err, ErrVersionMismatch) || !strings.Contains(err.Error(), "7 to 9") {
		t.Errorf("the console says %v", err)
	}
}

func FuzzPreface(f *testing.F) {
	f.Add(clientPreface{lowest: 1, highest: 1, kind: 1}.append(nil))
	f.Add(serverPreface{lowest: 1, highest: 1, code: Internal, message: "x"}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := readClientPreface(bytes.NewReader(b)); err == nil {
			if again := p.append(nil); !bytes.Equal(again, b[:len(again)]) {
				t.Errorf("client preface %x came back as %x", b, again)
			}
		}
		if p, err := readServerPreface(bytes.NewReader(b)); err == nil && len(p.message) > maxMessage {
			t.Errorf("a message of %d bytes", len(p.message))
		}
	})
}
