//go:build integration

package rpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// Why a console has two sessions: over a link of 50 Mbit/s that four captures
// fill, a control call must not wait behind what they send.
func TestControlOverABusySlowLink(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	agent, console := fmt.Sprintf("steth-rpc-a%d", os.Getpid()), fmt.Sprintf("steth-rpc-c%d", os.Getpid())
	for _, ns := range []string{agent, console} {
		ip(t, "netns add "+ns)
		t.Cleanup(func() { ip(t, "netns del "+ns) })
	}
	ip(t, "link add wire netns "+agent+" type veth peer name wire netns "+console)
	ip(t, "-n "+agent+" addr add 10.255.7.1/24 dev wire")
	ip(t, "-n "+console+" addr add 10.255.7.2/24 dev wire")
	ip(t, "-n "+agent+" link set wire up")
	ip(t, "-n "+console+" link set wire up")
	ip(t, "netns exec "+agent+" tc qdisc add dev wire root tbf rate 50mbit burst 64kb latency 5ms")

	var l net.Listener
	inside(t, agent, func() (err error) { l, err = net.Listen("tcp", "10.255.7.1:0"); return err })
	serverTLS, clientTLS := testCertificates(t)
	r := start(t, network{start: func(testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
		dial := func(t testing.TB) (conn net.Conn) {
			inside(t, console, func() (err error) { conn, err = net.Dial("tcp", l.Addr().String()); return err })
			return tls.Client(conn, clientTLS)
		}
		return l, dial, Server{TLS: serverTLS, Identify: func(tls.ConnectionState) (Peer, error) { return Peer{Name: "alice", Role: "admin"}, nil }}
	}}, testTools)

	control, bulk := r.pair()
	var captures sync.WaitGroup
	defer captures.Wait()
	for range 4 {
		st := r.call(bulk, "data", echo{N: 1 << 20})
		defer st.Close()
		captures.Go(func() {
			for {
				if _, err := st.Next(); err != nil {
					return
				}
			}
		})
	}
	median := func(s *Session) time.Duration {
		var took []time.Duration
		for range 10 {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			st, err := s.Call(ctx, "echo", echo{N: 1})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := st.Next(); err != nil {
				t.Fatal(err)
			}
			st.Close()
			cancel()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	shared, own := median(bulk), median(control)
	t.Logf("a call took %v on the session of the captures and %v on its own (medians)", shared, own)
	if own > 50*time.Millisecond || own > shared/2 {
		t.Errorf("a control call took %v, on the captures' session %v", own, shared)
	}
}

func ip(t testing.TB, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
}

// inside runs f in a named network namespace. What sockets f makes stay there.
func inside(t testing.TB, name string, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- func() error {
			ns, err := netns.GetFromName(name)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := netns.Set(ns); err != nil {
				return err
			}
			return f()
		}()
	}()
	if err := <-done; err != nil {
		t.Fatalf("in %s: %v", name, err)
	}
}
