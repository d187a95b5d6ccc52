package tui_test

import (
	"errors"
	"fmt"
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
	h := &followtest.Hosts{Links: map[string][]api.Namespace{}, Switch: map[string][]api.OVSBridge{}, Began: tuitest.Noon.Add(-time.Minute)}
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
		own, port := []string{"qvo8f2c1f6e-0c", "qvo8f2c1f6f-0c"}[i], fmt.Sprintf("%08x-0c1d-4b67-9d00-%012d", 0x8f2c1f6e+i, i+1)
		h.Switch[host] = []api.OVSBridge{
			{Name: "br-int", Ports: []api.OVSPort{{Name: own, Interface: own, Tag: 3 + i, OFPort: 5, IfaceID: port, MTU: 1450}, {Name: "patch-tun", Interface: "patch-tun", Type: "patch", OFPort: 1, Peer: "patch-int"}}},
			{Name: "br-tun", Ports: []api.OVSPort{{Name: "patch-int", Interface: "patch-int", Type: "patch", OFPort: 1, Peer: "patch-tun"}, {
				Name: "vxlan-1", Interface: "vxlan-1", Type: "vxlan", OFPort: 2,
				LocalIP: []string{"10.99.0.11", "10.99.0.12"}[i], RemoteIP: []string{"10.99.0.12", "10.99.0.11"}[i],
			}}},
		}
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
	d.Press("esc", "/")
	d.Type("10.20.0.1 web-")
	d.Press("enter", "g", "space", "space", "t")
	d.Until("the script is told", func() bool {
		return len(b.Followed()) == 1 && hosts.Open() == len(onPath) && hosts.Told()
	})
	return d, hosts, b
}

func TestPathBetweenTwoMarkedPorts(t *testing.T) {
	d, hosts, b := followed(t, 160, 45, tui.Options{}, lossy()...)
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
	d.UntilText("1 finding") // and it stays with the port
	d.UntilText("3 of 12 lost")
}

// lossy loses each fourth ping of twelve, the long ones, on the underlay.
func lossy() []followtest.Event {
	var out []followtest.Event
	for seq := uint16(50); seq < 62; seq++ {
		if seq%4 == 0 {
			out = append(out, ping(seq, 5, 1400)...)
		} else {
			out = append(out, ping(seq, len(onPath), 56)...)
		}
	}
	for _, d := range onPath { // all have seen everything until now
		out = append(out, followtest.Event{Host: d.host, Device: d.device, At: tuitest.Noon})
	}
	return out
}

// calm waits until the screen stands still.
func calm(d *tuitest.Driver) {
	last, since := "", time.Now()
	d.Until("a screen that stands still", func() bool {
		if s := d.View().Content; s != last {
			last, since = s, time.Now()
		}
		return time.Since(since) > 400*time.Millisecond
	})
}

func TestPathScreens(t *testing.T) {
	scenes := []struct {
		name string
		go_  func(d *tuitest.Driver)
	}{
		{"path", func(*tuitest.Driver) {}},
		{"path-hops", func(d *tuitest.Driver) { d.Press("tab", "j", "j", "j", "j", "j", "j", "space") }},
		{"path-filter", func(d *tuitest.Driver) { d.Press("/"); d.Type("request 5"); d.Press("enter", "k", "k") }},
		{"path-lost", func(d *tuitest.Driver) { d.Press("L", "k") }},
		{"path-goal", func(d *tuitest.Driver) { d.Press("t") }},
		{"path-follow", func(d *tuitest.Driver) { d.Press("f") }},
		{"path-describe", func(d *tuitest.Driver) { d.Press("d") }},
	}
	for _, size := range append(sizes, struct {
		name string
		w, h int
	}{"160x45", 160, 45}) {
		for _, s := range scenes {
			if s.name != "path" && size.w != 120 {
				continue
			}
			t.Run(s.name+"-"+size.name, func(t *testing.T) {
				t.Parallel()
				d, _, _ := followed(t, size.w, size.h, tui.Options{Theme: "dark"}, lossy()...)
				d.UntilText("3 of 12 lost")
				s.go_(d)
				calm(d)
				d.Fits(size.w, size.h)
				golden(t, s.name+"-"+size.name+".txt", d.Screen()+"\n")
			})
		}
	}
}

func TestPathThemes(t *testing.T) {
	for _, theme := range []string{"dark", "light", "mono"} {
		t.Run(theme, func(t *testing.T) {
			t.Parallel()
			d, _, _ := followed(t, 120, 35, tui.Options{Theme: theme}, lossy()...)
			d.UntilText("3 of 12 lost")
			calm(d)
			golden(t, "path-"+theme+".ansi", d.View().Content+"\n")
		})
	}
	t.Run("ascii", func(t *testing.T) {
		t.Parallel()
		d, _, _ := followed(t, 120, 35, tui.Options{Theme: "dark", ASCII: true}, lossy()...)
		d.UntilText("3 of 12 lost")
		calm(d)
		for i, r := range d.Screen() {
			if r > '~' {
				t.Fatalf("%q at %d is outside ASCII", r, i)
			}
		}
		golden(t, "path-ascii.txt", d.Screen()+"\n")
	})
}

func TestPathThatCantBe(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	onPort(d)
	b.Fail(errors.New("keystone does not answer"))
	d.Press("t")
	d.UntilText("keystone does not answer")
	d.UntilText("R follow again")
	for _, does := range []string{"space pause", "enter decode", "W save"} {
		if strings.Contains(d.Screen(), does) {
			t.Errorf("the bar offers %q where nothing is followed", does)
		}
	}
	b.Fail(nil)
	d.Press("R")
	d.UntilText("no hop can be watched")
	d.UntilText("no agent on cmp1")
}

// TestCapturesOutliveTheirPage shows captures of a path in workspaces.
func TestCapturesOutliveTheirPage(t *testing.T) {
	d, hosts, b := followed(t, 160, 45, tui.Options{}, lossy()...)
	d.UntilText("3 of 12 lost")
	s := b.Followed()[0]
	d.Press("|") // those around the loss
	d.UntilText("hops 7, 9")
	d.UntilText("1 eth1 on cmp1")
	d.UntilText("2 eth1 on cmp2")
	d.Press("[", "tab", "g", "enter")
	d.UntilText("tap8f2c1f6e-0c on cmp1")
	d.UntilText("echo request 61")
	if hosts.Open() != len(onPath) {
		t.Errorf("%d captures are open while the path is followed, want %d", hosts.Open(), len(onPath))
	}

	d.Press("[", "[", "W")
	d.UntilText("saved")
	d.Press("q") // the page
	d.UntilGone("path web-1")
	d.Until("the captures end", func() bool { return hosts.Open() == 0 })
	<-s.Done()
	d.Press("]", "]")
	d.UntilText("echo request 61") // its packets are still there
	d.Press("q")                   // saved with the path
	d.UntilText("hops 7, 9")
	d.Press("[", "]")
	d.UntilText("1 eth1 on cmp1")
	d.UntilText("in VX")
	d.Press("q")
	d.Until("the feeds close", func() bool {
		f := s.Feeds()[0]
		first, next := f.Bounds()
		return first == next
	})
}

// TestFollowAgain begins anew, and never leaves the captures of before open.
func TestFollowAgain(t *testing.T) {
	d, hosts, b := followed(t, 160, 45, tui.Options{}, lossy()...)
	d.UntilText("3 of 12 lost")
	d.Press("f")
	d.UntilText("pings and errors")
	d.Type("tcp port 80") // nothing of the list: as it stands
	d.Press("enter")
	d.UntilText("following tcp port 80")
	d.UntilText("no packet yet")
	d.Until("one session", func() bool {
		all := b.Followed()
		if len(all) != 2 {
			return false
		}
		<-all[0].Done()
		return hosts.Open() == len(onPath)
	})
	d.Press("t")
	d.UntilText("path of web-1 to")
	d.Type("dhcp server")
	d.Press("enter")
	d.UntilText("→  dhcp")
	d.Press("ctrl+c") // stops, and stays
	d.UntilText("ended after")
	d.Press("esc")
	d.UntilGone("ended after")
	d.Until("the captures end", func() bool { return hosts.Open() == 0 })
}

// TestPathLeftBeforeItIsKnown closes what comes too late.
func TestPathLeftBeforeItIsKnown(t *testing.T) {
	b := tuitest.New(0)
	hosts := hosts()
	b.Hosts = hosts
	d := loaded(t, b, 120, 35, tui.Options{})
	onPort(d)
	b.Gate = make(chan struct{})
	d.Press("t")
	d.UntilText("working out which devices")
	d.Press("q")
	d.UntilGone("working out")
	close(b.Gate)
	d.Until("a session that is over", func() bool {
		if len(b.Followed()) == 0 {
			return false
		}
		select {
		case <-b.Followed()[0].Done():
			return hosts.Open() == 0
		default:
			return false
		}
	})
}

func TestPathByName(t *testing.T) {
	b := tuitest.New(0)
	b.Hosts = hosts()
	d := loaded(t, b, 120, 35, tui.Options{})
	for _, c := range []struct{ typed, want string }{
		{"path web-1 web-2", "→  web-2"},
		{"path web-1", "→  outside"},
		{"path 8f2c1f6e-0c1d-4b67-9d00-000000000001 db-2", "→  db-2"},
		{"path web-1 outside", "→  outside"},
		{"path web-1 gateway", "→  gateway"},
		{"path", "say which port"},
		{"path web-1 web-2 db-2", "say which port"},
		{"path nosuch", "nosuch"},
		{"path web-1 web-1", "a path needs two ports"},
	} {
		d.Press("esc", ":")
		d.Type(c.typed)
		d.Press("enter")
		d.UntilText(c.want)
	}
	n := len(b.Followed())
	for range 2 {
		d.Press(":")
		d.Type("path web-2 web-1")
		d.Press("enter")
		d.UntilText("→  web-1")
		d.Press("[")
	}
	if len(b.Followed()) != n+1 {
		t.Error("one path is followed twice")
	}
	d.Press(":")
	d.Type("path we")
	d.Press("tab")
	d.UntilText(":path web-1")
	d.Type(" db")
	d.Press("tab", "tab")
	d.UntilText(":path web-1 db-2")
}

func TestPathOfWhatHasNone(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Press("esc", ":")
	d.Type("networks")
	d.Press("enter", "t")
	d.UntilText("has no port whose packets could be followed")
	d.Press(":")
	d.Type("servers")
	d.Press("enter", "space", "space", "space", "t")
	d.UntilText("a path has two ends, and more are marked")
}

// TestInject sends probe packets once the console is read-write, asks once, and
// shows just those.
func TestInject(t *testing.T) {
	d, hosts, _ := followed(t, 160, 45, tui.Options{}, lossy()...)
	var asked []api.InjectRequest
	hosts.Inject = func(host string, req api.InjectRequest) {
		asked = append(asked, req)
		for n, frame := range req.Frames {
			for i, d := range onPath[:5] { // lost behind
				at := tuitest.Noon.Add(-20*time.Second + time.Duration(n)*100*time.Millisecond + d.after)
				if d.tunnel {
					frame = followtest.VXLAN("10.99.0.11", "10.99.0.12", 1042, frame)
				}
				hosts.Tell(followtest.Event{Host: d.host, Device: d.device, At: at, Frame: frame, Outgoing: passes(i, true)})
			}
		}
	}
	d.UntilText("3 of 12 lost")
	d.Press("i")
	d.UntilText("the console is read-only")
	d.Press(":")
	d.Type("rw INC-7")
	d.Press("enter", "i")
	d.UntilText("five echo requests to 10.20.0.12")
	d.Type("icmp 1400 x 3")
	d.Press("enter")
	d.UntilText("Send 3 packets as if web-1 had sent them?")
	d.Press("n")
	if len(asked) > 0 {
		t.Fatal("sent before it was agreed to")
	}
	d.Press("i", "enter")
	d.UntilText("Send 5 packets as if web-1 had sent them?")
	d.Press("y")
	d.UntilText("5 sent")
	d.UntilText("8 of 17 lost")
	d.UntilText("only injected  0 of 5 came, 0 answered")
	calm(d)
	if n := strings.Count(d.Screen(), "lost 7 to 9"); n != 5 {
		t.Errorf("%d rows, want the 5 that were injected:\n%s", n, d.Screen())
	}
	d.Press("i") // it is not asked again
	d.Type("arp x2")
	d.Press("enter")
	d.UntilText("2 sent")
	if len(asked) != 2 || len(asked[0].Frames) != 5 || asked[0].Device != onPath[0].device || len(asked[1].Frames) != 2 {
		t.Errorf("asked for %+v", asked)
	}
	d.Press("esc")
	d.UntilText("ICMP echo reply 61")
}

// TestPathOfHostileNames has a cloud and hosts whose names try to take over the
// terminal.
func TestPathOfHostileNames(t *testing.T) {
	for _, size := range []struct{ w, h int }{{80, 24}, {160, 45}} {
		t.Run(fmt.Sprint(size.w), func(t *testing.T) {
			b := tuitest.New(0)
			b.Cloud = b.Cloud.With(tuitest.Hostile()...)
			d := tuitest.Start(t, b, size.w, size.h, tui.Options{})
			d.UntilText("3 of 3")
			for i := range tuitest.Hostile()[:11] {
				d.Press("esc", ":")
				d.Type(fmt.Sprintf("path bad00000-0000-4000-8000-0000000000%02d", i))
				d.Press("enter")
				d.UntilText("no hop can be watched")
				d.Fits(size.w, size.h)
				d.Press("tab", "d")
				d.Fits(size.w, size.h)
				d.Press("q", "t")
				d.Fits(size.w, size.h)
				d.Press("esc", "q")
			}
		})
	}
}

// TestPathDrops has a capture that drops packets: that shows on the smallest
// screen too, and accuses nobody.
func TestPathDrops(t *testing.T) {
	for _, size := range []struct{ w, h int }{{80, 24}, {160, 45}} {
		script := append(ping(50, 5, 56), ping(51, len(onPath), 56)...)
		far := onPath[5]
		for _, d := range onPath {
			e := followtest.Event{Host: d.host, Device: d.device, At: tuitest.Noon}
			if d == far {
				e.Dropped = 1234
			}
			script = append(script, e)
		}
		d, _, _ := followed(t, size.w, size.h, tui.Options{}, script...)
		d.UntilText("dropped: 1,234 at 9")
		d.Press("tab", "j", "j", "j", "j", "j", "j", "j", "j")
		d.UntilText("its capture dropped")
		if strings.Contains(d.Screen(), "between 7 eth1 on cmp1 and 9") {
			t.Errorf("a hop that dropped packets is accused:\n%s", d.Screen())
		}
	}
}

// TestPathMended tells that what was done has helped.
func TestPathMended(t *testing.T) {
	d, hosts, _ := followed(t, 160, 45, tui.Options{}, lossy()...)
	d.UntilText("3 of 12 lost")
	if strings.Contains(d.Screen(), "in the last") {
		t.Error("nothing passed in the last seconds")
	}
	hosts.Tell(append(ping(170, len(onPath), 1400), ping(171, len(onPath), 56)...)...)
	d.UntilText("3 of 14 lost between 7 eth1 on cmp1 and 9 eth1 on cmp2; replies 11 of 11; none of 4 in the last 10 s")
	hosts.Tell(ping(172, 5, 1400)...)
	d.UntilText("4 of 15 lost")
	d.UntilGone("in the last 10 s")
}
