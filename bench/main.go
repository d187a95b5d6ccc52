// Bench measures what Steth promises to be fast at, each beside a peer in the
// same run, because machines differ and only ratios travel. `make bench` builds
// and runs it; it needs root for its own network namespace.
//
//	rpc      calls over mutual TLS, beside a threaded JSON-RPC server in Python
//	capture  packets a second from a veth into a file, beside tcpdump
//	pane     a key's answer while a pane is fed 200,000 lines a second
//	path     a packet on the wire to its row on the path page, over four hops
//	start    time from the start of the program to its first frame
//	rows     packets in VXLAN told in a row each, beside tcpdump
//	match    what four hops saw made one row a packet, on one core
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// section is one thing to measure.
type section struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

var sections = []section{
	{"rpc", benchRPC},
	{"capture", benchCapture},
	{"pane", benchPane},
	{"path", benchPath},
	{"start", benchStart},
	{"rows", benchRows},
	{"match", benchMatch},
}

// roles are what the program does when it is started again by itself as a peer
// process, under the name of the first argument.
var roles = map[string]func(args []string) error{
	"rpc-server":  rpcServer,
	"generate":    generate,
	"feed-pane":   feedPane,
	"path-hosts":  pathHosts,
	"path-screen": pathScreen,
}

// bench is what all sections share.
type bench struct {
	bin   string // directory of steth and steth-agent
	dir   string // for files of this run
	quick bool
}

// rounds is how often each figure is taken; the median is printed.
func (b *bench) rounds() int {
	if b.quick {
		return 1
	}
	return 5
}

func main() {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		exit(roles[os.Args[1]](os.Args[2:]))
	}
	b := &bench{}
	var only string
	flag.StringVar(&b.bin, "bin", "bin", "directory of steth and steth-agent")
	flag.StringVar(&only, "only", "", "measure these sections only, separated by commas")
	flag.BoolVar(&b.quick, "quick", false, "one round of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(b.all(ctx, only))
}

func (b *bench) all(ctx context.Context, only string) (err error) {
	if b.dir, err = os.MkdirTemp("", "steth-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, s := range sections {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		start := time.Now()
		fmt.Printf("\n%s\n", s.name)
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Printf("  (%s)\n", time.Since(start).Round(time.Second))
	}
	return nil
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// row prints one figure.
func row(what string, format string, args ...any) {
	fmt.Printf("  %-44s %s\n", what, fmt.Sprintf(format, args...))
}

// median of values, which it sorts.
func median[T interface{ ~int64 | ~float64 }](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// quantile q of values, which must be sorted.
func quantile(values []time.Duration, q float64) time.Duration {
	return values[min(len(values)-1, int(q*float64(len(values))))]
}
