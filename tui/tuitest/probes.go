package tuitest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/packets"
	"steth/probes"
)

var everything = openstack.Kinds()

type pingArgs struct {
	To    string `arg:"to" help:"address to ping" type:"ip" required:"true"`
	From  string `arg:"from" help:"node that pings" type:"host" required:"true"`
	Netns string `arg:"netns" help:"network namespace on that node" type:"namespace"`
	Count int    `arg:"count" help:"echo requests; 0 until stopped" default:"0" min:"0" max:"100000"`
	DF    bool   `arg:"df" help:"forbid fragments" default:"false"`
}

type captureArgs struct {
	Host   string `arg:"host" help:"node" type:"host" required:"true"`
	Device string `arg:"device" help:"device on that node" type:"device" required:"true"`
	Filter string `arg:"filter" help:"tcpdump's words" type:"filter"`
	Snap   int    `arg:"snap" help:"bytes kept of each packet" default:"128" min:"64" max:"65535"`
}

type bandwidthArgs struct {
	From string `arg:"from" help:"node that sends" type:"host" required:"true"`
	To   string `arg:"to" help:"node that receives" type:"host" required:"true"`
	Rate string `arg:"rate" help:"bits a second" type:"bits" default:"100M"`
}

type nothing struct{}

// Probes is a set whose runs write what real ones would, without any network.
// With a pace of 0 a run writes a few rows at once and waits to be stopped.
func Probes(pace time.Duration) *probes.Set {
	ping := probes.Define(probes.Spec[pingArgs]{
		Name: "l3.ping", Ask: "Does an address answer ICMP echo from a node or a namespace?", Kinds: everything, Live: true,
		Fill: func(_ context.Context, env probes.Env, t probes.Target, form probes.Form) error {
			form.Default("to", addressOf(env.Inventory(), t))
			form.Choices("from", []string{"net0", "cmp1", "cmp2"})
			form.Default("from", "net0")
			form.Default("netns", "qdhcp-b1ae0000-0000-4000-8000-000000001042")
			form.Choices("netns", []string{"qdhcp-b1ae0000-0000-4000-8000-000000001042", "qrouter-77d0b1aa-3c1e-4e0e-9a51-5d3c5a0f7c11", ""})
			return nil
		},
		Run: func(ctx context.Context, job *probes.Job, a pingArgs) (probes.Finding, error) {
			return runPing(ctx, job, a, pace)
		},
	})
	capture := probes.Define(probes.Spec[captureArgs]{
		Name: "cap.device", Ask: "Which packets pass a device of this port or node?", Kinds: everything, Live: true,
		Fill: func(_ context.Context, env probes.Env, t probes.Target, form probes.Form) error {
			form.Choices("host", []string{"net0", "cmp1", "cmp2"})
			form.Default("host", "cmp1")
			if p, ok := env.Inventory().Port(t.ID); ok && p.Host != "" {
				form.Default("host", p.Host)
				form.Default("device", "tap"+p.ID[:11])
				form.Choices("device", []string{"tap" + p.ID[:11], "qbr" + p.ID[:11], "qvb" + p.ID[:11], "qvo" + p.ID[:11]})
			}
			return nil
		},
		Run: func(ctx context.Context, job *probes.Job, a captureArgs) (probes.Finding, error) {
			return runCapture(ctx, job, a, pace)
		},
	})
	bandwidth := probes.Define(probes.Spec[bandwidthArgs]{
		Name: "bw.tcp", Ask: "How much TCP passes between two nodes?", Kinds: everything, Sends: true, Live: true,
		Run: func(ctx context.Context, job *probes.Job, a bandwidthArgs) (probes.Finding, error) {
			return runBandwidth(ctx, job, a, pace)
		},
	})
	hello := probes.Define(probes.Spec[nothing]{
		Name: "node.hello", Ask: "Is the agent ready, and its clock ours?", Kinds: []openstack.Kind{openstack.KindNode},
		Run: func(context.Context, *probes.Job, nothing) (probes.Finding, error) {
			return probes.Finding{Verdict: probes.Warn, Code: "missing-tool", Reason: "iperf3 is not installed on net0", Next: []probes.Next{{Do: "apt install iperf3", Why: "bw.tcp needs it"}}}, nil
		},
	})
	broken := probes.Define(probes.Spec[nothing]{
		Name: "mtu.path", Ask: "Does the whole MTU pass to the other hosts?", Kinds: []openstack.Kind{openstack.KindPort},
		Run: func(context.Context, *probes.Job, nothing) (probes.Finding, error) {
			return probes.Finding{
				Verdict: probes.Fail, Code: "narrow", Reason: "cmp2 eth1 carries 1400, the network says 1450",
				Next: []probes.Next{{Do: "ip link set eth1 mtu 1550", Why: "on cmp2, or lower the network's MTU"}},
			}, nil
		},
	})
	return probes.NewSet(ping, capture, bandwidth, hello, broken)
}

func addressOf(s *openstack.Snapshot, t probes.Target) string {
	if p, ok := s.Port(t.ID); ok {
		return p.IP()
	}
	return ""
}

// beat calls step with a count from 0: at once for the first few where there is
// no pace, else one each pace, until ctx ends or step says false.
func beat(ctx context.Context, pace time.Duration, step func(i int) bool) {
	const few = 20
	if pace == 0 {
		for i := range few {
			if !step(i) {
				return
			}
		}
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; step(i); i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func runPing(ctx context.Context, job *probes.Job, a pingArgs, pace time.Duration) (probes.Finding, error) {
	f, err := job.Feed(feed.About{Title: "ping", Target: a.From + " → " + a.To, Host: a.From, Netns: a.Netns, Shape: feed.Lines, Series: "rtt", Unit: "ms"})
	if err != nil {
		return probes.Finding{}, err
	}
	lost, sent := 0, 0
	beat(ctx, pace, func(i int) bool {
		sent++
		now := job.Now().Add(time.Duration(i) * 200 * time.Millisecond).UnixNano()
		if pace > 0 {
			now = time.Now().UnixNano()
		}
		if i%7 == 6 {
			lost++
			f.Line(now, feed.Bad, fmt.Sprintf("no answer yet for icmp_seq %d", i))
			f.Sample(feed.Sample{Time: now, Lost: true})
		} else {
			rtt := 0.61 + float64(i*37%23)/30
			f.Line(now, feed.Plain, fmt.Sprintf("64 bytes from %s: icmp_seq=%d ttl=64 time=%.2f ms", a.To, i, rtt))
			f.Sample(feed.Sample{Time: now, Value: rtt})
		}
		f.SetStatus(feed.Warn, fmt.Sprintf("%d sent, %d back, %d %% lost", sent, sent-lost, lost*100/sent))
		return a.Count == 0 || sent < a.Count
	})
	if lost == 0 {
		return probes.Finding{Verdict: probes.OK, Code: "answered", Reason: fmt.Sprintf("all %d requests were answered", sent)}, nil
	}
	return probes.Finding{Verdict: probes.Fail, Code: "loss", Reason: fmt.Sprintf("%d of %d requests to %s were not answered", lost, sent, a.To)}, nil
}

func runCapture(ctx context.Context, job *probes.Job, a captureArgs, pace time.Duration) (probes.Finding, error) {
	f, err := job.Feed(feed.About{Title: "capture", Target: job.Target.Name, Host: a.Host, Device: a.Device, Filter: a.Filter, Shape: feed.Packets})
	if err != nil {
		return probes.Finding{}, err
	}
	n := 0
	beat(ctx, pace, func(i int) bool {
		now := job.Now().Add(time.Duration(i) * 100 * time.Millisecond).UnixNano()
		if pace > 0 {
			now = time.Now().UnixNano()
		}
		data := Echo(netip.MustParseAddr("10.20.0.11"), netip.MustParseAddr("10.20.0.22"), uint16(50+i/2), i%2 == 1)
		f.Packet(packets.Packet{Time: now, Length: uint32(len(data)), Data: data})
		n++
		return true
	})
	return probes.Finding{Verdict: probes.OK, Code: "seen", Reason: fmt.Sprintf("%d packets passed %s", n, a.Device)}, nil
}

func runBandwidth(ctx context.Context, job *probes.Job, a bandwidthArgs, pace time.Duration) (probes.Finding, error) {
	f, err := job.Feed(feed.About{Title: "iperf", Target: a.From + " → " + a.To, Host: a.From, Shape: feed.Lines, Series: "rate", Unit: "bit/s"})
	if err != nil {
		return probes.Finding{}, err
	}
	beat(ctx, 10*pace, func(i int) bool {
		v := 9.2e9 + float64(i*7919%13)*1e8
		now := job.Now().UnixNano()
		if pace > 0 {
			now = time.Now().UnixNano()
		}
		f.Sample(feed.Sample{Time: now, Value: v})
		f.Line(now, feed.Plain, fmt.Sprintf("%d-%d s  %.2f Gbit/s  0 retransmits", i, i+1, v/1e9))
		f.SetStatus(feed.Good, fmt.Sprintf("%.2f Gbit/s", v/1e9))
		return true
	})
	return probes.Finding{Verdict: probes.OK, Code: "measured", Reason: "9.4 Gbit/s"}, nil
}

// Echo is an ICMP echo request, or its reply, as it stands on a tap.
func Echo(from, to netip.Addr, seq uint16, reply bool) []byte {
	if reply {
		from, to = to, from
	}
	b := make([]byte, 14+20+8+56)
	copy(b, []byte{0xfa, 0x16, 0x3e, 0x0a, 0x11, 0x02, 0xfa, 0x16, 0x3e, 0x0a, 0x11, 0x01, 0x08, 0x00})
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 1
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[4:], seq)
	copy(ip[12:], from.AsSlice())
	copy(ip[16:], to.AsSlice())
	icmp := ip[20:]
	if !reply {
		icmp[0] = 8
	}
	binary.BigEndian.PutUint16(icmp[4:], 7)
	binary.BigEndian.PutUint16(icmp[6:], seq)
	return b
}
