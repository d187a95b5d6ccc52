package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"steth/rpc"
)

// explain makes of err, which a dial of address ended with, a sentence that
// says where, what and what to do. Its code is err's own, or Unavailable.
func explain(node, address string, err error) error {
	where := node
	if address != "" {
		where = fmt.Sprintf("%s (%s)", node, address)
	}
	var (
		own *rpc.Error
		dns *net.DNSError
		say string
	)
	code := rpc.Unavailable
	switch {
	case errors.As(err, &own):
		code, say = own.Code, own.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		say = "connection refused: is steth-agent running on " + node + "?"
	case errors.Is(err, syscall.ENOENT):
		say = "no such socket: is steth-agent running on " + node + "?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		say = "no route to the node: is the address right, and the management network up?"
	case errors.As(err, &dns):
		say = fmt.Sprintf("the name %q can't be looked up: give the node's address under `nodes:` in the configuration", dns.Name)
	case errors.Is(err, context.Canceled):
		code, say = rpc.Cancelled, "the dial was given up"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		code, say = rpc.DeadlineExceeded, "no answer in time: is the node up, and does a firewall let TCP to this port through?"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		say = "the connection was reset before the agent answered: is it steth-agent that listens there?"
	default:
		say = err.Error()
	}
	return rpc.WithCause(code, err, where+": "+say)
}
