package rpc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// Code says what kind of error crossed the wire. The list is append-only: a
// number never changes its meaning. A code that this program does not know is
// kept as it is and prints as its number.
type Code uint16

// The codes, in the order of their numbers on the wire.
const (
	OK                Code = iota // the call did what was asked
	Cancelled                     // the caller, or the loss of its session, ended the call
	InvalidArgument               // the request can never work as it is
	NotFound                      // the thing asked about is not on this node
	PermissionDenied              // the certificate's role does not allow it
	ResourceExhausted             // a limit of the agent or the wire
	Unavailable                   // not now: the peer is away, stopping or busy
	DeadlineExceeded              // a time limit
	Internal                      // a defect or an unforeseen failure on the node
	Unimplemented                 // this agent does not have the tool
	NotReady                      // the tool is there, what it needs on the node is not
	UnexpectedEnd                 // the answer stopped without an end frame
	VersionMismatch               // no version of the protocol in common
)

// The errors to compare with by [errors.Is]. Each matches every [Error] of its
// code, whatever its message.
var (
	ErrCancelled         error = &Error{Code: Cancelled}
	ErrInvalidArgument   error = &Error{Code: InvalidArgument}
	ErrNotFound          error = &Error{Code: NotFound}
	ErrPermissionDenied  error = &Error{Code: PermissionDenied}
	ErrResourceExhausted error = &Error{Code: ResourceExhausted}
	ErrUnavailable       error = &Error{Code: Unavailable}
	ErrDeadlineExceeded  error = &Error{Code: DeadlineExceeded}
	ErrInternal          error = &Error{Code: Internal}
	ErrUnimplemented     error = &Error{Code: Unimplemented}
	ErrNotReady          error = &Error{Code: NotReady}
	ErrUnexpectedEnd     error = &Error{Code: UnexpectedEnd}
	ErrVersionMismatch   error = &Error{Code: VersionMismatch}
)

// String returns the code's name as people read it.
func (c Code) String() string {
	switch c {
	case OK:
		return "ok"
	case Cancelled:
		return "cancelled"
	case InvalidArgument:
		return "invalid argument"
	case NotFound:
		return "not found"
	case PermissionDenied:
		return "permission denied"
	case ResourceExhausted:
		return "limit reached"
	case Unavailable:
		return "unavailable"
	case DeadlineExceeded:
		return "time limit exceeded"
	case Internal:
		return "internal error"
	case Unimplemented:
		return "not implemented"
	case NotReady:
		return "not ready"
	case UnexpectedEnd:
		return "unexpected end"
	case VersionMismatch:
		return "version mismatch"
	}
	return fmt.Sprintf("error code %d", uint16(c))
}

// Error is an error with a code. It is what a call that went wrong ends with,
// on both sides of the wire; of a wrapped chain only code and message cross it.
type Error struct {
	Code    Code
	Message string // a sentence for people; from a peer it is untrusted text

	cause error // on the side that made the error
}

// Errorf makes an [Error]. %w works as in [fmt.Errorf] on the side that calls
// it; the other side sees the text.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// WithCause makes an [Error] whose message stands for cause, which stays in the
// chain for [errors.Is] and [errors.As] but not in the text.
func WithCause(code Code, cause error, message string) error {
	return &Error{Code: code, Message: message, cause: cause}
}

// Error returns the message, or the code's name where there is none.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.String()
	}
	return e.Message
}

// Unwrap returns what the error was made of. It is nil for an error that came
// over the wire.
func (e *Error) Unwrap() error { return e.cause }

// Is tells whether target is of the same code. Cancelled also matches
// [context.Canceled], and DeadlineExceeded [context.DeadlineExceeded], so that
// callers need not care on which side a call was given up.
func (e *Error) Is(target error) bool {
	switch target {
	case context.Canceled:
		return e.Code == Cancelled
	case context.DeadlineExceeded:
		return e.Code == DeadlineExceeded
	}
	other, ok := target.(*Error)
	return ok && other.Code == e.Code && (other.Message == "" || other.Message == e.Message)
}

// CodeOf returns the code under which err crosses the wire: that of the first
// [Error] in its chain, Cancelled and DeadlineExceeded for a context's errors,
// OK for nil and Internal for everything else.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return DeadlineExceeded
	}
	return Internal
}

// maxMessage bounds an error's text on the wire, in bytes.
const maxMessage = 4096

// cutMessage makes s fit for the wire: valid UTF-8 of at most maxMessage bytes.
func cutMessage(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxMessage {
		return s
	}
	const mark = " [cut]"
	s = s[:maxMessage-len(mark)]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + mark
}
