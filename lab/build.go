package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"steth/agent/api"
	"steth/lab/cloudapi"
	"steth/lab/guest"
	"steth/lab/scenario"
	"steth/lab/wires"
)

// builder builds the lab from its first process.
type builder struct {
	stage
	cloud  *scenario.Cloud
	kids   *children
	report *reporter
	group  *errgroup.Group

	mu      sync.Mutex
	members map[string]*member
	leases  map[string]guest.Lease
}

// member is a host or a guest with its pipes.
type member struct {
	child *child
	word  *os.File // written: go on; held open as its leash
	wired chan struct{}
	ready chan struct{}
}

// The namespaces that a host and a server have of their own.
const (
	ownHost   = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	ownServer = syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS
)

// build returns when every part of the lab is ready.
func (b *builder) build(ctx context.Context) error {
	b.members, b.leases = map[string]*member{}, map[string]guest.Lease{}
	if err := wires.Loopback(); err != nil {
		return err
	}
	if err := wires.Fabric(b.cloud); err != nil {
		return err
	}
	if err := b.serve(ctx); err != nil {
		return err
	}
	b.report.say("the cloud's API answers on %s", APIURL(b.cloud))
	for _, h := range b.cloud.Hosts {
		if err := b.add(ctx, "host", h.Name, ownHost); err != nil {
			return err
		}
		if err := wires.PlugHost(b.cloud, h, b.members[h.Name].child.pid); err != nil {
			return err
		}
	}
	for _, v := range b.cloud.Servers {
		if err := b.add(ctx, "guest", v.Name, ownServer); err != nil {
			return err
		}
		if err := wires.PlugServer(v.Port, b.members[v.Host.Name].child.pid, b.members[v.Name].child.pid); err != nil {
			return err
		}
	}
	hosts := names(b.cloud.Hosts, func(h *scenario.Host) string { return h.Name })
	servers := names(b.cloud.Servers, func(v *scenario.Server) string { return v.Name })
	if err := b.letGo(ctx, hosts, func(m *member) chan struct{} { return m.wired }); err != nil {
		return err
	}
	b.report.say("%d hosts are wired: %s", len(hosts), list(hosts))
	if err := b.letGo(ctx, servers, func(m *member) chan struct{} { return m.ready }); err != nil {
		return err
	}
	b.report.say("%d servers have their addresses and reach their gateways: %s", len(servers), list(servers))
	for _, h := range hosts {
		if err := arrive(ctx, b.members[h].ready); err != nil {
			return err
		}
	}
	if b.agent != "" {
		b.report.say("%d agents listen on port %d", len(hosts), api.Port)
	}
	return nil
}

// serve starts the OpenStack API and the web server behind the external
// network.
func (b *builder) serve(ctx context.Context) error {
	cloud := cloudapi.New(b.cloud, cloudapi.Options{URL: APIURL(b.cloud)})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", netip.AddrPortFrom(b.cloud.API.Addr(), apiPort).String())
	if err != nil {
		return fmt.Errorf("serve the cloud's API: %w", err)
	}
	server := &http.Server{Handler: cloud, ReadHeaderTimeout: 10 * time.Second}
	b.group.Go(func() error {
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the cloud's API: %w", err)
		}
		return nil
	})
	outside := b.cloud.External().Subnet.Gateway
	b.group.Go(func() error {
		return guest.ServeHTTP(ctx, netip.AddrPortFrom(outside, 80).String(), "the world outside")
	})
	return nil
}

// add starts a host or a guest in namespaces of its own and follows its reports.
// One that ends takes the lab with it: a lab with a part missing would only
// mislead. What is left open after an error goes with this process, which ends
// then.
func (b *builder) add(ctx context.Context, kind, name string, namespaces uintptr) error {
	reports, reportEnd, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	leash, word, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	log, err := os.OpenFile(filepath.Join(b.dir.Logs(), name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", name, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	next := b.stage
	next.name, next.subject = kind, name
	child, err := b.kids.startSelf(next.argv(), &os.ProcAttr{
		Env:   os.Environ(),
		Files: []*os.File{null, log, log, reportEnd, leash}, // as report.go numbers them
		Sys:   &syscall.SysProcAttr{Cloneflags: namespaces},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	for _, theirs := range []*os.File{null, log, reportEnd, leash} {
		theirs.Close()
	}
	m := &member{child: child, word: word, wired: make(chan struct{}), ready: make(chan struct{})}
	b.members[name] = m
	b.group.Go(func() error {
		stop := context.AfterFunc(ctx, func() { reports.Close() })
		defer stop()
		err := listen(reports, func(e event) bool {
			b.note(name, m, e)
			return true
		})
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("%s: %w", name, err)
	})
	return nameNamespace(name, child.pid)
}

func (b *builder) note(name string, m *member, e event) {
	switch e.Step {
	case stepWired:
		close(m.wired)
	case stepReady:
		if e.Lease != nil {
			b.mu.Lock()
			b.leases[name] = *e.Lease
			b.mu.Unlock()
		}
		close(m.ready)
	}
}

// letGo gives members the word and waits until each is where it should be.
func (b *builder) letGo(ctx context.Context, names []string, there func(*member) chan struct{}) error {
	for _, name := range names {
		if _, err := io.WriteString(b.members[name].word, "\n"); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
	}
	for _, name := range names {
		if err := arrive(ctx, there(b.members[name])); err != nil {
			return err
		}
	}
	return nil
}

func arrive(ctx context.Context, there <-chan struct{}) error {
	select {
	case <-there:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func names[T any](all []T, name func(T) string) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = name(v)
	}
	return out
}

// describe is the status of a lab that is ready.
func (b *builder) describe(now time.Time) Status {
	var r record
	_ = readJSON(b.dir.record(), &r) // written by this very process
	s := Status{PID: r.PID, Rootless: b.rootless, Flavour: b.flavour, API: APIURL(b.cloud), Since: now, Until: now.Add(b.life)}
	for _, h := range b.cloud.Hosts {
		m := Member{Name: h.Name, PID: b.members[h.Name].child.pid, Address: h.Management}
		if b.agent != "" {
			m.Agent = netip.AddrPortFrom(h.Management, api.Port).String()
		}
		s.Hosts = append(s.Hosts, m)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range b.cloud.Servers {
		s.Servers = append(s.Servers, Member{
			Name: v.Name, PID: b.members[v.Name].child.pid, Address: b.leases[v.Name].Address.Addr(),
			Host: v.Host.Name, Network: v.Port.Network.Name, Tap: v.Port.Tap(), Plug: v.Port.Plug(),
		})
	}
	return s
}
