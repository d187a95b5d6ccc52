package agent

import (
	"errors"

	"steth/agent/tools"
	"steth/rpc"
)

// wireError gives an error of a tool the code of its kind. What has a code
// already keeps it, and what has no kind becomes Internal on the wire.
func wireError(err error) error {
	var coded *rpc.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	for _, k := range []struct {
		kind error
		code rpc.Code
	}{
		{tools.ErrArgument, rpc.InvalidArgument},
		{tools.ErrNotFound, rpc.NotFound},
		{tools.ErrNotReady, rpc.NotReady},
		{tools.ErrLimit, rpc.ResourceExhausted},
		{tools.ErrUnavailable, rpc.Unavailable},
		{tools.ErrTimeout, rpc.DeadlineExceeded},
	} {
		if errors.Is(err, k.kind) {
			return rpc.Errorf(k.code, "%w", err)
		}
	}
	return err
}
