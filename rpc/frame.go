package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Bounds on the payloads of frames, in bytes.
const (
	MaxRequest = 64 << 10 // a tool's name and its arguments
	MaxEvent   = 1 << 20
	MaxData    = 64 << 10

	maxEnd = maxMessage + 64
)

// frameHeader is the kind (1 byte) and the payload's length (4, big endian).
const frameHeader = 5

// The kinds of frames. A receiver skips an unknown kind whose high bit is set
// and gives up the stream at any other.
const (
	kindRequest byte = 1
	kindEvent   byte = 2
	kindData    byte = 3
	kindEnd     byte = 4

	kindIgnorable byte = 0x80
)

// maxPayload returns the largest payload of kind, or -1 where the kind is
// neither known nor ignorable.
func maxPayload(kind byte) int {
	switch {
	case kind == kindRequest:
		return MaxRequest
	case kind == kindEvent:
		return MaxEvent
	case kind == kindData:
		return MaxData
	case kind == kindEnd:
		return maxEnd
	case kind&kindIgnorable != 0:
		return MaxEvent
	}
	return -1
}

// request is the payload of a request frame.
type request struct {
	Tool string          `cbor:"1,keyasint"`
	Args cbor.RawMessage `cbor:"2,keyasint,omitempty"`
}

// end is the payload of an end frame.
type end struct {
	Code    Code   `cbor:"1,keyasint"`
	Message string `cbor:"2,keyasint,omitempty"`
	Dropped uint64 `cbor:"3,keyasint,omitempty"`
}

// frameReader reads frames from one stream into one buffer.
type frameReader struct {
	r    io.Reader
	head [frameHeader]byte // here and not on the stack, where a Reader lets it escape
	buf  []byte
}

// next returns the next frame that may not be ignored. The payload is valid
// until the call after. io.EOF means that the stream ended between two frames,
// io.ErrUnexpectedEOF that it ended inside one.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	for {
		if _, err := io.ReadFull(f.r, f.head[:]); err != nil {
			return 0, nil, err
		}
		kind, size := f.head[0], binary.BigEndian.Uint32(f.head[1:])
		limit := maxPayload(kind)
		if limit < 0 {
			return 0, nil, Errorf(InvalidArgument, "protocol: frame of unknown kind %#x", kind)
		}
		if uint64(size) > uint64(limit) {
			return 0, nil, Errorf(ResourceExhausted, "protocol: frame of kind %d has %d bytes, at most %d are allowed", kind, size, limit)
		}
		if kind&kindIgnorable != 0 {
			if _, err := io.CopyN(io.Discard, f.r, int64(size)); err != nil {
				return 0, nil, unexpected(err)
			}
			continue
		}
		if cap(f.buf) < int(size) {
			f.buf = make([]byte, size)
		}
		payload = f.buf[:size]
		if _, err := io.ReadFull(f.r, payload); err != nil {
			return 0, nil, unexpected(err)
		}
		return kind, payload, nil
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// flushAt is how many pending bytes are written without waiting for company.
const flushAt = 32 << 10

// errFinished is what writing after the end frame fails with.
var errFinished = Errorf(Internal, "the call has ended")

// frameWriter puts frames of one stream together and writes them when the
// stream is idle, at the latest after timing.hold, or as soon as flushAt bytes
// are pending. A frame after a quiet time waits timing.settle, so that a short
// answer and its end travel as one. It is safe for concurrent use.
type frameWriter struct {
	w            io.Writer
	settle, hold time.Duration

	mu      sync.Mutex // held while w takes bytes: that is the back-pressure
	pending bytes.Buffer
	timer   *time.Timer // runs while armed
	armed   bool
	flushed time.Time // when the last bytes were written
	err     error     // sticky
}

func newFrameWriter(w io.Writer, t timing) *frameWriter {
	return &frameWriter{w: w, settle: t.settle, hold: t.hold}
}

// data appends a data frame.
func (f *frameWriter) data(p []byte) error {
	if len(p) > MaxData {
		return Errorf(ResourceExhausted, "data frame of %d bytes is over the limit of %d", len(p), MaxData)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	putFrame(&f.pending, kindData, p)
	return f.settled()
}

// event appends v as an event frame.
func (f *frameWriter) event(v any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if err := encodeFrame(&f.pending, kindEvent, v); err != nil {
		return err
	}
	return f.settled()
}

// finish appends the end frame, writes everything, and lets nothing follow.
func (f *frameWriter) finish(e end) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	err := encodeFrame(&f.pending, kindEnd, e)
	if err == nil {
		err = f.flush()
	}
	f.stop(errFinished)
	return err
}

// abandon drops what is pending and makes later writes fail with err.
func (f *frameWriter) abandon(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.stop(err)
	}
}

// stop ends the writer. f.mu is held.
func (f *frameWriter) stop(err error) {
	f.err = err
	f.pending = bytes.Buffer{}
	if f.timer != nil {
		f.timer.Stop()
	}
}

// settled decides when what is pending goes out. f.mu is held.
func (f *frameWriter) settled() error {
	if f.pending.Len() >= flushAt {
		return f.flush()
	}
	if f.armed {
		return nil
	}
	wait := f.settle
	if busy := f.hold - time.Since(f.flushed); busy > wait {
		wait = busy
	}
	f.armed = true
	if f.timer == nil {
		f.timer = time.AfterFunc(wait, f.tick)
	} else {
		f.timer.Reset(wait)
	}
	return nil
}

func (f *frameWriter) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && f.armed {
		_ = f.flush() // kept in f.err for the next writer
	}
}

// flush writes what is pending. f.mu is held.
func (f *frameWriter) flush() error {
	f.armed = false
	if f.pending.Len() == 0 {
		return nil
	}
	_, err := f.w.Write(f.pending.Bytes())
	f.pending.Reset()
	f.flushed = time.Now()
	if err != nil {
		f.err = err
	}
	return err
}

// putFrame appends a frame with payload to buf.
func putFrame(buf *bytes.Buffer, kind byte, payload []byte) {
	var head [frameHeader]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	buf.Write(head[:])
	buf.Write(payload)
}

// encodeFrame appends a frame with v as CBOR to buf, which is unchanged after
// an error.
func encodeFrame(buf *bytes.Buffer, kind byte, v any) error {
	start := buf.Len()
	buf.Write([]byte{kind, 0, 0, 0, 0})
	err := codecs().enc.MarshalToBuffer(v, buf)
	size := buf.Len() - start - frameHeader
	switch limit := maxPayload(kind); {
	case err != nil:
		err = Errorf(Internal, "encode %T: %w", v, err)
	case size > limit:
		err = Errorf(ResourceExhausted, "%T takes %d bytes, a frame holds %d", v, size, limit)
	default:
		binary.BigEndian.PutUint32(buf.Bytes()[start+1:], uint32(size))
		return nil
	}
	buf.Truncate(start)
	return err
}
