package tools

import (
	"context"

	"steth/agent/api"
)

// ovs reads what Open vSwitch is configured to do from its database.
func ovs() Tool { return Define(api.ToolOVS, readySwitch, runOVS) }

func readySwitch(node *Node) api.ToolState {
	if _, err := node.switchSockets(); err != nil {
		return api.ToolState{Absent: true, Reason: err.Error()}
	}
	return api.ToolState{Ready: true}
}

func runOVS(ctx context.Context, node *Node, req api.OVSRequest, sink Sink) error {
	sockets, err := node.switchSockets()
	if err != nil {
		return err
	}
	var rows ovsRows
	var failed error
	if err := node.Reads.do(ctx, func() { rows, failed = readSwitch(ctx, sockets) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	about := rows.about(sockets.path(ovsdbSocket))
	about.Down = vswitchdDown(ctx, sockets, rows.Bridges)
	if err := sink.Event(api.OVSEvent{Switch: &about}); err != nil {
		return err
	}
	found := false
	for _, b := range rows.bridges() {
		if req.Bridge != "" && b.Name != req.Bridge {
			continue
		}
		found = true
		for _, part := range parts(b) {
			if err := sink.Event(api.OVSEvent{Bridge: &part}); err != nil {
				return err
			}
		}
	}
	if req.Bridge != "" && !found {
		return failf(ErrNotFound, "Open vSwitch has no bridge %s on this node", req.Bridge)
	}
	return nil
}

// vswitchdDown says why ovs-vswitchd does not answer, "" where it does: it
// listens on a socket for each bridge, but for one that was added just now.
func vswitchdDown(ctx context.Context, sockets switchSockets, bridges []bridgeRow) (why string) {
	for _, b := range bridges {
		if api.CheckSwitchName(b.Name) != nil {
			continue
		}
		_, done, err := sockets.dial(ctx, sockets.bridge(b.Name))
		if err == nil {
			done()
			return ""
		}
		why = err.Error()
	}
	return why
}

// parts cuts a bridge into pieces that fit one event each.
func parts(b api.OVSBridge) []api.OVSBridge {
	var out []api.OVSBridge
	rest := b.Ports
	for {
		n, size := 0, 0
		for ; n < len(rest) && size < maxAnswer; n++ {
			size += portSize(rest[n])
		}
		part := b
		part.Ports, rest = rest[:n:n], rest[n:]
		out = append(out, part)
		if len(rest) == 0 {
			return out
		}
	}
}

// portSize is more than a port takes on the wire: its texts, and its numbers
// with all keys.
func portSize(p api.OVSPort) int {
	n := 256 + len(p.Name) + len(p.Interface) + len(p.Type) + len(p.VLANMode) + 3*len(p.Trunks) + len(p.Error) + len(p.Admin) + len(p.LinkState) +
		len(p.MAC) + len(p.IfaceID) + len(p.AttachedMAC) + len(p.IfaceStatus) + len(p.Peer) + len(p.LocalIP) + len(p.RemoteIP) + len(p.Key) + len(p.DstPort)
	if w := p.Wired; w != nil {
		n += len(w.Network) + len(w.Type) + len(w.Physical)
	}
	return n
}
