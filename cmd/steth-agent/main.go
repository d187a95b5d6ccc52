// Command steth-agent runs on every compute and network node and lets consoles
// look at the node's network, within the limits of their certificates and of
// its configuration.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"steth/agent"
	"steth/agent/api"
	"steth/agent/journal"
	"steth/agent/tools"
	"steth/rpc"
	"steth/rpc/pki"
)

// version is set by the build, see the Makefile.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "steth-agent:", err)
	os.Exit(2)
}

// flags are what the command line says; what is empty there the configuration
// says.
type flags struct {
	config  string
	listen  string
	pki     string
	state   string
	node    string
	plain   string
	offset  time.Duration
	check   bool
	version bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f flags
	set := flag.NewFlagSet("steth-agent", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.config, "config", "", "configuration `file` (default "+configPath+", which may be missing)")
	set.StringVar(&f.listen, "listen", "", "`address` to listen on (default "+defaultListen+")")
	set.StringVar(&f.pki, "pki", "", "`directory` of ca.pem, cert.pem and key.pem (default "+defaultPKI+")")
	set.StringVar(&f.state, "state", "", "`directory` of the journal of what is to be undone (default "+defaultState+")")
	set.StringVar(&f.node, "node", "", "`name` that the certificate must have")
	set.StringVar(&f.plain, "plain", "", "no certificates: whoever connects has this `role`; on loopback only")
	set.DurationVar(&f.offset, "clock-offset", 0, "add this to the node's `time`, for tests")
	set.BoolVar(&f.check, "check", false, "say whether the agent could run here, and what is missing")
	set.BoolVar(&f.version, "version", false, "print the version")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: see steth-agent -h", set.Arg(0))
	}
	if f.version {
		_, err := fmt.Fprintln(stdout, "steth-agent", version)
		return err
	}
	cfg, err := load(f)
	if f.check {
		return check(stdout, cfg, f, err)
	}
	if err != nil {
		return err
	}
	return serve(ctx, cfg, f, stderr)
}

func serve(ctx context.Context, cfg configuration, f flags, stderr io.Writer) error {
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	who, err := identify(cfg, f, log)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for consoles: %w", err)
	}
	log = log.With("node", who.node)
	node := cfg.node(who.node)
	node.SessionPort = l.Addr().(*net.TCPAddr).Port
	node.ClockOffset = f.offset
	node.Log = log
	if node.Journal, err = journal.Open(cfg.State); err != nil {
		// All that changes nothing on the node works without.
		log.Error("nothing will be changed on this node", "err", err)
	} else {
		defer node.Journal.Close()
	}
	a := agent.New(agent.Config{
		Node: node,
		TLS:  who.tls, Identify: who.identify, Recheck: who.recheck, Plain: who.plain,
		Log:   log.With("log", "agent"),
		Audit: log.With("log", "audit"),
	})
	log.Info("listening", "address", l.Addr().String(), "version", version)
	if err := a.Serve(ctx, l); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// access says who this node is and who may come in.
type access struct {
	node     string
	tls      *tls.Config
	identify func(tls.ConnectionState) (rpc.Peer, error)
	recheck  func(tls.ConnectionState) error
	plain    *rpc.Peer
	expires  time.Time
}

func identify(cfg configuration, f flags, log *slog.Logger) (access, error) {
	if f.plain != "" {
		if !api.Role(f.plain).Valid() {
			return access{}, fmt.Errorf("--plain %s: not one of the roles %v", f.plain, api.Roles())
		}
		name := f.node
		if name == "" {
			name, _ = os.Hostname() // an empty name says enough
		}
		return access{node: name, plain: &rpc.Peer{Name: "plain", Role: f.plain}}, nil
	}
	bundle, err := pki.LoadBundle(cfg.PKI)
	if err != nil {
		return access{}, fmt.Errorf("certificate of this node: %w", err)
	}
	bundle.Log = log
	if f.node != "" && f.node != bundle.Name() {
		return access{}, fmt.Errorf("the certificate in %s is of node %s, not of %s", cfg.PKI, bundle.Name(), f.node)
	}
	return access{
		node: bundle.Name(), tls: pki.ServerTLS(bundle), expires: bundle.Expires(),
		identify: func(cs tls.ConnectionState) (p rpc.Peer, err error) {
			p.Name, p.Role, p.Serial, err = pki.IdentifyConsole(cs)
			return p, err
		},
		recheck: pki.Recheck(bundle),
	}, nil
}

// node is the part of the configuration that the tools see.
func (c configuration) node(name string) tools.Node {
	return tools.Node{
		Name:        name,
		Version:     version,
		Commit:      commit(),
		Started:     time.Now(),
		Namespaces:  c.Namespaces,
		OpenVSwitch: c.OpenVSwitch,
		Limits:      c.Limits.api(),
		Ring:        tools.Ring{Bytes: c.RingMiB << 20},
		IperfPorts:  c.IperfPorts,
	}
}

// commit is the revision that the Go tool noted when it built the program.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return ""
}
