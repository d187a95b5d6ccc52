package tools

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// inject sends a frame out of a device, as it is.
func inject() Tool {
	return Define(api.ToolInject, readyWith("", "", capNetRaw(), capSysAdmin()), runInject)
}

func runInject(ctx context.Context, node *Node, req api.InjectRequest, sink Sink) error {
	if rate := node.Limits.InjectRate; rate > 0 && req.Count > 1 && req.Interval < time.Second/time.Duration(rate) {
		return failf(ErrLimit, "inject: a frame each %v is more than the %d a second that this agent grants (limits.inject_rate)", req.Interval, rate)
	}
	ns, err := node.openNetns(req.Netns)
	if err != nil {
		return err
	}
	defer ns.Close()
	var fd int
	err = onThread(func() error {
		if err := enter(ns); err != nil {
			return err
		}
		dev, err := findDevice(req.Netns, req.Device)
		if err != nil {
			return err
		}
		fd, err = openPacketSocket()
		if err != nil {
			return err
		}
		// Protocol 0: the socket sends and never receives.
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: dev.index}); err != nil {
			unix.Close(fd)
			return failf(ErrUnavailable, "inject: bind to %s: %w", req.Device, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)

	var done api.InjectEvent
	tick := time.NewTicker(req.Interval)
	defer tick.Stop()
	for done.Sent < req.Count && err == nil {
		if err = send(fd, req); err != nil {
			break
		}
		if done.Sent++; done.Sent == 1 {
			done.Time = node.now()
		}
		if done.Sent < req.Count {
			err = pause(ctx, tick.C)
		}
	}
	if rate := node.Limits.InjectRate; rate > 0 && err == nil {
		// The last frame takes its time as well, so that one job after the other
		// sends no more than one.
		err = pause(ctx, time.After(time.Second/time.Duration(rate)))
	}
	// What was sent is told in any case.
	if evErr := sink.Event(done); err == nil {
		err = evErr
	}
	return err
}

// pause waits for the next tick or for the end of ctx, whose cause it returns.
func pause(ctx context.Context, tick <-chan time.Time) error {
	select {
	case <-tick:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func send(fd int, req api.InjectRequest) error {
	for {
		_, err := unix.Write(fd, req.Frame)
		switch err {
		case nil:
			return nil
		case unix.EINTR:
		case unix.EMSGSIZE:
			return failf(ErrArgument, "inject: %d bytes do not fit the MTU of %s", len(req.Frame), req.Device)
		case unix.ENETDOWN:
			return failf(ErrUnavailable, "inject: %s is down", req.Device)
		case unix.ENXIO, unix.ENODEV:
			return failf(ErrNotFound, "inject: %s is gone", req.Device)
		default:
			return failf(ErrUnavailable, "inject: send on %s: %w", req.Device, err)
		}
	}
}
