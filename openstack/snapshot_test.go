package openstack

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNormalMAC(t *testing.T) {
	for in, want := range map[string]string{
		"fa:16:3e:0a:11:01":  "fa:16:3e:0a:11:01",
		"FA-16-3E-0A-11-01":  "fa:16:3e:0a:11:01",
		"fa16.3e0a.1101":     "fa:16:3e:0a:11:01",
		"fa163e0a1101":       "fa:16:3e:0a:11:01",
		"fa:16:3e:0a:11":     "",
		"fa:16:3e:0a:11:01:": "fa:16:3e:0a:11:01",
		"fa163e0a11012":      "",
		"ga163e0a1101":       "",
		"":                   "",
	} {
		equal(t, in, NormalMAC(in), want)
	}
}

func TestByIP(t *testing.T) {
	s := NewSnapshot().With(
		Port{ID: "p4", Fixed: []Address{{IP: "10.0.0.1"}, {IP: "10.0.0.1"}}},
		Port{ID: "p6", Fixed: []Address{{IP: "fd00:0:0:0::1"}}, MAC: "fa:16:3e:00:00:01"},
		Port{ID: "pair", AllowedPairs: []AddressPair{{IP: "10.0.0.1", MAC: "FA:16:3E:00:00:01"}, {IP: "10.0.0.0/24"}}},
		FloatingIP{ID: "f", IP: "203.0.113.1"},
		Node{Host: "n", HostIP: "192.0.2.1", TunnelIP: "192.0.2.1"},
		Port{ID: "odd", Fixed: []Address{{IP: "not an address"}}},
	)
	for ip, want := range map[string]string{
		"10.0.0.1":        "port/p4 port/pair",
		"::ffff:10.0.0.1": "port/p4 port/pair",
		"FD00::1":         "port/p6",
		"[fd00::1%eth0]":  "port/p6",
		"203.0.113.1":     "floatingip/f",
		"192.0.2.1":       "node/n",
		"10.0.0.2":        "",
		"not an address":  "",
	} {
		equal(t, ip, list(s.ByIP(ip)), want)
	}
	equal(t, "MAC", list(s.ByMAC("FA16.3E00.0001")), "port/p6 port/pair")
	equal(t, "no MAC", list(s.ByMAC("x")), "")
}

func list(objects []Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, string(o.ObjectKind())+"/"+o.ObjectID())
	}
	return strings.Join(out, " ")
}

func TestWith(t *testing.T) {
	one := NewSnapshot().With(Network{ID: "2", Name: "b"}, Network{ID: "1", Name: "b"}, Network{ID: "3", Name: "a"}, Network{Name: "no id"})
	equal(t, "order", list(one.List(KindNetwork)), "network/3 network/1 network/2")
	two := one.With(Network{ID: "1", Name: "c"}, Network{ID: "1", Name: "0"})
	equal(t, "replaced by the last", list(two.List(KindNetwork)), "network/1 network/3 network/2")
	equal(t, "the first as it was", list(one.List(KindNetwork)), "network/3 network/1 network/2")
	equal(t, "by name", list(two.ByName(KindNetwork, "b")), "network/2")
	if _, ok := one.Get(KindNetwork, "4"); ok {
		t.Error("there is no network 4")
	}
	var zero Snapshot // a Snapshot that nobody made still answers
	if _, ok := zero.Port("x"); ok || len(zero.ByIP("10.0.0.1")) != 0 || len(zero.With(Port{ID: "p"}).Ports) != 1 {
		t.Error("the zero snapshot does not work")
	}
}

func TestResolve(t *testing.T) {
	s := NewSnapshot().With(
		Port{ID: "aaaa1111", Name: "x", Fixed: []Address{{IP: "10.0.0.1"}}, DeviceOwner: "compute:nova", DeviceID: "v1"},
		Port{ID: "aaaa2222", Fixed: []Address{{IP: "10.0.0.2"}}, MAC: "fa:16:3e:00:00:02", DeviceOwner: ownerDHCP},
		Port{ID: "bbbb3333", DeviceOwner: ownerDHCP},
		Server{ID: "v1", Name: "web-1"},
	)
	for text, want := range map[string]string{
		"aaaa1111": "aaaa1111", "x": "aaaa1111", "10.0.0.1": "aaaa1111", "web-1": "aaaa1111",
		"aaaa2": "aaaa2222", "fa163e000002": "aaaa2222", "b": "bbbb3333",
	} {
		o, err := s.Resolve(KindPort, text)
		if err != nil || o.ObjectID() != want {
			t.Errorf("%s: got %v, %v", text, o, err)
		}
	}
	_, err := s.Resolve(KindPort, "aaaa")
	sentence(t, err, "could be 2 ports", "aaaa1111 (10.0.0.1)", "aaaa2222 (10.0.0.2)")
	_, err = s.Resolve(KindPort, "dhcp")
	sentence(t, err, "could be 2 ports", "bbbb3333")
	for _, text := range []string{"nope", ""} {
		if _, err := s.Resolve(KindPort, text); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v is not ErrNotFound", text, err)
		}
	}
}

// bigCloud is a cloud with n ports on a hundred hosts.
func bigCloud(n int) []Object {
	out := make([]Object, 0, n+n/10)
	for i := range n {
		out = append(out, Port{
			ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i*2654435761%(1<<32)), NetworkID: fmt.Sprint("net", i%500),
			MAC: fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", i>>16&255, i>>8&255, i&255), DeviceID: fmt.Sprint("server", i/2),
			Fixed: []Address{{IP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)}}, Host: fmt.Sprint("cmp", i%100),
		})
	}
	return out
}

func BenchmarkIndex50000Ports(b *testing.B) {
	s := NewSnapshot().With(bigCloud(50_000)...)
	for b.Loop() {
		newIndex(s)
	}
}

func BenchmarkWith50000Ports(b *testing.B) {
	s := NewSnapshot().With(bigCloud(50_000)...)
	extra := Port{ID: "new", Name: "new"}
	for b.Loop() {
		s.With(extra)
	}
}

func BenchmarkByIPIn50000Ports(b *testing.B) {
	s := NewSnapshot().With(bigCloud(50_000)...)
	for b.Loop() {
		if len(s.ByIP("10.0.100.7")) != 1 {
			b.Fatal("not found")
		}
	}
}
