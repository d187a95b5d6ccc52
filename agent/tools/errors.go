package tools

import (
	"errors"
	"fmt"
)

// The kinds of a tool's errors: errors.Is tells them apart, and the agent gives
// each a code of the wire. An error of no kind is the agent's own fault.
var (
	ErrArgument    = errors.New("invalid argument")
	ErrNotFound    = errors.New("not found")      // no such device, namespace or address
	ErrNotReady    = errors.New("not ready")      // the node lacks a program or a right
	ErrLimit       = errors.New("over the limit") // more than the agent grants
	ErrUnavailable = errors.New("unavailable")    // the network or the kernel refused
	ErrTimeout     = errors.New("timed out")
)

// kindError says text and is of a kind.
type kindError struct {
	error
	kind error
}

func (e kindError) Unwrap() []error { return []error{e.error, e.kind} }

// failf is fmt.Errorf with a kind, which is not part of the text.
func failf(kind error, format string, args ...any) error {
	return kindError{fmt.Errorf(format, args...), kind}
}
