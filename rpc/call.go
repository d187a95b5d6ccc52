package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
)

// Call is the agent's side of one call, given to a [Handler]. Its methods may
// be used from several goroutines until ServeCall returns.
type Call struct {
	peer    Peer
	tool    string
	args    cbor.RawMessage
	ctx     context.Context
	out     *frameWriter
	dropped atomic.Uint64
}

// Peer says who calls.
func (c *Call) Peer() Peer { return c.peer }

// Tool is the name of what is called. It is the console's word and may be
// anything.
func (c *Call) Tool() string { return c.tool }

// Decode reads the request's arguments into args, which is a pointer. A field
// that args does not have is an error, since it may have been a limit. The
// error is of code [InvalidArgument].
func (c *Call) Decode(args any) error {
	if len(c.args) == 0 {
		return nil // as if every field were left out
	}
	if err := decodeRequest(c.args, args); err != nil {
		return Errorf(InvalidArgument, "arguments of %s: %w", c.tool, err)
	}
	return nil
}

// Event sends v as CBOR. It blocks while the console does not read, and fails
// with the cause once the call is cancelled.
func (c *Call) Event(v any) error {
	if err := c.alive(); err != nil {
		return err
	}
	return c.explain(c.out.event(v))
}

// Data sends p, at most [MaxData] bytes, as one data frame. It is done with p
// when it returns, and it blocks and fails as [Call.Event] does.
func (c *Call) Data(p []byte) error {
	if err := c.alive(); err != nil {
		return err
	}
	return c.explain(c.out.data(p))
}

// AddDropped adds to the number of dropped items that the end frame tells.
func (c *Call) AddDropped(n uint64) { c.dropped.Add(n) }

func (c *Call) alive() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return nil
}

// explain prefers the reason why a call was cancelled to what its writes say.
func (c *Call) explain(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	if why := c.alive(); why != nil {
		return why
	}
	return Errorf(Unavailable, "send to the console: %w", err)
}

// errCallerClosed is what cancels a call whose caller closed its stream.
var errCallerClosed = Errorf(Cancelled, "the caller closed the call")

// serveCall serves the call that was read from a stream, to its end. It returns
// when the handler and the stream's reader have ended.
func serveCall(ctx context.Context, raw muxStream, frames *frameReader, call *Call, h Handler, t timing, log *slog.Logger) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	call.ctx, call.out = ctx, newFrameWriter(raw, t)
	// A handler may be blocked in a write that no window update will ever
	// wake, since a yamux peer's Close is only half a close.
	unhook := context.AfterFunc(ctx, func() { raw.SetWriteDeadline(longAgo) })
	defer unhook()

	watched := make(chan struct{})
	go func() {
		defer close(watched)
		cancel(watch(frames))
	}()
	err := runHandler(ctx, h, call, log)
	if context.Cause(ctx) != errCallerClosed {
		_ = call.out.finish(endOf(ctx, err, call.dropped.Load())) // if the peer is gone, nobody is left to tell
	}
	call.out.abandon(errFinished)
	raw.Close() // wakes the reader
	<-watched
}

// readRequest reads the first frame of a stream.
func readRequest(frames *frameReader) (*Call, error) {
	kind, payload, err := frames.next()
	if err != nil {
		return nil, err
	}
	if kind != kindRequest {
		return nil, Errorf(InvalidArgument, "protocol: a stream began with a frame of kind %d", kind)
	}
	var r request
	if err := decodeRequest(payload, &r); err != nil {
		return nil, Errorf(InvalidArgument, "protocol: malformed request: %w", err)
	}
	if r.Tool == "" {
		return nil, Errorf(InvalidArgument, "protocol: a request without a tool")
	}
	return &Call{tool: r.Tool, args: append(cbor.RawMessage(nil), r.Args...)}, nil
}

// watch reads what follows a request, where only ignorable frames may come,
// and returns why the call should end.
func watch(frames *frameReader) error {
	kind, _, err := frames.next()
	var e *Error
	switch {
	case err == nil:
		return Errorf(InvalidArgument, "protocol: a frame of kind %d came after the request", kind)
	case errors.Is(err, io.EOF):
		return errCallerClosed
	case errors.As(err, &e):
		return err
	}
	return Errorf(Unavailable, "the console's stream broke: %w", err)
}

// runHandler turns a handler's panic into an error.
func runHandler(ctx context.Context, h Handler, call *Call, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("a handler panicked", "tool", call.tool, "panic", p, "stack", string(debug.Stack()))
			err = Errorf(Internal, "%s failed unexpectedly: the agent's log has the details", call.tool)
		}
	}()
	return h.ServeCall(ctx, call)
}

// endOf makes the end frame of a call whose handler returned err.
func endOf(ctx context.Context, err error, dropped uint64) end {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	e := end{Code: CodeOf(err), Dropped: dropped}
	if err != nil {
		e.Message = cutMessage(err.Error())
		if e.Code == OK { // an *Error without a code is no success
			e.Code = Internal
		}
	}
	return e
}
