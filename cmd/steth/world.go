package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/internal/config"
	"steth/openstack"
	"steth/probes"
	"steth/probes/catalog"
	"steth/rpc"
	"steth/rpc/fleet"
	"steth/rpc/pki"
)

// world is the cloud, the fleet and the probes that a command works with. The
// cloud is signed in to when it is first asked for, and again after a failure,
// so that agents can be used while the API is down.
type world struct {
	conf   config.Console
	region string
	log    *slog.Logger
	fleet  *fleet.Fleet
	probes *probes.Set
	role   string // of the certificate in use, "" without one
	pkiErr error  // why there is none

	connecting sync.Mutex // held while signing in
	mu         sync.Mutex // guards what follows
	cloud      *openstack.Cloud
	snap       *openstack.Snapshot
}

// newWorld reads the configuration and the console's certificate. It does not
// touch the network. Close it when done.
func newWorld(f flags) (*world, error) {
	conf, err := f.load(os.Getenv)
	if err != nil {
		return nil, err
	}
	log, err := openLog(f.log)
	if err != nil {
		return nil, err
	}
	w := &world{conf: conf, region: f.region, log: log, probes: catalog.All(), snap: openstack.NewSnapshot()}
	bundle, role, err := consoleBundle(conf.PKI, conf.Role)
	w.role, w.pkiErr = role, err
	w.fleet = fleet.New(fleet.Config{
		TLS: func(node string) (*tls.Config, error) {
			if w.pkiErr != nil {
				return nil, w.pkiErr
			}
			return pki.ClientTLS(bundle, node), nil
		},
		Addresses: w.addresses,
		Log:       log,
	})
	return w, nil
}

// Close ends every session to an agent, and with it every job on the nodes.
func (w *world) Close() error {
	if c := w.signedIn(); c != nil {
		c.Close()
	}
	return w.fleet.Close()
}

// consoleBundle finds the console's certificate below dir: the role's own
// directory, the strongest that is there when no role was asked for, or dir
// itself, where an operator was given just one.
func consoleBundle(dir, role string) (*pki.Bundle, string, error) {
	roles := []string{role}
	if role == "" {
		roles = nil
		for _, r := range api.Roles() {
			roles = append(roles, string(r))
		}
		slices.Reverse(roles)
	}
	for _, r := range roles {
		b, err := pki.LoadBundle(filepath.Join(dir, "console-"+r))
		if err == nil {
			return b, r, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, "", err
		}
	}
	if b, err := pki.LoadBundle(dir); err == nil && (role == "" || b.Role() == role) {
		return b, b.Role(), nil
	}
	return nil, "", fmt.Errorf("no console certificate in %s: make one with `steth certs init`, or say where it is with --pki", dir)
}

// connect returns the signed-in cloud.
func (w *world) connect(ctx context.Context) (*openstack.Cloud, error) {
	w.connecting.Lock()
	defer w.connecting.Unlock()
	if c := w.signedIn(); c != nil {
		return c, nil
	}
	c, err := openstack.Connect(ctx, openstack.Options{Cloud: w.conf.Cloud, Region: w.region, Log: w.log})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.cloud = c
	w.mu.Unlock()
	return c, nil
}

func (w *world) signedIn() *openstack.Cloud {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cloud
}

// snapshot is the inventory as far as it is known.
func (w *world) snapshot() *openstack.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snap
}

func (w *world) keep(s *openstack.Snapshot) {
	w.mu.Lock()
	w.snap = s
	w.mu.Unlock()
}

// load reads kinds and keeps the result.
func (w *world) load(ctx context.Context, kinds []openstack.Kind, partial func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	c, err := w.connect(ctx)
	if err != nil {
		return w.snapshot(), err
	}
	s, err := c.Load(ctx, w.snapshot(), kinds, partial)
	if s != nil {
		w.keep(s)
	}
	return s, err
}

// addresses are where a node's agent may be: the configuration's word, then
// Nova's host_ip, then what DNS makes of the name in binding:host_id.
func (w *world) addresses(_ context.Context, node string) ([]string, error) {
	port := strconv.Itoa(api.Port)
	if a, ok := w.conf.Nodes[node]; ok {
		if _, _, err := net.SplitHostPort(a); err == nil {
			return []string{a}, nil
		}
		return []string{net.JoinHostPort(a, port)}, nil
	}
	var out []string
	if n, ok := w.snapshot().Node(node); ok && n.HostIP != "" {
		out = append(out, net.JoinHostPort(n.HostIP, port))
	}
	return append(out, net.JoinHostPort(node, port)), nil
}

// env is the world as probes see it.
func (w *world) env() probes.Env {
	return probes.Env{
		Agents:    agents{w},
		Inventory: w.snapshot,
		Spool:     feed.Options{Dir: w.conf.Spool},
		Now:       time.Now,
		Log:       w.log,
	}
}

// nodes are all nodes known from the inventory and the configuration.
func (w *world) nodes() []string {
	var out []string
	for _, n := range w.snapshot().Nodes {
		out = append(out, n.Host)
	}
	for n := range w.conf.Nodes {
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// agents lets probes call a fleet.
type agents struct{ w *world }

func (a agents) Call(ctx context.Context, node, tool string, args any) (probes.Stream, error) {
	s, err := a.w.fleet.Call(ctx, node, tool, args)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (a agents) Address(ctx context.Context, node string) (string, error) {
	if st := a.w.fleet.State(node); st.Phase == fleet.Up {
		if host, _, err := net.SplitHostPort(st.Address); err == nil {
			return host, nil
		}
	}
	all, err := a.w.addresses(ctx, node)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(all[0])
	if err != nil {
		return "", fmt.Errorf("address of %s: %w", node, err)
	}
	if net.ParseIP(host) != nil {
		return host, nil
	}
	ips, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", fmt.Errorf("address of %s is not known: give it under nodes: in steth.yaml (%w)", node, err)
	}
	return ips[0], nil
}

func (a agents) Offset(node string) (offset, spread time.Duration) {
	offset, spread, _ = a.w.fleet.Offset(node)
	return offset, spread
}

var _ probes.Stream = (*rpc.Stream)(nil)

// openLog makes a logger that writes to path; none without a path.
func openLog(path string) (*slog.Logger, error) {
	if path == "" {
		return slog.New(slog.DiscardHandler), nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return slog.New(slog.NewJSONHandler(f, nil)), nil
}

// lookUp finds one object by kind and name or id, reading only what is asked for.
func (w *world) lookUp(ctx context.Context, kind openstack.Kind, name string) (openstack.Object, error) {
	if o, err := w.snapshot().Resolve(kind, name); err == nil {
		return o, nil
	}
	c, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.Find(ctx, w.snapshot(), name)
	if found.Snapshot != nil {
		w.keep(found.Snapshot)
	}
	if err == nil {
		for _, h := range found.Hits {
			if h.ObjectKind() == kind {
				return h, nil
			}
		}
	}
	// A name may be of an object that no search by text reads, a node's for example.
	snap, err := w.load(ctx, []openstack.Kind{kind}, nil)
	if err != nil {
		return nil, err
	}
	return snap.Resolve(kind, name)
}

// around reads what an object is related to, with the search that its id makes.
func (w *world) around(ctx context.Context, o openstack.Object) (*openstack.Snapshot, error) {
	c, err := w.connect(ctx)
	if err != nil {
		return w.snapshot(), err
	}
	found, err := c.Find(ctx, w.snapshot(), o.ObjectID())
	if err != nil || found.Snapshot == nil {
		return w.snapshot(), nil // what the object itself says is enough
	}
	w.keep(found.Snapshot)
	return found.Snapshot, nil
}
