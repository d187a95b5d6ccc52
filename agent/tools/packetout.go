package tools

import (
	"context"
	"net"

	"steth/agent/api"
)

// packetOut hands frames to a bridge of Open vSwitch as having come in by one of
// its ports. It changes nothing on the node.
type packetOut struct {
	bridge string
	port   uint16 // OpenFlow's number
	conn   net.Conn
	flow   openflow
	done   func()
}

// openSwitch finds the port of Open vSwitch that is called device.
func (n *Node) openSwitch(ctx context.Context, netnsName, device string) (*packetOut, error) {
	if netnsName != "" {
		return nil, failf(ErrArgument, "inject: %s is in network namespace %s, and Open vSwitch takes frames for the node's own alone", device, netnsName)
	}
	sockets, err := n.switchSockets()
	if err != nil {
		return nil, failf(ErrUnavailable, "inject: %s is in no bridge: none of the kernel's holds it, and %w", device, err)
	}
	var rows ovsRows
	var failed error
	if err := n.Reads.do(ctx, func() { rows, failed = readSwitch(ctx, sockets) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	p := &packetOut{}
	if p.bridge, p.port, err = rows.port(device); err != nil {
		return nil, err
	}
	if p.conn, p.done, err = sockets.dial(ctx, sockets.bridge(p.bridge)); err != nil {
		return nil, err
	}
	if p.flow, err = openOpenFlow(p.conn); err != nil {
		p.done()
		return nil, failf(ErrUnavailable, "inject: speak OpenFlow with %s: %w", p.bridge, err)
	}
	return p, nil
}

// port finds the bridge and the OpenFlow port of an interface.
func (r ovsRows) port(name string) (bridge string, port uint16, err error) {
	for _, b := range r.bridges() {
		for _, p := range b.Ports {
			if p.Interface != name {
				continue
			}
			// Patch ports, tunnels and NICs have none: what comes in by them nobody
			// holds against any server's rules.
			if p.IfaceID == "" {
				return "", 0, failf(ErrArgument, "inject: %s of bridge %s is no server's port: it has no iface-id in Open vSwitch", name, b.Name)
			}
			// OFPP_MAX of OpenFlow 1.0; Open vSwitch gives no higher number.
			if p.OFPort < 1 || p.OFPort >= 0xff00 {
				return "", 0, failf(ErrUnavailable, "inject: %s of bridge %s does not work in Open vSwitch: its OpenFlow port is %d %s", name, b.Name, p.OFPort, p.Error)
			}
			// It becomes a part of a path.
			if err := api.CheckSwitchName(b.Name); err != nil {
				return "", 0, failf(ErrUnavailable, "inject: %w", err)
			}
			return b.Name, uint16(p.OFPort), nil
		}
	}
	return "", 0, failf(ErrArgument, "inject: %s is in no bridge: neither one of the kernel's nor Open vSwitch holds it, so nothing would take the frames up", name)
}

func (p *packetOut) about() api.InjectEvent {
	return api.InjectEvent{Way: api.InjectSwitch, Bridge: p.bridge}
}

func (p *packetOut) close() error {
	p.done()
	return nil
}

func (p *packetOut) send(ctx context.Context, frame []byte) error {
	err := extend(p.conn)
	if err == nil {
		err = p.flow.packetOut(p.conn, p.port, frame)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return failf(ErrUnavailable, "inject: hand a frame to %s: %w", p.bridge, err)
	}
	return nil
}
