package tui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
	"steth/probes/follow/followtest"
	"steth/tui"
	"steth/tui/tuitest"
)

// The path from web-1 to web-2 in the sample cloud, where it can be captured.
var onPath = []struct {
	host, device string
	after        time.Duration
	tunnel       bool
}{
	{"cmp1", "tap8f2c1f6e-0c", 0, false},
	{"cmp1", "qbr8f2c1f6e-0c", 10 * time.Microsecond, false},
	{"cmp1", "qvb8f2c1f6e-0c", 20 * time.Microsecond, false},
	{"cmp1", "qvo8f2c1f6e-0c", 30 * time.Microsecond, false},
	{"cmp1", "eth1", 60 * time.Microsecond, true},
	{"cmp2", "eth1", 310 * time.Microsecond, true},
	{"cmp2", "qvo8f2c1f6f-0c", 330 * time.Microsecond, false},
	{"cmp2", "qvb8f2c1f6f-0c", 340 * time.Microsecond, false},
	{"cmp2", "qbr8f2c1f6f-0c", 350 * time.Microsecond, false},
	{"cmp2", "tap8f2c1f6f-0c", 380 * time.Microsecond, false},
}

// hosts have the devices of the path.
func hosts() *followtest.Hosts {
	h := &followtest.Hosts{Links: map[string][]api.Namespace{}, Began: tuitest.Noon.Add(-time.Minute)}
	for i, host := range []string{"cmp1", "cmp2"} {
		var names []string
		for _, d := range onPath {
			if d.host == host {
				names = append(names, d.device)
			}
		}
		ns := followtest.Devices(names...)
		for j := range ns[0].Links {
			switch l := &ns[0].Links[j]; {
			case l.Name == "eth1":
				l.MTU, l.Addresses = 1500, []string{[]string{"10.99.0.11/24", "10.99.0.12/24"}[i]}
			case strings.HasPrefix(l.Name, "qbr"):
				l.Kind = "bridge"
			case strings.HasPrefix(l.Name, "tap"):
				l.Kind, l.Master = "tun", "qbr"+l.Name[3:]
			case strings.HasPrefix(l.Name, "qvb"):
				l.Kind, l.Master = "veth", "qbr"+l.Name[3:]
			default:
				l.Kind = "veth"
			}
		}
		h.Links[host] = ns
	}
	return h
}

// ping is one echo request and, where nothing is lost, its reply. It is seen at
// the first hops of the path.
func ping(seq uint16, seen, data int) []followtest.Event {
	const near, far = "10.20.0.11", "10.20.0.12"
	at := tuitest.Noon.Add(-40*time.Second + time.Duration(seq)*200*time.Millisecond)
	var out []followtest.Event
	add := func(i int, when time.Time, frame []byte, outgoing bool) {
		d := onPath[i]
		switch {
		case d.tunnel && outgoing:
			frame = followtest.VXLAN("10.99.0.11", "10.99.0.12", 1042, frame)
		case d.tunnel:
			frame = followtest.VXLAN("10.99.0.12", "10.99.0.11", 1042, frame)
		}
		out = append(out, followtest.Event{Host: d.host, Device: d.device, At: when, Frame: frame, Outgoing: passes(i, outgoing)})
	}
	for i := range onPath[:seen] {
		add(i, at.Add(onPath[i].after), followtest.Echo(near, far, seq, false, data), true)
	}
	if seen < len(onPath) {
		return out
	}
	for i := len(onPath) - 1; i >= 0; i-- {
		add(i, at.Add(800*time.Microsecond-onPath[i].after), followtest.Echo(far, near, seq, true, data), false)
	}
	return out
}

// passes tells whether a packet leaves the host's own stack by a device: on the
// way out by cmp1's NIC and at the end by the tap of web-2.
func passes(i int, out bool) bool {
	leaves := onPath[i].device == "eth1" && onPath[i].host == "cmp1" || i == len(onPath)-1
	return leaves == out
}

// followed is the page of the path from web-1 to web-2.
func followed(t *testing.T, w, h int, opt tui.Options, script ...followtest.Event) (*tuitest.Driver, *followtest.Hosts, *tuitest.Backend) {
	t.Helper()
	b := tuitest.New(0)
	hosts := hosts()
	hosts.Script = script
	b.Hosts = hosts
	d := loaded(t, b, w, h, opt)
	onPort(d)
	d.Press("space")
	d.Press("/")
	d.Type("10.20.0.12")
	d.Press("enter", "space", "esc", "t")
	d.Until("the script is told", func() bool {
		return len(b.Followed()) == 1 && hosts.Open() == len(onPath) && hosts.Told()
	})
	return d, hosts, b
}

func TestPathBetweenTwoMarkedPorts(t *testing.T) {
	var script []followtest.Event
	for seq := uint16(50); seq < 62; seq++ {
		if seen, data := len(onPath), 56; seq%4 == 0 {
			script = append(script, ping(seq, 5, 1400)...)
		} else {
			script = append(script, ping(seq, seen, data)...)
		}
	}
	d, hosts, b := followed(t, 160, 45, tui.Options{}, script...)
	d.UntilText("3 of 12 lost between 7 eth1 on cmp1 and 9 eth1 on cmp2, all longer than 98 bytes; replies 9 of 9")
	d.UntilText("lost 7 to 9")
	d.UntilText("lost here: 3")
	d.Fits(160, 45)

	d.Press("q")
	d.UntilText("packets were not saved and will be gone")
	d.Press("n", "W")
	d.UntilText("saved steth-10.pcapng")
	d.Press("q")
	d.UntilGone("lost here")
	d.Until("the captures end", func() bool { return hosts.Open() == 0 })
	<-b.Followed()[0].Done()
}

func TestPathThatCantBe(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	onPort(d)
	b.Fail(errors.New("keystone does not answer"))
	d.Press("t")
	d.UntilText("keystone does not answer")
	b.Fail(nil)
	d.Press("R")
	d.UntilText("no hop can be watched")
	d.UntilText("no agent on cmp1")
}
