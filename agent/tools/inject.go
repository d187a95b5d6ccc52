package tools

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// inject sends frames at a device as they are: out of it, or as if they had
// come in by it.
func inject() Tool {
	return Define(api.ToolInject, injectReady, runInject)
}

func injectReady(node *Node) api.ToolState {
	state := readyWith("", "", capNetRaw(), capSysAdmin())(node)
	if state.Ready {
		if err := node.mayMake(); err != nil {
			state.Reason = "not as if from a server behind a bridge: " + err.Error()
		}
	}
	return state
}

// way is how frames go. Close undoes what it changed on the node.
type way interface {
	send(ctx context.Context, frame []byte) error
	close() error
	about() api.InjectEvent
}

func runInject(ctx context.Context, node *Node, req api.InjectRequest, sink Sink) (err error) {
	if rate := node.Limits.InjectRate; rate > 0 && req.Count > 1 && req.Interval < time.Second/time.Duration(rate) {
		return failf(ErrLimit, "inject: a frame each %v is more than the %d a second that this agent grants (limits.inject_rate)", req.Interval, rate)
	}
	w, err := node.openWay(ctx, req)
	if err != nil {
		return err
	}
	defer func() { // whatever ended the call
		undo := w.close()
		if undo != nil {
			node.Log.Error("a change is not undone", "err", undo)
		}
		if err == nil {
			err = undo
		}
	}()
	ready := w.about()
	ready.Kind = api.InjectReady
	if err := sink.Event(ready); err != nil {
		return err
	}

	done := api.InjectEvent{Kind: api.InjectSent}
	tick := time.NewTicker(req.Interval)
	defer tick.Stop()
	for done.Sent < req.Count && err == nil {
		at := node.now()
		if err = w.send(ctx, req.Frames[done.Sent%len(req.Frames)]); err != nil {
			break
		}
		if done.Sent++; done.Sent == 1 {
			done.Time = at
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

// openWay finds out how the frames go and prepares it.
func (n *Node) openWay(ctx context.Context, req api.InjectRequest) (way, error) {
	ns, err := n.netnsByName(req.Netns)
	if err != nil {
		return nil, err
	}
	f, err := ns.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !req.In() {
		return openOut(f, req.Netns, req.Device)
	}
	holder, err := findHolder(f, req.Netns, req.Device)
	switch {
	case errors.Is(err, ErrNotFound) && req.Way != api.InjectRedirect && req.Netns == "":
		// Ports of Open vSwitch need be no devices: vhost-user sockets are none.
		p, failed := n.openSwitch(ctx, req.Netns, req.Device)
		if failed != nil {
			return nil, failf(ErrNotFound, "%w; as a port: %w", err, failed)
		}
		return p, nil
	case err != nil:
		return nil, err
	case req.Way == api.InjectSwitch, req.Way == api.InjectIn && holder.bridge == "":
		return n.openSwitch(ctx, req.Netns, req.Device)
	case holder.bridge == "":
		return nil, failf(ErrArgument, "inject: %s is in no bridge, so nothing would take the frames up", req.Device)
	case !holder.serves():
		return nil, failf(ErrArgument, "inject: no server is behind %s (%s): frames come in by a tap or a veth alone", req.Device, holder.kind)
	}
	return n.openRedirect(ns, f, holder, req.Frames[0][6:12])
}

// out sends out of a device by a packet socket.
type out struct {
	fd     int
	device string
}

func openOut(ns *os.File, netnsName, name string) (*out, error) {
	o := &out{device: name}
	return o, onThread(func() error {
		if err := enter(ns); err != nil {
			return err
		}
		dev, err := findDevice(netnsName, name)
		if err != nil {
			return err
		}
		if o.fd, err = openPacketSocket(); err != nil {
			return err
		}
		// Protocol 0: the socket sends and never receives.
		if err := unix.Bind(o.fd, &unix.SockaddrLinklayer{Ifindex: dev.index}); err != nil {
			unix.Close(o.fd)
			return failf(ErrUnavailable, "inject: bind to %s: %w", name, err)
		}
		return nil
	})
}

func (o *out) about() api.InjectEvent { return api.InjectEvent{} }

func (o *out) close() error {
	unix.Close(o.fd)
	return nil
}

func (o *out) send(_ context.Context, frame []byte) error {
	for {
		_, err := unix.Write(o.fd, frame)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EMSGSIZE):
			return failf(ErrArgument, "inject: %d bytes do not fit the MTU of %s", len(frame), o.device)
		case errors.Is(err, unix.ENETDOWN):
			return failf(ErrUnavailable, "inject: %s is down", o.device)
		case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
			return failf(ErrNotFound, "inject: %s is gone", o.device)
		default:
			return failf(ErrUnavailable, "inject: send on %s: %w", o.device, err)
		}
	}
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
