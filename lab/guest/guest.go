// Package guest is what runs inside a server of the lab: a DHCP client, a small
// web server, and a little traffic towards the other servers, so that there is
// something to see on every tap.
//
// It works in the network namespace of its process, on eth0. All traffic is
// bounded: one thing of a kind at a time, at the pace of the scenario, each with
// a deadline.
package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"steth/lab/scenario"
	"steth/lab/wires"
)

// device is the one NIC of a server.
const device = "eth0"

// Guest is one server at work.
type Guest struct {
	Cloud  *scenario.Cloud
	Server *scenario.Server
	Log    *slog.Logger
	// Ready is called once, when the lease is in use and the gateway answers.
	Ready func(Lease)
}

// Run works until the context ends.
func (g Guest) Run(ctx context.Context) error {
	lease, err := g.configure(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return ServeHTTP(ctx, ":80", "server "+g.Server.Name) })
	group.Go(func() error { return g.renew(ctx, lease) })
	if err := g.awaitGateway(ctx, lease.Gateway); err != nil {
		return errors.Join(err, group.Wait())
	}
	g.Ready(lease)
	g.traffic(ctx, group, lease)
	return group.Wait()
}

func (g Guest) configure(ctx context.Context) (Lease, error) {
	if g.Cloud.Flavour == scenario.OpenVSwitch {
		if err := wires.ChecksumsInSoftware(device); err != nil {
			return Lease{}, err
		}
	}
	if err := wires.Up(device); err != nil {
		return Lease{}, err
	}
	lease, err := Acquire(ctx, device, g.Server.Name)
	if err != nil {
		return Lease{}, err
	}
	g.Log.Info("lease", "address", lease.Address, "server", lease.Server, "mtu", lease.MTU, "time", lease.Time)
	return lease, wires.Address(device, lease.Address, lease.Gateway, lease.MTU)
}

// renew asks for the lease again at half its time (RFC 2131, T1).
func (g Guest) renew(ctx context.Context, lease Lease) error {
	for lease.Time > 0 && pause(ctx, lease.Time/2) {
		var err error
		if lease, err = g.configure(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (g Guest) awaitGateway(ctx context.Context, gateway netip.Addr) error {
	for seq := 1; ; seq++ {
		err := ping(ctx, gateway, seq, 500*time.Millisecond)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// traffic starts what the scenario asks for. Failures are the wires' own
// affair: they never end the server, and only the first of a row is logged.
func (g Guest) traffic(ctx context.Context, group *errgroup.Group, lease Lease) {
	var peers []*scenario.Server
	for _, s := range g.Cloud.Servers {
		if s != g.Server {
			peers = append(peers, s)
		}
	}
	every := func(what string, d time.Duration, do func(ctx context.Context, turn int) error) {
		if d <= 0 || len(peers) == 0 {
			return
		}
		group.Go(func() error {
			failed := false
			for turn := 0; pause(ctx, d); turn++ {
				err := do(ctx, turn)
				if changed := failed != (err != nil); changed && ctx.Err() == nil {
					failed = err != nil
					g.Log.Warn("traffic", "what", what, "works", !failed, "err", err)
				}
			}
			return nil
		})
	}
	t := g.Cloud.Traffic
	every("ping", t.Ping, func(ctx context.Context, turn int) error {
		return ping(ctx, peers[turn%len(peers)].Port.Address, turn+1, time.Second)
	})
	every("http", t.HTTP, func(ctx context.Context, turn int) error {
		return get(ctx, peers[turn%len(peers)].Port.Address)
	})
	every("dns", t.DNS, func(ctx context.Context, turn int) error {
		return resolve(ctx, lease.DNS, wires.HostName(g.neighbour(turn).Port)+"."+wires.Domain)
	})
	every("outside", t.Outside, func(ctx context.Context, _ int) error {
		return get(ctx, g.Cloud.External().Subnet.Gateway)
	})
}

// neighbour is a server of the same network, whose name its dnsmasq knows.
func (g Guest) neighbour(turn int) *scenario.Server {
	var list []*scenario.Server
	for _, s := range g.Cloud.Servers {
		if s.Port.Network == g.Server.Port.Network {
			list = append(list, s)
		}
	}
	return list[turn%len(list)]
}

// requestTime is how long one request may take.
const requestTime = 2 * time.Second

func get(ctx context.Context, from netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+from.String()+"/", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return err
}

func resolve(ctx context.Context, server netip.Addr, name string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, netip.AddrPortFrom(server, 53).String())
	}}
	_, err := r.LookupNetIP(ctx, "ip4", name+".")
	return err
}

// ServeHTTP answers every request with a line that says who it is, until the
// context ends.
func ServeHTTP(ctx context.Context, address, who string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
	if err != nil {
		return fmt.Errorf("serve http: %w", err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "This is %s of steth's lab. You came from %s.\n", who, r.RemoteAddr)
		}),
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// pause waits and says whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
