package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"steth/agent/api"
	"steth/openstack"
	"steth/probes"
	"steth/rpc"
)

// The most that is taken of one answer about Open vSwitch: a node has some
// thousand ports.
const (
	mostSwitchPorts = 1 << 17
	mostSwitchBytes = 64 << 20
)

// askSwitch asks a host for its Open vSwitch.
func askSwitch(ctx context.Context, env probes.Env, host string) (*openstack.SwitchFacts, error) {
	s, err := env.Agents.Call(ctx, host, api.ToolOVS, api.OVSRequest{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	return readSwitch(s)
}

func readSwitch(s probes.Stream) (*openstack.SwitchFacts, error) {
	out := &openstack.SwitchFacts{}
	size := 0
	for {
		m, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var e api.OVSEvent
		if err := rpc.Decode(m.Event, &e); err != nil {
			return nil, err
		}
		if e.Switch != nil {
			out.Down = e.Switch.Down
		}
		if e.Bridge != nil {
			addBridge(out, e.Bridge)
		}
		if size += len(m.Event); size > mostSwitchBytes || len(out.Ports) > mostSwitchPorts {
			return nil, fmt.Errorf("the agent tells of more than %d ports or %d MiB, and does not end", mostSwitchPorts, mostSwitchBytes>>20)
		}
	}
}

func addBridge(to *openstack.SwitchFacts, b *api.OVSBridge) {
	if !slices.Contains(to.Bridges, b.Name) {
		to.Bridges = append(to.Bridges, b.Name)
	}
	for _, p := range b.Ports {
		port := openstack.SwitchPort{
			Bridge: b.Name, Name: p.Interface, Type: p.Type, IfaceID: p.IfaceID, OFPort: p.OFPort, Error: p.Error, Tag: p.Tag,
			Peer: p.Peer, LocalIP: p.LocalIP, RemoteIP: p.RemoteIP,
		}
		if p.Wired != nil {
			port.Noted = p.Wired.Tag
		}
		to.Ports = append(to.Ports, port)
	}
}

// switched tells whether hops of a host lie in Open vSwitch, so that its
// database has more to say than the kernel.
func switched(hops []Hop, host string) bool {
	return slices.ContainsFunc(hops, func(h Hop) bool {
		return h.Host == host && (h.Seen == openstack.SeenCounters || h.Locate.IfaceID != "" || h.Expect.Bridge != "")
	})
}
