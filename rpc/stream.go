package rpc

import "github.com/fxamacker/cbor/v2"

// Message is one thing that a call sent: exactly one of the fields is set.
// Both are valid until the next call of [Stream.Next].
type Message struct {
	Event cbor.RawMessage
	Data  []byte
}

// Stream is the console's side of one call. One goroutine reads it; Close may
// be called from any.
type Stream struct{}

// Next waits for the next message. It returns io.EOF after a good end, an
// [*Error] after a bad one, and one that matches [ErrUnexpectedEnd] when the
// stream just stopped.
func (s *Stream) Next() (Message, error) { return Message{}, ErrUnimplemented }

// Dropped returns how many items the agent dropped in this call, known from
// the end frame on.
func (s *Stream) Dropped() uint64 { return 0 }

// Close cancels the call on the agent and wakes Next.
func (s *Stream) Close() error { return nil }

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
