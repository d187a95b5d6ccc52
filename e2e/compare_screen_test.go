//go:build integration

package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestComparedOnScreen takes a lost packet apart at the hops around its loss, in
// a real terminal, and puts captures inside and outside of a tunnel beside each
// other: rows are level, and the lost packets are not seen at the far end.
func TestComparedOnScreen(t *testing.T) {
	r := newRig(t, "ovs")
	servers := [2]string{"web1", "db2"}
	r.acquaint(t, servers[0], servers[1])
	far := r.ports["db2"]
	d := openWith(t, 160, 45, func(words ...string) *exec.Cmd { return r.exec(t.Context(), words...) })
	d.see("3 of 3")
	d.press(esc)
	d.see("p probe")
	d.press(":path web1 db2" + enter)
	d.see("watching 11 of 21 hops")
	r.ping(t, "web1", far["ip"], 5)
	d.see("replies 5 of 5")
	r.sh(t, "net0", r.script(t, "ip netns exec $(ip netns list | grep -o 'qrouter-[^ ]*' | head -1) iptables -I FORWARD -p icmp -d "+far["ip"]+" -j DROP", "net0", servers))
	r.ping(t, "web1", far["ip"], 4)
	d.see("4 of 9 lost between 12 qr-")

	d.press("E" + enter)
	d.see("lost after 12, at or before 13")
	d.see("taken out of VXLAN 101") // the hop before the last is the NIC of the tunnel
	d.press("\t" + "hhhhhhhh")
	d.see("seen at 7 of 21")
	d.see("1 tap" + r.ports["web1"]["id"][:11] + " on cmp1")
	d.see("the same at both hops")
	d.press("N")
	d.press("J")
	d.press(esc)
	d.see("lost 12 to 13")

	d.press("|")
	d.see("time-lock on")
	d.press(esc)
	d.see("lost 12 to 13")
	d.press("\t" + "g" + "jjjjjj" + " " + "G" + " " + "|") // hops 7 and 21: in a tunnel, and plain
	level := regexp.MustCompile(`(?m)echo request 5 len 64 id \d+ +in VXL.*│.*echo request 5 len 64 id`)
	screen, err := d.term.Until("one packet in one row", 15*time.Second, level.MatchString)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.term.Until("the lost ones", 15*time.Second, func(s string) bool { return strings.Count(s, "not seen here") == 4 }); err != nil {
		t.Error(err, fmt.Sprintf("\n%s", screen))
	}
	d.press("q")
	d.press(":q" + enter + "y")
	if err := d.term.Wait(5 * time.Second); err != nil {
		t.Error(err)
	}
}
