package tools

import (
	"cmp"
	"context"
	"math"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// The two iperf tools run iperf3 and read the text that it prints each second.
// Its --json-stream, which would give the same, came with 3.17, and Debian 12
// has 3.12. With "-f k" the text has every rate to the kilobit a second, and
// with "-V" the use of the processors. iperf3 talks to strangers and needs no
// right of the agent's, so it runs as nobody.

func iperfServer() Tool {
	return Define(api.ToolIperfServer, readyWith("iperf3", "iperf3", capSysAdmin()), runIperfServer)
}

func iperfClient() Tool {
	return Define(api.ToolIperfClient, readyWith("iperf3", "iperf3", capSysAdmin()), runIperfClient)
}

func runIperfServer(ctx context.Context, node *Node, req api.IperfServerRequest, sink Sink) error {
	ns, err := node.openNetns(req.Netns)
	if err != nil {
		return err
	}
	defer ns.Close()
	port, err := freePort(ns, req.Bind, req.Port, node.IperfPorts)
	if err != nil {
		return err
	}
	log := iperfLog{now: node.now, port: port}
	none := failf(ErrTimeout, "no iperf3 client finished its test on %s port %d within %d s", req.Bind, port, req.Seconds)
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(req.Seconds)*time.Second, none)
	defer cancel()
	return log.run(ctx, ns, sink, iperfServerArgs(req.Bind, port, node.Limits.IperfBits))
}

// iperfServerArgs holds also who connects to the server, which may be anybody
// and may ask it to send, to the agent's limit: iperf3 (since 3.8) ends a test
// whose last two seconds are above it on average, so a quarter is left for a
// sender that keeps to it unevenly.
func iperfServerArgs(bind string, port int, limit int64) []string {
	args := []string{"-s", "-1", "-B", bind, "-p", strconv.Itoa(port), "-i", "1", "-f", "k", "-V", "--forceflush"}
	if limit > 0 {
		args = append(args, "--server-bitrate-limit", strconv.FormatInt(limit+limit/4, 10)+"/2")
	}
	return args
}

func runIperfClient(ctx context.Context, node *Node, req api.IperfClientRequest, sink Sink) error {
	args, err := iperfClientArgs(req, node.Limits.IperfBits)
	if err != nil {
		return err
	}
	ns, err := node.openNetns(req.Netns)
	if err != nil {
		return err
	}
	defer ns.Close()
	log := iperfLog{now: node.now, udp: req.Protocol == api.IperfUDP}
	if !log.udp && !req.Reverse {
		rtt, err := newRTTMeter(ns, req.To, req.Port)
		if err != nil {
			return err
		}
		defer rtt.close()
		log.rtt = rtt.read
	}
	return log.run(ctx, ns, sink, args)
}

func iperfClientArgs(req api.IperfClientRequest, limit int64) ([]string, error) {
	bits := req.Bits
	switch {
	case bits == 0 && req.Protocol == api.IperfUDP:
		bits = 1_000_000 // what iperf3 does
		if limit > 0 {
			bits = min(bits, limit)
		}
	case bits == 0:
		bits = limit // no bound, but the agent's
	case limit > 0 && bits > limit:
		return nil, failf(ErrLimit, "iperf: %d bits a second are more than the %d that this agent grants (limits.iperf_bits)", bits, limit)
	}
	args := []string{
		"-c", req.To, "-p", strconv.Itoa(req.Port), "-t", strconv.Itoa(req.Seconds), "-P", strconv.Itoa(req.Parallel),
		"-i", "1", "-f", "k", "-V", "--forceflush", "--connect-timeout", "3000",
	}
	if req.Protocol == api.IperfUDP {
		args = append(args, "-u")
	}
	if bits > 0 {
		args = append(args, "-b", strconv.FormatInt(max(1, bits/int64(req.Parallel)), 10)) // iperf3 counts each stream's
	}
	if req.Bind != "" {
		args = append(args, "-B", req.Bind)
	}
	if req.Reverse {
		args = append(args, "-R")
	}
	return args, nil
}

// freePort returns want, or a port of the range that nobody listens on yet. The
// little time until iperf3 listens itself is left to luck; its own error tells.
func freePort(ns *os.File, bind string, want int, ports [2]int) (int, error) {
	addr, err := netip.ParseAddr(bind)
	if err != nil {
		return 0, failf(ErrArgument, "iperf: bind: %w", err)
	}
	if want != 0 {
		if want < ports[0] || want > ports[1] {
			return 0, failf(ErrLimit, "iperf: port %d is not within %d to %d, where this agent lets a server listen (iperf_ports)", want, ports[0], ports[1])
		}
		ports = [2]int{want, want}
	}
	var port int
	err = onThread(func() error {
		if err := enter(ns); err != nil {
			return err
		}
		var last error
		for p := ports[0]; p <= ports[1]; p++ {
			l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(p))))
			if err != nil {
				last = err
				continue
			}
			port = p
			return l.Close()
		}
		return failf(ErrUnavailable, "iperf: no port to listen on among %d to %d: %w", ports[0], ports[1], last)
	})
	return port, err
}

// The lines of iperf3 with "-f k", from iperf_locale.c of 3.1 to 3.18.
var (
	iperfRow    = regexp.MustCompile(`^\[ *(\d+|SUM)\](?:\[\S+\])? +([\d.]+)-([\d.]+) +sec +[\d.]+ [KMGT]?Bytes +([\d.]+) Kbits/sec(.*)$`)
	iperfUDP    = regexp.MustCompile(`^ *([\d.]+) ms +(-?\d+)/(\d+)`)
	iperfCount  = regexp.MustCompile(`^ +(\d+)(?: |$)`)
	iperfTest   = regexp.MustCompile(`^Starting Test: protocol: (\S+), (\d+) streams`)
	iperfListen = regexp.MustCompile(`^Server listening on (\d+)`)
	iperfCPU    = regexp.MustCompile(`^CPU Utilization: local/\S+ ([\d.]+)%.*remote/\S+ ([\d.]+)%`)
	iperfError  = regexp.MustCompile(`^iperf3: error - (.+)$`)
)

// iperfLog turns iperf3's lines into events.
type iperfLog struct {
	now  func() int64
	port int                  // of a server
	rtt  func() time.Duration // of a TCP client that sends

	udp      bool
	streams  int
	results  bool // past "Test Complete"
	complete bool // a result was read
	end      api.IperfEvent
	err      string
}

func (p *iperfLog) run(ctx context.Context, ns *os.File, sink Sink, args []string) error {
	exit, err := command{
		program: "iperf3", debian: "iperf3",
		args: args, netns: ns, confined: true,
		stop: syscall.SIGTERM,
	}.run(ctx, func(l line) error {
		ev, ok := p.line(l.text)
		if !ok {
			return nil
		}
		if p.rtt != nil {
			ev.RTT = p.rtt()
		}
		return sink.Event(ev)
	})
	switch {
	case err != nil:
		return err
	case p.err != "":
		return failf(ErrUnavailable, "iperf3: %s", p.err)
	case exit != 0 || !p.complete:
		return failf(ErrUnavailable, "iperf3 ended with status %d and without a result", exit)
	}
	p.end.Kind, p.end.Time = api.IperfEnd, p.now()
	return sink.Event(p.end)
}

// line reads one line; ok is false when it is no event of its own.
func (p *iperfLog) line(text string) (ev api.IperfEvent, ok bool) {
	if m := iperfRow.FindStringSubmatch(text); m != nil {
		return p.row(m)
	}
	if strings.HasPrefix(text, "Test Complete.") {
		p.results = true
	}
	if m := iperfTest.FindStringSubmatch(text); m != nil {
		p.udp = m[1] == "UDP"
		p.streams, _ = strconv.Atoi(m[2])
	}
	if m := iperfListen.FindStringSubmatch(text); m != nil {
		return api.IperfEvent{Kind: api.IperfReady, Time: p.now(), Port: p.port}, true
	}
	if m := iperfCPU.FindStringSubmatch(text); m != nil {
		p.end.CPULocal, _ = strconv.ParseFloat(m[1], 64)
		p.end.CPURemote, _ = strconv.ParseFloat(m[2], 64)
	}
	if m := iperfError.FindStringSubmatch(text); m != nil && p.err == "" {
		p.err = m[1]
	}
	return ev, false
}

// row reads a line of rates. Several streams have a line of their sum.
func (p *iperfLog) row(m []string) (ev api.IperfEvent, ok bool) {
	if (m[1] == "SUM") != (p.streams > 1) {
		return ev, false
	}
	start, end, rest := decimalSeconds(m[2]), decimalSeconds(m[3]), m[5]
	kilobits, _ := strconv.ParseFloat(m[4], 64)
	if end <= start { // what was left in the socket after the last second
		return ev, false
	}
	ev = api.IperfEvent{Kind: api.IperfInterval, Time: p.now(), Start: start, End: end, Bits: kilobits * 1000}
	ev.Bytes = int64(math.Round(ev.Bits / 8 * (end - start).Seconds()))
	if u := iperfUDP.FindStringSubmatch(rest); u != nil {
		ms, _ := strconv.ParseFloat(u[1], 64)
		ev.Jitter = time.Duration(math.Round(ms * 1e6))
		ev.Lost, _ = strconv.ParseInt(u[2], 10, 64)
		ev.Datagrams, _ = strconv.ParseInt(u[3], 10, 64)
	} else if c := iperfCount.FindStringSubmatch(rest); c != nil {
		n, _ := strconv.ParseInt(c[1], 10, 64)
		if p.udp {
			ev.Datagrams = n
		} else {
			ev.Retransmits = n
		}
	}
	if !p.results {
		return ev, true
	}
	p.result(ev, strings.HasSuffix(rest, "receiver"))
	return ev, false
}

// result gathers the two sides of the end event. A side that can't know the
// other's leaves that out.
func (p *iperfLog) result(ev api.IperfEvent, receiver bool) {
	p.complete = true
	e := &p.end
	e.Start, e.End = ev.Start, max(e.End, ev.End)
	if !receiver {
		e.Bits, e.Bytes, e.Retransmits = ev.Bits, ev.Bytes, ev.Retransmits
		e.Datagrams = max(e.Datagrams, ev.Datagrams)
		return
	}
	e.Received, e.Jitter, e.Lost = ev.Bits, ev.Jitter, ev.Lost
	e.Datagrams = max(e.Datagrams, ev.Datagrams)
	if e.Bytes == 0 {
		e.Bytes = ev.Bytes
	}
}

func decimalSeconds(s string) time.Duration {
	f, _ := strconv.ParseFloat(s, 64)
	return time.Duration(math.Round(f*100)) * 10 * time.Millisecond
}

// rttMeter asks the kernel for the smoothed round-trip time of the test's
// connection, since iperf3's text does not tell it.
type rttMeter struct {
	handle *netlink.Handle
	to     netip.AddrPort
}

func newRTTMeter(ns *os.File, to string, port int) (*rttMeter, error) {
	addr, err := netip.ParseAddr(to)
	if err != nil {
		return nil, failf(ErrArgument, "iperf: to: %w", err)
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, failf(ErrUnavailable, "iperf: open sock_diag(7): %w", err)
	}
	return &rttMeter{handle: h, to: netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(port))}, nil
}

// read returns the round-trip time of the connection that sent most, which is
// a stream of the test and not its control connection; 0 when there is none.
func (m *rttMeter) read() time.Duration {
	family := uint8(unix.AF_INET)
	if m.to.Addr().Is6() {
		family = unix.AF_INET6
	}
	all, err := m.handle.SocketDiagTCPInfo(family)
	if err != nil {
		return 0
	}
	all = slices.DeleteFunc(all, func(s *netlink.InetDiagTCPInfoResp) bool {
		if s.InetDiagMsg == nil || s.TCPInfo == nil || s.InetDiagMsg.ID.DestinationPort != m.to.Port() {
			return true
		}
		a, _ := netip.AddrFromSlice(s.InetDiagMsg.ID.Destination)
		return a.Unmap() != m.to.Addr()
	})
	if len(all) == 0 {
		return 0
	}
	most := slices.MaxFunc(all, func(a, b *netlink.InetDiagTCPInfoResp) int {
		return cmp.Compare(a.TCPInfo.Bytes_acked, b.TCPInfo.Bytes_acked)
	})
	return time.Duration(most.TCPInfo.Rtt) * time.Microsecond
}

func (m *rttMeter) close() { m.handle.Close() }
