//go:build integration

package e2e

import (
	"strings"
	"testing"
)

// TestSwitch holds paths of the lab against what Open vSwitch tells of itself.
func TestSwitch(t *testing.T) {
	r := newRig(t, "ovs")
	r.acquaint(t, "db1", "db2")
	db1, db2, web1 := r.ports["db1"], r.ports["db2"], r.ports["web1"]
	path := []string{"--port", db1["id"], "--to", db2["id"], "--follow", "icmp"}
	device := "tap" + db2["id"][:11]

	t.Run("nothing is wrong", func(t *testing.T) {
		for _, to := range [][]string{{"--to", db2["id"]}, {"--to-dhcp"}, {"--to-gateway"}, {"--to-outside"}} {
			for _, from := range []object{db1, web1} {
				report, _ := r.follow(t, func() {}, append([]string{"--port", from["id"]}, to...)...)
				for _, h := range report.Hops {
					if len(h.Found.Faults) > 0 || h.Host != "" && !h.Found.Asked {
						t.Errorf("%v from %s, hop %d %s on %s: %+v", to, from["ip"], h.Index, h.Device, h.Host, h.Found)
					}
					if h.Device == "br-int" && h.Found.Tag == 0 {
						t.Errorf("%v from %s, hop %d: no tag: %s", to, from["ip"], h.Index, h.What)
					}
				}
				if len(report.Notes) > 0 && strings.Contains(strings.Join(report.Notes, " "), "could not be asked") {
					t.Errorf("notes %q", report.Notes)
				}
			}
		}
	})
	t.Run("what passes is counted", func(t *testing.T) {
		const pings = 100
		report, _ := r.follow(t, func() {
			r.ping(t, "db1", db2["ip"], pings)
			settle(t)
		}, path...)
		for _, h := range report.Hops {
			switch {
			case h.Seen != "counters":
				if h.Counter != nil {
					t.Errorf("hop %d %s is counted: %+v", h.Index, h.Device, h.Counter)
				}
			// The lab's servers talk to others as well, and the counters are of all.
			case h.Counter == nil || h.Counter.Out < pings || h.Counter.Back < pings || h.Counter.Out > 100*pings || h.Counter.Why != "":
				t.Errorf("hop %d %s: %+v", h.Index, h.Device, h.Counter)
			}
		}
	})
	t.Run("broken while it is watched", func(t *testing.T) {
		tag := strings.TrimSpace(r.sh(t, "cmp2", "ovs-vsctl get Port "+device+" tag"))
		report, _ := r.follow(t, func() {
			r.ping(t, "db1", db2["ip"], 5)
			r.sh(t, "cmp2", "ovs-vsctl set Port "+device+" tag=99")
			r.ping(t, "db1", db2["ip"], 20)
			settle(t)
		}, path...)
		r.sh(t, "cmp2", "ovs-vsctl set Port "+device+" tag="+tag)
		want := "; the VLAN tag of " + device + " in br-int is 99, Neutron's agent had given it " + tag
		if f := report.Finding; f.Code != "lost" || !strings.Contains(f.Reason, want) {
			t.Errorf("%s: %q, want %q", f.Code, f.Reason, want)
		}
	})
	t.Run("another port's", func(t *testing.T) {
		r.sh(t, "cmp2", "ovs-vsctl set Interface "+device+" external_ids:iface-id="+web1["id"])
		report, _ := r.follow(t, func() { r.ping(t, "db1", db2["ip"], 5) }, path...)
		r.sh(t, "cmp2", "ovs-vsctl set Interface "+device+" external_ids:iface-id="+db2["id"])
		want := device + " is plugged for port " + web1["id"][:8] + ", not for " + db2["id"][:8]
		if f := report.Finding; f.Code != "device-differs" || !strings.Contains(f.Reason, want) {
			t.Errorf("%s: %q, want %q", f.Code, f.Reason, want)
		}
	})
	t.Run("a pair of patch ports is gone", func(t *testing.T) {
		r.sh(t, "cmp2", "ovs-vsctl get Interface patch-tun ofport > /run/fault.ofport; ovs-vsctl del-port br-int patch-tun")
		report, _ := r.follow(t, func() { r.ping(t, "db1", db2["ip"], 20); settle(t) }, path...)
		r.sh(t, "cmp2", "ovs-vsctl add-port br-int patch-tun -- set Interface patch-tun type=patch options:peer=patch-int ofport_request=$(cat /run/fault.ofport)")
		want := "no pair of patch ports joins br-int and br-tun of cmp2"
		if f := report.Finding; f.Code != "lost" || !strings.Contains(f.Reason, want) {
			t.Errorf("%s: %q, want %q", f.Code, f.Reason, want)
		}
	})
	t.Run("its database is not there", func(t *testing.T) {
		r.sh(t, "cmp2", "mv /run/openvswitch/db.sock /run/openvswitch/db.away")
		report, _ := r.follow(t, func() { r.ping(t, "db1", db2["ip"], 5) }, path...)
		r.sh(t, "cmp2", "mv /run/openvswitch/db.away /run/openvswitch/db.sock")
		if f, notes := report.Finding, strings.Join(report.Notes, " "); f.Code != "delivered" || !strings.Contains(notes, "Open vSwitch of cmp2 could not be asked") {
			t.Errorf("%s: %q; notes %q", f.Code, f.Reason, notes)
		}
	})
}
