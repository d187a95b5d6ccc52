package place

import (
	"slices"
	"testing"

	"steth/openstack"
	"steth/probes"
)

func cloud() *openstack.Snapshot {
	return openstack.NewSnapshot().With(
		openstack.Network{ID: "n1", Name: "blue"},
		openstack.Network{ID: "n2", Name: "green"},
		openstack.Router{ID: "r1", Name: "edge"},
		openstack.FloatingIP{ID: "f1", IP: "203.0.113.5", PortID: "web", RouterID: "r1"},
		openstack.Port{ID: "gateway", NetworkID: "n1", Host: "net0", DeviceID: "r1", DeviceOwner: "network:router_interface", Fixed: []openstack.Address{{IP: "10.0.0.1"}}},
		openstack.Port{ID: "dhcp", NetworkID: "n1", Host: "net1", DeviceID: "dhcp-1", DeviceOwner: "network:dhcp", Fixed: []openstack.Address{{IP: "10.0.0.2"}}},
		openstack.Port{ID: "web", NetworkID: "n1", Host: "cmp1", DeviceID: "s1", DeviceOwner: "compute:nova", Fixed: []openstack.Address{{IP: "10.0.0.5"}}},
		openstack.Port{ID: "spare", NetworkID: "n1", Fixed: []openstack.Address{{IP: "10.0.0.3"}}},
		openstack.Port{ID: "ovn-meta", NetworkID: "n2", DeviceOwner: "network:distributed"},
		openstack.Port{ID: "ovn-web", NetworkID: "n2", Host: "cmp2", DeviceID: "s2", DeviceOwner: "compute:nova"},
	)
}

func ids(ports []openstack.Port) []string {
	var out []string
	for _, p := range ports {
		out = append(out, p.ID)
	}
	return out
}

func TestPorts(t *testing.T) {
	for name, c := range map[string]struct {
		target probes.Target
		want   []string
	}{
		"a port":                       {probes.Target{Kind: openstack.KindPort, ID: "web"}, []string{"web"}},
		"a server":                     {probes.Target{Kind: openstack.KindServer, ID: "s1"}, []string{"web"}},
		"a router":                     {probes.Target{Kind: openstack.KindRouter, ID: "r1"}, []string{"gateway"}},
		"a node":                       {probes.Target{Kind: openstack.KindNode, ID: "cmp2"}, []string{"ovn-web"}},
		"a floating IP":                {probes.Target{Kind: openstack.KindFloatingIP, ID: "f1"}, []string{"web"}},
		"a network, servers' first":    {probes.Target{Kind: openstack.KindNetwork, ID: "n1"}, []string{"web", "spare", "gateway", "dhcp"}},
		"what isn't there":             {probes.Target{Kind: openstack.KindPort, ID: "none"}, nil},
		"a kind that stands for none":  {probes.Target{Kind: openstack.KindAgent, ID: "web"}, nil},
		"a floating IP that is unused": {probes.Target{Kind: openstack.KindFloatingIP, ID: "f2"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ids(Ports(cloud(), c.target)); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	want := []Place{{"net1", "qdhcp-n1", "DHCP namespace of blue"}, {"net0", "qrouter-r1", "router namespace of edge"}}
	if got := Namespaces(cloud(), "n1"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// ML2/OVN has neither a DHCP agent nor a router namespace.
	want = []Place{{"cmp2", "ovnmeta-n2", "metadata namespace of green"}}
	if got := Namespaces(cloud(), "n2"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRouter(t *testing.T) {
	want := []Place{{"net0", "qrouter-r1", "router namespace of edge"}}
	if got := Router(cloud(), "r1"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
