//go:build integration

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPathScreen follows pings at every hop on the path page, in a real
// terminal: rows at all hops that can be captured, a broken edge that is named,
// a file that tshark reads, and no capture left on any host once it is left.
func TestPathScreen(t *testing.T) {
	r := newRig(t, "ovs")
	r.acquaint(t, "web1", "web2")
	servers := [2]string{"web1", "web2"}
	near, far := r.ports["web1"], r.ports["web2"]
	before := r.sockets(t)
	d := openWith(t, 160, 45, func(words ...string) *exec.Cmd { return r.exec(t.Context(), words...) })
	d.see("3 of 3")
	d.press(esc)
	d.see("p probe") // find is left: an escape and a colon at once are another key
	d.press(":path web1 web2" + enter)
	d.see("watching 10 of 15 hops")
	d.see("no packet yet")

	r.ping(t, "web1", far["ip"], 20)
	d.see(fmt.Sprintf("20 of 20 came to 15 tap%s on cmp2, the end; replies 20 of 20", far["id"][:11]))
	whole := regexp.MustCompile(`(?m)echo request \d+ .*●( +(\+\d+\.\d+|\?)){14} *$`)
	back := regexp.MustCompile(`(?m)echo reply \d+ .*\d( +(\+\d+\.\d+|\?)){14} +● *$`)
	if _, err := d.term.Until("a row with a mark at every hop", 15*time.Second, func(s string) bool {
		return whole.MatchString(s) && back.MatchString(s)
	}); err != nil {
		t.Fatal(err)
	}

	r.sh(t, "cmp2", r.script(t, "iptables -I neutron-openvswi-iCHAIN -p icmp -s PEER -j DROP", "cmp2", servers))
	r.ping(t, "web1", far["ip"], 10)
	d.see(fmt.Sprintf("10 of 30 lost between 14 qbr%[1]s on cmp2 and 15 tap%[1]s on cmp2", far["id"][:11]))
	d.see("lost 14 to 15")
	d.see("lost on the way from 14: 10")

	d.press("W")
	d.see(".pcapng")
	until(t, "a saved path", 5*time.Second, func() bool {
		found, err := filepath.Glob(filepath.Join(d.dir, "*.pcapng"))
		return err == nil && len(found) == 1
	})
	found, _ := filepath.Glob(filepath.Join(d.dir, "*.pcapng"))
	out, err := exec.Command("tshark", "-r", found[0], "-T", "fields", "-e", "frame.interface_name").CombinedOutput()
	for _, device := range []string{"tap" + near["id"][:11], "eth1", "tap" + far["id"][:11]} {
		if err != nil || !strings.Contains(string(out), device) {
			t.Errorf("tshark finds no packet of %s in the saved file: %v\n%.500s", device, err, out)
		}
	}

	if during := r.sockets(t); during < before+10 {
		t.Errorf("%d packet sockets while ten hops are captured, %d before: the test looks in the wrong place", during, before)
	}
	d.press(esc)
	d.see("Related")
	until(t, "no capture left", 5*time.Second, func() bool { return r.sockets(t) == before })

	d.press(":path web2" + enter)
	d.see("hops; no packet yet")
	d.press(":q" + enter) // with captures that go on
	d.see("One probe runs")
	d.press("y")
	if err := d.term.Wait(5 * time.Second); err != nil {
		t.Error(err)
	}
	until(t, "no capture left", 5*time.Second, func() bool { return r.sockets(t) == before })
}

// sockets counts the packet sockets on all hosts, which captures have.
func (r *rig) sockets(t *testing.T) int {
	t.Helper()
	n := 0
	for _, host := range []string{"net0", "cmp1", "cmp2"} {
		n += strings.Count(r.sh(t, host, "cat /proc/net/packet"), "\n") - 1
	}
	return n
}
