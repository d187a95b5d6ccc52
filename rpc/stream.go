package rpc

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
)

// streamBuffer is read ahead of a stream, so that a run of small events costs
// few reads. Larger payloads go past it.
const streamBuffer = 2 << 10

// Message is one thing that a call sent: exactly one of the fields is set.
// Both are valid until the next call of [Stream.Next].
type Message struct {
	Event cbor.RawMessage
	Data  []byte
}

// Stream is the console's side of one call. One goroutine reads it; Close may
// be called from any.
type Stream struct {
	tool    string
	session *Session
	raw     muxStream
	frames  frameReader
	dropped atomic.Uint64

	final error // what Next ended with; the reader's alone

	once      sync.Once
	cancelled atomic.Pointer[error] // why this side gave the call up

	hook   sync.Mutex  // the context may end before unhook is known
	unhook func() bool // from the context of Call
}

// Next waits for the next message. It returns io.EOF after a good end, an
// [*Error] after a bad one, and one that matches [ErrUnexpectedEnd] when the
// stream just stopped. After Close it matches [ErrCancelled], and after the end
// of Call's context it is the context's cause.
func (s *Stream) Next() (Message, error) {
	if s.final != nil {
		return Message{}, s.final
	}
	m, err := s.next()
	if err != nil {
		s.final = err
		s.release()
	}
	return m, err
}

func (s *Stream) next() (Message, error) {
	kind, payload, err := s.frames.next()
	if why := s.cancelled.Load(); why != nil {
		return Message{}, *why
	}
	if err != nil {
		return Message{}, s.stopped(err)
	}
	switch kind {
	case kindEvent:
		if payload == nil {
			payload = []byte{}
		}
		return Message{Event: payload}, nil
	case kindData:
		return Message{Data: payload}, nil
	case kindEnd:
		var e end
		if err := Decode(payload, &e); err != nil {
			return Message{}, Errorf(UnexpectedEnd, "%s: malformed end: %w", s.tool, err)
		}
		s.dropped.Store(e.Dropped)
		if e.Code == OK {
			return Message{}, io.EOF
		}
		return Message{}, &Error{Code: e.Code, Message: cutMessage(e.Message)}
	}
	return Message{}, Errorf(UnexpectedEnd, "%s: protocol: an agent sent a frame of kind %d", s.tool, kind)
}

// stopped explains err, which reading a frame failed with.
func (s *Stream) stopped(err error) error {
	if lost := s.session.Err(); lost != nil {
		return Errorf(UnexpectedEnd, "%s: the answer stopped without an end: %w", s.tool, lost)
	}
	var e *Error
	if errors.As(err, &e) {
		return Errorf(UnexpectedEnd, "%s: %w", s.tool, err)
	}
	return Errorf(UnexpectedEnd, "%s: the answer stopped without an end: %w", s.tool, unexpected(err))
}

// Dropped returns how many items the agent dropped in this call, known from
// the end frame on.
func (s *Stream) Dropped() uint64 { return s.dropped.Load() }

// errStreamClosed is what Next returns after Close.
var errStreamClosed = Errorf(Cancelled, "the call was closed")

// Close cancels the call on the agent and wakes Next. After the end of the
// stream it does nothing.
func (s *Stream) Close() error {
	s.cancel(errStreamClosed)
	return nil
}

func (s *Stream) cancel(why error) {
	s.cancelled.CompareAndSwap(nil, &why)
	s.release()
}

func (s *Stream) release() {
	s.once.Do(func() {
		s.hook.Lock()
		s.unhook()
		s.hook.Unlock()
		s.raw.Close()
		s.session.streams.Add(-1)
	})
}

// Recv returns the next event of s decoded as a T. A data frame is an error.
func Recv[T any](s interface{ Next() (Message, error) }) (T, error) {
	var v T
	m, err := s.Next()
	if err != nil {
		return v, err
	}
	if m.Event == nil {
		return v, Errorf(InvalidArgument, "a data frame came where an event was expected")
	}
	return v, Decode(m.Event, &v)
}
