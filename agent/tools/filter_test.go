package tools

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestOwnText(t *testing.T) {
	f := filter{port: 9698, own: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}}
	if got, want := f.ownText(), "tcp port 9698 and (host 10.0.0.1 or host fd00::1)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.own = make([]netip.Addr, maxOwnAddresses+1)
	if got, want := f.ownText(), "tcp port 9698"; got != want {
		t.Errorf("with many addresses: got %q, want %q", got, want)
	}
}

func TestEitherWay(t *testing.T) {
	ethernet, ip := filter{dlt: dltEthernet}, filter{dlt: dltRaw}
	if got := ethernet.eitherWay("icmp or arp"); strings.Count(got, "(icmp or arp)") != 1+maxTags || strings.Count(got, "vlan and") != maxTags {
		t.Errorf("%s", got)
	}
	if got := ip.eitherWay("icmp"); got != "icmp" {
		t.Errorf("of a device without tags: %s", got)
	}
	if got := ethernet.eitherWay("vlan 5 and icmp"); got != "vlan 5 and icmp" {
		t.Errorf("words with vlan: %s", got)
	}
}

// A filter waits for a slot: the worst ones take seconds and much memory.
func TestCompileWaitsForASlot(t *testing.T) {
	slots := make(Slots, 1)
	slots <- struct{}{}
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	done := make(chan error, 1)
	go func() {
		_, err := filter{text: "icmp", dlt: dltEthernet, slots: slots}.compile(ctx)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	cancel(gaveUp)
	if err := <-done; !errors.Is(err, gaveUp) {
		t.Errorf("%v", err)
	}
	if len(slots) != 1 {
		t.Error("it gave a slot back that it never had")
	}
}

func TestOwnAddresses(t *testing.T) {
	own, err := ownAddresses()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if !a.IsValid() || a.Zone() != "" {
			t.Errorf("%v is no word of a filter", a)
		}
	}
}
