package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"steth/internal/pktgen"
)

const (
	captureTime = 3 * time.Second
	// captureRoom is how much longer than the load a capture runs: to open its
	// ring before, and to empty it after.
	captureRoom = 3 * time.Second
	frameLength = 128
)

// benchCapture sends frames over a veth in a network namespace of its own, and
// counts what reaches a file: by steth and an agent, and by tcpdump.
func benchCapture(ctx context.Context, b *bench) error {
	return b.inNamespaces(ctx, "generate")
}

// host is the inside of the namespace.
type host struct {
	bin, dir, config string
}

// generate is what runs in the namespace: generate BIN DIR ROUNDS.
func generate(args []string) error {
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	h := &host{bin: args[0], dir: args[1]}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := h.links(); err != nil {
		return err
	}
	if err := h.agent(ctx); err != nil {
		return err
	}
	for _, rate := range []int{50_000, 200_000, 0} {
		what := fmt.Sprintf("%d packets/s", rate)
		if rate == 0 {
			what = "as fast as it goes"
		}
		var us, them, ratios []float64
		var lostUs, lostThem, sentUs uint64
		for range rounds {
			u, err := h.round(ctx, rate, h.steth)
			if err != nil {
				return fmt.Errorf("steth: %w", err)
			}
			t, err := h.round(ctx, rate, h.tcpdump)
			if err != nil {
				return fmt.Errorf("tcpdump: %w", err)
			}
			us, them = append(us, u.rate()), append(them, t.rate())
			ratios = append(ratios, u.rate()/t.rate())
			lostUs, lostThem, sentUs = lostUs+u.lost(), lostThem+t.lost(), sentUs+u.sent
		}
		row("steth into a file, "+what, "%.0f packets/s, lost %d of %d", median(us), lostUs, sentUs)
		row("tcpdump -w /dev/null, "+what, "%.0f packets/s, lost %d", median(them), lostThem)
		row("ratio of packets/s", "%.2f", median(ratios))
	}
	return nil
}

// links makes a veth pair; frames go into one end and are captured on the other.
func (h *host) links() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "gen"}, PeerName: "cap"}
	if err := errors.Join(netlink.LinkSetUp(lo), netlink.LinkAdd(veth)); err != nil {
		return err
	}
	return up("gen", "cap")
}

// agent starts an agent and waits until it listens.
func (h *host) agent(ctx context.Context) error {
	pki := filepath.Join(h.dir, "capture-pki")
	steth := filepath.Join(h.bin, "steth")
	for _, args := range [][]string{{"certs", "init"}, {"certs", "issue", "bench", "--also", "127.0.0.1"}} {
		if out, err := exec.CommandContext(ctx, steth, append(args, "--dir", pki)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	h.config = filepath.Join(h.dir, "steth.yaml")
	text := fmt.Sprintf("pki: %s\nrole: operator\nnodes: {bench: 127.0.0.1}\n", pki)
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		return err
	}
	return startAgent(ctx, h.bin, filepath.Join(pki, "node-bench"), "127.0.0.1:9698", filepath.Join(h.dir, "agent.log"))
}

// startAgent starts an agent and waits until it listens. It ends with ctx.
func startAgent(ctx context.Context, bin, bundle, address, logFile string) error {
	agent := exec.CommandContext(ctx, filepath.Join(bin, "steth-agent"), "--listen", address, "--pki", bundle)
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	agent.Stdout, agent.Stderr = log, log
	agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := agent.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
	}
	said, _ := os.ReadFile(logFile)
	return fmt.Errorf("the agent does not listen on %s; it said: %s", address, said)
}

// result is what one round counted.
type result struct {
	sent, got uint64
	took      time.Duration
}

func (r result) rate() float64 { return float64(r.got) / r.took.Seconds() }

func (r result) lost() uint64 { return r.sent - min(r.got, r.sent) }

// capturer starts a capture that runs for so long and returns, once it is
// ready, what waits for its count.
type capturer func(ctx context.Context, seconds int) (count func() (uint64, error), err error)

func (h *host) round(ctx context.Context, rate int, start capturer) (result, error) {
	count, err := start(ctx, int((captureTime + captureRoom).Seconds()))
	if err != nil {
		return result{}, err
	}
	begin := time.Now()
	sent, err := pktgen.Send(ctx, pktgen.Load{Device: "gen", Frame: frame(), Stamp: 50, Rate: rate, Time: captureTime})
	if err != nil {
		return result{}, err
	}
	took := time.Since(begin)
	got, err := count()
	return result{sent, got, took}, err
}

// frame is an UDP datagram between two addresses of the documentation.
func frame() []byte {
	f := make([]byte, frameLength)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0})
	ip := f[14:]
	copy(ip, []byte{0x45, 0, 0, frameLength - 14, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
	copy(ip[20:], []byte{0x27, 0x10, 0x27, 0x11, 0, frameLength - 34, 0, 0})
	return f
}

var (
	stethSays   = regexp.MustCompile(`: (\d+) packets, dropped`)
	tcpdumpSays = regexp.MustCompile(`(\d+) packets captured`)
)

func (h *host) steth(ctx context.Context, seconds int) (func() (uint64, error), error) {
	file := filepath.Join(h.dir, "out.pcapng")
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, "steth"), "--config", h.config, "capture",
		"--node", "bench", "--device", "cap", "--filter", "udp", "--seconds", strconv.Itoa(seconds), "-w", file)
	cmd.Env = []string{"HOME=" + h.dir, "PATH=" + os.Getenv("PATH")}
	return counting(cmd, stethSays, "capture started")
}

func (h *host) tcpdump(ctx context.Context, seconds int) (func() (uint64, error), error) {
	cmd := exec.CommandContext(ctx, "timeout", "-s", "INT", strconv.Itoa(seconds), "tcpdump", "-i", "cap", "-s", "128", "-w", "/dev/null", "udp")
	return counting(cmd, tcpdumpSays, "listening on")
}

// counting starts cmd, waits until it says that it is ready, and returns what
// waits for its end and finds its count in what it said.
func counting(cmd *exec.Cmd, says *regexp.Regexp, ready string) (func() (uint64, error), error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = w
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	buf := make([]byte, 4096)
	for !bytes.Contains(said.Bytes(), []byte(ready)) {
		n, err := r.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			return nil, fmt.Errorf("%s is not ready: %s", cmd.Path, said.Bytes())
		}
	}
	return func() (uint64, error) {
		_, rerr := said.ReadFrom(r)
		r.Close()
		werr := cmd.Wait()
		m := says.FindSubmatch(said.Bytes())
		if m == nil {
			return 0, errors.Join(fmt.Errorf("%s gave no count: %s", cmd.Path, said.Bytes()), rerr, werr)
		}
		return strconv.ParseUint(string(m[1]), 10, 64)
	}, nil
}
