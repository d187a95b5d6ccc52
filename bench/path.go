package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"steth/internal/pktgen"
	"steth/internal/terminal"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/rpc/fleet"
	"steth/rpc/pki"
	"steth/tui"
)

// wire is a path of four hops on two hosts: two bridges and the veths between.
// Both hosts stand in one network namespace, each with an agent of its own.
type wire struct {
	bin, dir string
	pki      string
}

var wireHosts = map[string]string{"cmp1": "127.0.0.2:9698", "cmp2": "127.0.0.3:9698"}

// lay makes the devices: gen - tap1 [br1] eth1 - eth2 [br2] tap2 - sink.
func (w wire) lay() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, pair := range [][2]string{{"gen", "tap1"}, {"eth1", "eth2"}, {"tap2", "sink"}} {
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: pair[0]}, PeerName: pair[1]}); err != nil {
			return err
		}
	}
	for bridge, ports := range map[string][]string{"br1": {"tap1", "eth1"}, "br2": {"eth2", "tap2"}} {
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
		if err := netlink.LinkAdd(br); err != nil {
			return err
		}
		for _, p := range ports {
			l, err := netlink.LinkByName(p)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(l, br); err != nil {
				return err
			}
		}
	}
	return up("gen", "tap1", "eth1", "eth2", "tap2", "sink", "br1", "br2")
}

// agents starts an agent for each host.
func (w *wire) agents(ctx context.Context) error {
	w.pki = filepath.Join(w.dir, "path-pki")
	steth := filepath.Join(w.bin, "steth")
	commands := [][]string{{"certs", "init"}}
	for host, address := range wireHosts {
		ip, _, _ := net.SplitHostPort(address)
		commands = append(commands, []string{"certs", "issue", host, "--also", ip})
	}
	for _, args := range commands {
		if out, err := exec.CommandContext(ctx, steth, append(args, "--dir", w.pki)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	for host, address := range wireHosts {
		if err := startAgent(ctx, w.bin, filepath.Join(w.pki, "node-"+host), address, filepath.Join(w.dir, host+".log")); err != nil {
			return err
		}
	}
	return nil
}

// env lets a session call the two agents.
func (w wire) env() (probes.Env, *fleet.Fleet, error) {
	bundle, err := pki.LoadBundle(filepath.Join(w.pki, "console-operator"))
	if err != nil {
		return probes.Env{}, nil, err
	}
	f := fleet.New(fleet.Config{
		TLS:       func(node string) (*tls.Config, error) { return pki.ClientTLS(bundle, node), nil },
		Addresses: func(_ context.Context, node string) ([]string, error) { return []string{wireHosts[node]}, nil },
	})
	return probes.Env{Agents: wireAgents{f}, Now: time.Now}, f, nil
}

type wireAgents struct{ *fleet.Fleet }

func (a wireAgents) Call(ctx context.Context, node, tool string, args any) (probes.Stream, error) {
	s, err := a.Fleet.Call(ctx, node, tool, args)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (a wireAgents) Address(_ context.Context, node string) (string, error) {
	return wireHosts[node], nil
}

func (a wireAgents) Offset(node string) (offset, spread time.Duration) {
	offset, spread, _ = a.Fleet.Offset(node)
	return offset, spread
}

// wirePath is what packets pass, from gen to sink.
func wirePath() openstack.Path {
	view := openstack.View{Near: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Far: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}
	p := openstack.Path{
		Goal: openstack.GoalPort,
		From: openstack.End{Name: "gen", Host: "cmp1"}, To: openstack.End{Name: "sink", Host: "cmp2"},
	}
	for i, at := range [][2]string{{"cmp1", "tap1"}, {"cmp1", "eth1"}, {"cmp2", "eth2"}, {"cmp2", "tap2"}} {
		p.Hops = append(p.Hops, openstack.Hop{
			Index: i + 1, Host: at[0], Device: at[1], Locate: openstack.Locate{Name: at[1]},
			Seen: openstack.SeenPackets, View: view,
		})
	}
	return p
}

// wireFrame is a datagram whose number stands in its first eight bytes. Without
// an identification (RFC 6864) a sample is taken by those.
func wireFrame() []byte {
	f := frame()
	ip := f[14:]
	ip[5] = 0
	var sum uint32 // a bridge with br_netfilter drops a wrong checksum
	for i := 0; i < 20; i += 2 {
		sum += uint32(ip[i])<<8 | uint32(ip[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	ip[10], ip[11] = byte(^sum>>8), byte(^sum)
	return f
}

const wireStamp = 14 + 20 + 8

// benchPath sends packets over four hops on two hosts and looks how old the
// newest one on the path page is.
func benchPath(ctx context.Context, b *bench) error {
	return b.inNamespaces(ctx, "path-hosts")
}

// pathHosts is what runs in the namespaces: path-hosts BIN DIR ROUNDS.
func pathHosts(args []string) error {
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	// Agents look into /proc, which must be of their own process numbers.
	err = errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("proc", "/proc", "proc", 0, ""))
	if err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &wire{bin: args[0], dir: args[1]}
	if err := errors.Join(w.lay(), w.agents(ctx)); err != nil {
		return err
	}
	for _, rate := range []int{50_000, 100_000} {
		var p50, p99, keys []time.Duration
		var followed float64
		for range rounds {
			r, err := w.round(ctx, rate)
			if err != nil {
				return fmt.Errorf("%d packets/s: %w", rate, err)
			}
			slices.Sort(r.shown)
			slices.Sort(r.keys)
			p50, p99 = append(p50, quantile(r.shown, 0.5)), append(p99, quantile(r.shown, 0.99))
			keys = append(keys, r.keys[len(r.keys)-1])
			followed = r.followed
		}
		what := fmt.Sprintf("%d packets/s, ", rate)
		row(what+"from the first hop to the screen", "p50 %v  p99 %v", median(p50).Round(100*time.Microsecond), median(p99).Round(100*time.Microsecond))
		row(what+"a key's answer", "worst %v", median(keys).Round(100*time.Microsecond))
		row(what+"followed", "%s", said(followed))
	}
	return nil
}

// said is what share of the packets is followed, in words.
func said(oneIn float64) string {
	if oneIn <= 1 {
		return "every packet"
	}
	return fmt.Sprintf("1 in %.0f, the same ones at every hop", oneIn)
}

// pathRound is what one round measured.
type pathRound struct {
	shown    []time.Duration // from the first hop to the screen, one value for each millisecond of packets
	keys     []time.Duration // from a key to its answer on the screen
	followed float64         // one packet in so many
}

const (
	pathTime = 8 * time.Second // of load
	// pathSettle is how long the load runs before anything is measured: where
	// there is too much to follow, the captures begin anew in it.
	pathSettle = 4 * time.Second
)

func (w *wire) round(ctx context.Context, rate int) (pathRound, error) {
	var r pathRound
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	t, err := terminal.Start(exec.CommandContext(ctx, self, "path-screen", w.pki), 160, 45)
	if err != nil {
		return r, err
	}
	defer t.Close()
	for _, s := range []struct{ keys, see string }{{"\x1b", "READ-ONLY"}, {":path gen\r", "live 00:01"}} {
		if err := t.Type(s.keys); err != nil {
			return r, err
		}
		if _, err := t.See(s.see, paneLimit); err != nil {
			return r, err
		}
	}
	load := make(chan error, 1)
	go func() {
		_, err := pktgen.Send(ctx, pktgen.Load{Device: "gen", Frame: wireFrame(), Stamp: wireStamp, Rate: rate, Time: pathTime})
		load <- err
	}()
	begin := time.Now()
	if _, err := t.Until("a packet", paneLimit, func(s string) bool { return !newestRow(s).IsZero() }); err != nil {
		return r, err
	}
	time.Sleep(pathSettle - time.Since(begin))
	last := newestRow(t.Screen())
	for time.Since(begin) < pathTime-1500*time.Millisecond {
		var now time.Time
		if _, err := t.Until("a newer packet", paneLimit, func(s string) bool { now = newestRow(s); return now.After(last) }); err != nil {
			return r, err
		}
		// Everything that passed until the newest packet is on the screen now, or was
		// overtaken by newer ones.
		for at := last.Add(time.Millisecond); !at.After(now); at = at.Add(time.Millisecond) {
			r.shown = append(r.shown, time.Since(at))
		}
		last = now
	}
	for i := range 10 {
		if err := t.Type(" "); err != nil {
			return r, err
		}
		took, err := t.Until("the answer to a key", paneLimit, func(s string) bool { return strings.Contains(s, "paused") == (i%2 == 0) })
		if err != nil {
			return r, err
		}
		r.keys = append(r.keys, took)
	}
	r.followed = 1
	if m := oneIn.FindStringSubmatch(t.Screen()); m != nil {
		r.followed, _ = strconv.ParseFloat(m[1], 64)
	}
	return r, <-load
}

var (
	rowTime = regexp.MustCompile(`(?m)^.(\d\d:\d\d:\d\d\.\d\d\d) `)
	oneIn   = regexp.MustCompile(`1 in (\d+)`)
)

// newestRow is when the lowest packet on the screen passed the first hop.
func newestRow(screen string) time.Time {
	all := rowTime.FindAllStringSubmatch(screen, -1)
	if len(all) == 0 {
		return time.Time{}
	}
	clock, err := time.Parse("15:04:05.000", all[len(all)-1][1])
	if err != nil {
		return time.Time{}
	}
	now := time.Now()
	return time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), time.Local)
}

// pathScreen is the console over the path: path-screen PKI.
func pathScreen(args []string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := wire{pki: args[0]}
	env, f, err := w.env()
	if err != nil {
		return err
	}
	defer f.Close()
	return tui.Run(ctx, &onePath{oneNode{ctx: ctx}, env}, tui.Options{Theme: "dark"})
}

// onePath is a cloud with one port, whose packets pass four hops.
type onePath struct {
	oneNode
	env probes.Env
}

func (o *onePath) Snapshot() *openstack.Snapshot {
	s := o.oneNode.Snapshot()
	s.Ports = []openstack.Port{{ID: "gen", Name: "gen", Status: "ACTIVE"}}
	return s
}

func (o *onePath) Refresh(context.Context, []openstack.Kind, func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	return o.Snapshot(), nil
}

func (o *onePath) Path(context.Context, tui.PathQuestion) (openstack.Path, error) {
	return wirePath(), nil
}

func (o *onePath) Follow(plan follow.Plan) (*follow.Session, error) {
	return follow.Start(o.ctx, o.env, plan)
}
