package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/packets"
	"steth/packets/craft"
	"steth/probes/capture"
)

// unasked stands for a MAC that Neutron does not know and that is asked for when
// it's needed.
var unasked [6]byte

// provided is the address of the provider's own gateway, where the path's first
// port sends by it: Neutron has no port for it, and so no MAC.
func provided(path openstack.Path) netip.Addr {
	switch {
	case path.Hops[0].View.FarMAC != "":
	case path.Goal == openstack.GoalOutside:
		return path.Beyond
	case path.Goal == openstack.GoalGateway && len(path.To.Addresses) > 0:
		return path.To.Addresses[0]
	}
	return netip.Addr{}
}

const (
	// questions are sent for a MAC, one each questionPause.
	questions     = 3
	questionPause = 300 * time.Millisecond
	// answerTime is how long it takes in all until nobody answers.
	answerTime = 3 * time.Second
)

var (
	errHeard    = errors.New("the answer is there")
	errNoAnswer = errors.New("nobody answered")
)

// neighbour asks for the MAC of an address as if from the path's first port, by
// ARP. The answer comes back to the port's device, whichever way the question
// went.
func (s *Session) neighbour(ctx context.Context, p *craft.Probe, address netip.Addr) (net.HardwareAddr, error) {
	first := s.Hops()[0]
	mac, err := s.askFor(ctx, first, craft.Flow{MAC: p.MAC, Near: p.Near, Far: address, Count: questions})
	if err != nil {
		return nil, fmt.Errorf("inject: ask for the MAC of gateway %v at %s: %w", address, first.Name(), err)
	}
	return mac, nil
}

func (s *Session) askFor(ctx context.Context, first Hop, f craft.Flow) (mac net.HardwareAddr, err error) {
	if !f.Far.Is4() {
		return nil, errors.New("only gateways of IPv4 are asked")
	}
	question, err := craft.New(craft.ARP, f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(answerTime, func() { cancel(errNoAnswer) })
	defer limit.Stop()
	heard, err := s.env.Agents.Call(ctx, first.Host, api.ToolCapture, api.CaptureRequest{
		Netns: first.Netns, Device: first.Device, Filter: "arp", Snap: api.SnapHeaders,
	})
	if err != nil {
		return nil, err
	}
	defer heard.Close()
	defer context.AfterFunc(ctx, func() { heard.Close() })()

	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel(nil) // before the wait
	begun := false    // the counters come again and again
	_, err = capture.Follow(heard, func(p packets.Packet) error {
		if part, _ := question.Know(p.Data); part != craft.Answer {
			return nil
		}
		mac = bytes.Clone(p.Data[14+8 : 14+14]) // the sender's, RFC 826; Know has looked that far
		return errHeard
	}, func(c capture.Counts) {
		if c.Started && !begun {
			begun = true
			asking.Go(func() {
				if err := s.question(ctx, first, question); err != nil {
					cancel(err)
				}
			})
		}
	})
	switch {
	case mac != nil:
		return mac, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, err
}

// question sends one from the path's first hop.
func (s *Session) question(ctx context.Context, first Hop, question *craft.Probe) error {
	req := request(first, Injection{Interval: questionPause})
	req.Frames, req.Count = question.Frames(), questions
	stream, err := s.env.Agents.Call(ctx, first.Host, api.ToolInject, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	for {
		switch _, err := stream.Next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
