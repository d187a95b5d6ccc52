package main

import (
	"bufio"
	"context"
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"steth/rpc"
	"steth/rpc/pki"
)

// peer.py is the server in Python that calls are compared with.
//
//go:embed peer.py
var peerSource []byte

const (
	rpcWorkers = 64
	rpcTime    = 2 * time.Second
)

// echoArgs is what travels both ways, in both protocols.
type echoArgs struct {
	N    int    `cbor:"1,keyasint" json:"n"`
	Text string `cbor:"2,keyasint" json:"text"`
}

// caller does one call.
type caller func(n int) error

// load is what one measurement of a server found.
type load struct {
	p50, p99 time.Duration
	rate     float64 // calls a second
}

func benchRPC(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "pki")
	if _, err := pki.Init(dir, []string{"operator"}); err != nil {
		return err
	}
	node, err := pki.Issue(dir, "bench", "127.0.0.1")
	if err != nil {
		return err
	}
	console := filepath.Join(dir, "console-operator")
	script := filepath.Join(b.dir, "peer.py")
	if err := os.WriteFile(script, peerSource, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ours, err := startServer(ctx, self, "rpc-server", node)
	if err != nil {
		return err
	}
	defer ours.stop()
	theirs, err := startServer(ctx, "python3", script, node)
	if err != nil {
		return err
	}
	defer theirs.stop()

	callUs, closeUs, err := dialSteth(ctx, console, ours.addr)
	if err != nil {
		return err
	}
	defer closeUs()
	for _, workers := range []int{1, rpcWorkers} {
		callThem, closeThem, err := dialPython(console, theirs.addr, workers)
		if err != nil {
			return err
		}
		var us, them []load
		for range b.rounds() {
			us = append(us, drive(ctx, workers, func(int) caller { return callUs }))
			them = append(them, drive(ctx, workers, callThem))
		}
		closeThem()
		u, t := middle(us), middle(them)
		row(fmt.Sprintf("steth, %d at once", workers), "p50 %v  p99 %v  %.0f calls/s", u.p50, u.p99, u.rate)
		row(fmt.Sprintf("python JSON-RPC, %d at once", workers), "p50 %v  p99 %v  %.0f calls/s", t.p50, t.p99, t.rate)
		row("ratio of calls/s", "%.1f", u.rate/t.rate)
	}
	return nil
}

// drive calls from workers goroutines for rpcTime.
func drive(ctx context.Context, workers int, of func(worker int) caller) load {
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	start := time.Now()
	for w := range workers {
		call := of(w)
		wg.Go(func() {
			var mine []time.Duration
			for n := 0; ctx.Err() == nil; n++ {
				t := time.Now()
				if err := call(n); err != nil {
					fmt.Fprintln(os.Stderr, "bench:", err)
					return
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	took := time.Since(start)
	if len(all) == 0 {
		return load{}
	}
	slices.Sort(all)
	return load{quantile(all, 0.5).Round(time.Microsecond), quantile(all, 0.99).Round(time.Microsecond), float64(len(all)) / took.Seconds()}
}

// middle takes the median of each figure.
func middle(all []load) load {
	var p50, p99 []int64
	var rate []float64
	for _, l := range all {
		p50, p99, rate = append(p50, int64(l.p50)), append(p99, int64(l.p99)), append(rate, l.rate)
	}
	return load{time.Duration(median(p50)), time.Duration(median(p99)), median(rate)}
}

func dialSteth(ctx context.Context, console, addr string) (caller, func(), error) {
	bundle, err := pki.LoadBundle(console)
	if err != nil {
		return nil, nil, err
	}
	conn, err := tls.Dial("tcp", addr, pki.ClientTLS(bundle, "bench"))
	if err != nil {
		return nil, nil, err
	}
	s, err := rpc.Dial(ctx, conn, rpc.DialOptions{Console: rpc.NewConsoleID()})
	if err != nil {
		return nil, nil, err
	}
	return func(n int) error {
		st, err := s.Call(ctx, "echo", echoArgs{n, "hello"})
		if err != nil {
			return err
		}
		defer st.Close()
		got, err := rpc.Recv[echoArgs](st)
		if err != nil {
			return err
		}
		if got.N != n {
			return fmt.Errorf("answer %d to call %d", got.N, n)
		}
		if _, err := st.Next(); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}, func() { s.Close() }, nil
}

// dialPython opens one connection a worker: the peer serves a connection with
// a thread, one call after the other.
func dialPython(console, addr string, workers int) (func(int) caller, func(), error) {
	bundle, err := pki.LoadBundle(console)
	if err != nil {
		return nil, nil, err
	}
	conns := make([]*tls.Conn, workers)
	readers := make([]*bufio.Reader, workers)
	for i := range conns {
		if conns[i], err = tls.Dial("tcp", addr, pki.ClientTLS(bundle, "bench")); err != nil {
			return nil, nil, err
		}
		readers[i] = bufio.NewReader(conns[i])
	}
	type message struct {
		Method string   `json:"method,omitempty"`
		ID     int      `json:"id"`
		Params echoArgs `json:"params,omitzero"`
		Result echoArgs `json:"result,omitzero"`
	}
	return func(w int) caller {
			return func(n int) error {
				b, err := json.Marshal(message{Method: "echo", ID: n, Params: echoArgs{n, "hello"}})
				if err != nil {
					return err
				}
				if _, err := conns[w].Write(append(b, '\n')); err != nil {
					return err
				}
				line, err := readers[w].ReadSlice('\n')
				if err != nil {
					return err
				}
				var m message
				if err := json.Unmarshal(line, &m); err != nil {
					return err
				}
				if m.Result.N != n {
					return fmt.Errorf("answer %d to call %d", m.Result.N, n)
				}
				return nil
			}
		}, func() {
			for _, c := range conns {
				c.Close()
			}
		}, nil
}

// server is a peer process that printed the address it listens on.
type server struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer // the process ends when its standard input does
}

func startServer(ctx context.Context, name string, args ...string) (*server, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		in.Close()
		return nil, errors.Join(fmt.Errorf("%s did not say where it listens", name), cmd.Wait())
	}
	return &server{line[:len(line)-1], cmd, in}, nil
}

func (s *server) stop() {
	s.in.Close()
	_ = s.cmd.Wait() // its exit status says nothing here
}

// echo answers a call with its arguments.
type echo struct{}

func (echo) ServeCall(_ context.Context, c *rpc.Call) error {
	var a echoArgs
	if err := c.Decode(&a); err != nil {
		return err
	}
	return c.Event(a)
}

// rpcServer serves echo until its standard input ends.
func rpcServer(args []string) error {
	bundle, err := pki.LoadBundle(args[0])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println(l.Addr())
	s := &rpc.Server{
		TLS: pki.ServerTLS(bundle), Handler: echo{}, Log: slog.New(slog.DiscardHandler),
		Limits: rpc.Limits{CallRate: 1e6}, // not what is measured
		Identify: func(cs tls.ConnectionState) (rpc.Peer, error) {
			name, role, serial, err := pki.IdentifyConsole(cs)
			return rpc.Peer{Name: name, Role: role, Serial: serial}, err
		},
	}
	if err := s.Serve(ctx, l); ctx.Err() == nil {
		return err
	}
	return nil
}
