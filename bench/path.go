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
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"steth/internal/pktgen"
	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/rpc/fleet"
	"steth/rpc/pki"
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
	for _, name := range []string{"gen", "tap1", "eth1", "eth2", "tap2", "sink", "br1", "br2"} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0); err != nil && !os.IsNotExist(err) {
			return err
		}
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
	}
	return nil
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

func (a wireAgents) Offset(node string) time.Duration {
	offset, _, _ := a.Fleet.Offset(node)
	return offset
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
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin, err := filepath.Abs(b.bin)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "path-hosts", bin, b.dir, strconv.Itoa(b.rounds()))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	return cmd.Run()
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
		for range rounds {
			if err := w.round(ctx, rate); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *wire) round(ctx context.Context, rate int) error {
	env, f, err := w.env()
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := follow.Start(ctx, env, follow.Plan{Path: wirePath(), Follow: openstack.Follow{What: openstack.FollowAll}})
	if err != nil {
		return err
	}
	defer s.Close()
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, ok := s.Began(); ok {
			break
		}
		if f, ended := s.Finding(); ended || time.Now().After(limit) {
			return fmt.Errorf("no capture has begun: %s", f.Reason)
		}
	}
	time.Sleep(200 * time.Millisecond)
	done := make(chan error, 1)
	go func() {
		_, err := pktgen.Send(ctx, pktgen.Load{Device: "gen", Frame: wireFrame(), Stamp: wireStamp, Rate: rate, Time: 6 * time.Second})
		done <- err
	}()
	var ages []time.Duration
	rows := make([]match.Row, 32)
	var last uint64
	end := time.After(6 * time.Second)
	tick := time.NewTicker(16 * time.Millisecond)
	defer tick.Stop()
loop:
	for {
		select {
		case <-end:
			break loop
		case <-tick.C:
			_, next := s.Bounds()
			n := s.Rows(max(next, 33)-32, rows)
			if n == 0 || rows[n-1].Number == last {
				continue
			}
			last = rows[n-1].Number
			ages = append(ages, time.Since(time.Unix(0, rows[n-1].Time)))
		}
	}
	err = <-done
	s.Stop()
	<-s.Done()
	fd, _ := s.Finding()
	sorted := ages
	p50 := median(sorted)
	row(fmt.Sprintf("%d packets/s", rate), "p50 %v p99 %v, n %d; %s; %v %v", p50, quantile(sorted, 0.99), len(ages), fd.Reason, s.Notes(), fd.Fields)
	return err
}
