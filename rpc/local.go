package rpc

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// checkLocal refuses plain TCP with anything but this machine.
func checkLocal(addr net.Addr) error {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return nil
		}
	}
	return Errorf(PermissionDenied, "plain TCP is for loopback and unix sockets only, not for %v: use certificates", addr)
}

// interruptible makes blocked reads and writes of conn fail as soon as ctx
// ends. What it returns undoes that, takes the deadlines off, and says why ctx
// had ended if it had.
func interruptible(ctx context.Context, conn net.Conn) func() error {
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		conn.SetDeadline(longAgo)
	})
	return func() error {
		if !stop() {
			<-fired
			return context.Cause(ctx)
		}
		conn.SetDeadline(time.Time{})
		return nil
	}
}

// tuneSocket keeps the kernel from queueing more than it can send soon. Its
// buffer grows to megabytes, which on a slow link would stand between a
// capture's data and the answer to a ping.
func tuneSocket(conn net.Conn) {
	tcp, ok := beneath(conn).(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(limitUnsent) // an old kernel just queues more
}

// beneath returns the connection that conn's TLS runs on, or conn where there
// is none. To close it ends both at once, without a goodbye that could block.
func beneath(conn net.Conn) net.Conn {
	if secured, ok := conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return conn
}
