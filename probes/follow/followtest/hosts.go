// Package followtest stands in for the agents of a path's hosts, so that tests
// of whoever shows a path drive a real session without a network: what each
// host has, and what its captures bring. Packets come one after the other, in
// the order of the script, whatever the machine does: a test sees the same rows
// every time.
package followtest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"steth/agent/api"
	"steth/probes"
	"steth/rpc"
)

// Event is what one capture tells.
type Event struct {
	Host, Device string
	At           time.Time
	Outgoing     bool // the packet left by the device
	Frame        []byte
	Dropped      uint64 // without a frame: how many packets the kernel has dropped so far
}

// Hosts are agents that are not there; [probes.Agents].
type Hosts struct {
	Links  map[string][]api.Namespace // by host; one that isn't in it does not answer
	Switch map[string][]api.OVSBridge // by host; one that isn't in it has no Open vSwitch
	Began  time.Time                  // when captures see everything from; zero: when they are opened
	Script []Event                    // of captures that are all opened
	// Inject is told of every request to inject; it may Tell what comes of it.
	// Without it the agents can't inject.
	Inject func(host string, req api.InjectRequest)
	Ends   bool // captures end behind the script; else they go on until they are closed

	mu      sync.Mutex
	turn    *sync.Cond // of mu
	at      int        // in Script
	out     bool       // Script[at] was given out and is worked on
	waiting int        // captures that are open
}

// Open is how many captures are open.
func (h *Hosts) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting
}

// Tell adds to the script.
func (h *Hosts) Tell(events ...Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Script = append(h.Script, events...)
	if h.turn != nil {
		h.turn.Broadcast()
	}
}

// Told tells whether all of the script was taken in.
func (h *Hosts) Told() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at == len(h.Script)
}

// Call implements [probes.Agents].
func (h *Hosts) Call(_ context.Context, node, tool string, args any) (probes.Stream, error) {
	links, ok := h.Links[node]
	if !ok {
		return nil, fmt.Errorf("no agent on %s: %w", node, rpc.ErrUnavailable)
	}
	req, ok := args.(api.CaptureRequest)
	switch {
	case ok:
	case tool == api.ToolInject && h.Inject != nil:
		req := args.(api.InjectRequest)
		h.Inject(node, req)
		return list([]api.InjectEvent{
			{Kind: api.InjectReady, Way: api.InjectRedirect},
			{Kind: api.InjectSent, Time: time.Now().UnixNano(), Sent: req.Count},
		}), nil
	case tool == api.ToolLinks:
		return list(links), nil
	case tool == api.ToolOVS && h.Switch[node] != nil:
		events := []api.OVSEvent{{Switch: &api.OVSSwitch{Version: "3.3.0"}}}
		for _, b := range h.Switch[node] {
			events = append(events, api.OVSEvent{Bridge: &b})
		}
		return list(events), nil
	default:
		return nil, rpc.Errorf(rpc.NotFound, "%s has no %s", node, tool)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.turn == nil {
		h.turn = sync.NewCond(&h.mu)
	}
	h.waiting++
	return &capture{hosts: h, host: node, device: req.Device}, nil
}

// Address implements [probes.Agents].
func (h *Hosts) Address(context.Context, string) (string, error) { return "", nil }

// Offset implements [probes.Agents].
func (h *Hosts) Offset(string) (offset, spread time.Duration) { return 0, 0 }

// Devices are links in a node's own namespace, up and with an MTU of 1450.
func Devices(names ...string) []api.Namespace {
	ns := api.Namespace{}
	for _, n := range names {
		ns.Links = append(ns.Links, api.Link{Name: n, MTU: 1450, Up: true})
	}
	return []api.Namespace{ns}
}

// list is an answer that ends.
func list[T any](events []T) *answer {
	a := &answer{}
	for _, e := range events {
		a.messages = append(a.messages, event(e))
	}
	return a
}

type answer struct{ messages []rpc.Message }

func (a *answer) Close() error { return nil }

func (a *answer) Next() (rpc.Message, error) {
	if len(a.messages) == 0 {
		return rpc.Message{}, io.EOF
	}
	m := a.messages[0]
	a.messages = a.messages[1:]
	return m, nil
}

// capture is one capture as an agent would stream it.
type capture struct {
	hosts         *Hosts
	host, device  string
	started, mine bool // mine: Script[at] was given to it
	closed        bool
}

func (c *capture) Close() error {
	h := c.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.closed {
		c.closed = true
		h.waiting--
		c.done()
		h.turn.Broadcast()
	}
	return nil
}

// done says that what was given out has been worked on; h.mu is held.
func (c *capture) done() {
	if c.mine {
		c.mine, c.hosts.out = false, false
		c.hosts.at++
		c.hosts.turn.Broadcast()
	}
}

func (c *capture) Next() (rpc.Message, error) {
	h := c.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	c.done()
	if !c.started {
		c.started = true
		began := h.Began
		if began.IsZero() {
			began = time.Now()
		}
		return event(api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 1, Snap: 128, Time: began.UnixNano()}), nil
	}
	for {
		switch {
		case c.closed:
			return rpc.Message{}, rpc.ErrCancelled
		case h.out:
		case h.at < len(h.Script) && h.Script[h.at].Host == c.host && h.Script[h.at].Device == c.device:
			h.out, c.mine = true, true
			return h.Script[h.at].message(), nil
		case h.Ends && !slices.ContainsFunc(h.Script[h.at:], func(e Event) bool { return e.Host == c.host && e.Device == c.device }):
			return rpc.Message{}, io.EOF
		}
		h.turn.Wait()
	}
}

func (e Event) message() rpc.Message {
	if e.Frame == nil {
		return event(api.CaptureEvent{Kind: api.CaptureStats, Time: e.At.UnixNano(), Kernel: e.Dropped})
	}
	p := api.Packet{Time: e.At.UnixNano(), Length: uint32(len(e.Frame)), Data: e.Frame}
	if e.Outgoing {
		p.Type = 4
	}
	return rpc.Message{Data: api.AppendPacket(nil, p)}
}

func event(v any) rpc.Message {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err) // the types are ours
	}
	return rpc.Message{Event: b}
}
