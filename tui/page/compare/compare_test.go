package compare

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"steth/agent/api"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/probes/follow/followtest"
	"steth/themes"
	"steth/tui/keys"
	"steth/tui/page"
)

var update = flag.Bool("update", false, "write the golden files afresh")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a hop of the path on which the lab's recording was made, with the
// interface of its packets in the file.
type place struct {
	host, device string
	iface        int // -1: nothing can be seen
	vni          int
	outside      bool // behind NAT
}

var places = []place{
	{host: "cmp1", device: "tapb2bcb4c3-22", iface: 0},
	{host: "cmp1", device: "qbrb2bcb4c3-22", iface: 1},
	{host: "cmp1", device: "eth1", iface: 4, vni: 101},
	{device: "", iface: -1},
	{host: "net0", device: "eth1", iface: 5, vni: 101},
	{host: "net0", device: "qr-ab4385d3-76", iface: 7},
	{host: "net0", device: "qg-5d18c0ba-d1", iface: 8, outside: true},
	{host: "net0", device: "eth2", iface: 10, outside: true},
}

// tape gives a recording's packets, changed as a test wants: nil for one that
// was never seen.
type tape struct {
	list []packets.Packet
	at   []int
}

func (s *tape) Next(p *packets.Packet) (int, error) {
	if len(s.list) == 0 {
		return 0, io.EOF
	}
	*p = s.list[0]
	at := s.at[0]
	s.list, s.at = s.list[1:], s.at[1:]
	return at, nil
}

// ping is what the lab's hosts saw of one ping through a router with a floating
// IP, and change is asked for each sight of it.
func ping(t testing.TB, change func(place int, p *packets.Packet) bool) *tape {
	t.Helper()
	f, err := os.Open("../../../packets/testdata/nat.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := packets.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := &tape{}
	for {
		var p packets.Packet
		iface, err := r.Next(&p)
		if err != nil {
			break
		}
		p.Data = bytes.Clone(p.Data)
		for i, l := range places {
			if l.iface == iface && (change == nil || change(i, &p)) {
				out.list, out.at = append(out.list, p), append(out.at, captureOf(i))
			}
		}
	}
	return out
}

// captureOf is the index of a place's capture.
func captureOf(place int) int {
	n := 0
	for _, l := range places[:place] {
		if l.iface >= 0 {
			n++
		}
	}
	return n
}

// session is the ping followed.
func session(t testing.TB, src *tape) *follow.Session {
	t.Helper()
	near, far := netip.MustParseAddr("10.20.0.11"), netip.MustParseAddr("203.0.113.1")
	r := follow.Recording{Follow: openstack.Follow{What: openstack.FollowICMP}}
	from, to := int64(0), int64(0)
	for i, p := range src.list {
		if i == 0 || p.Time < from {
			from = p.Time
		}
		to = max(to, p.Time)
	}
	span := follow.Span{From: from - int64(time.Second), To: to + 5*int64(time.Second)}
	r.Started, r.Began, r.Ended = time.Unix(0, span.From), time.Unix(0, span.From), time.Unix(0, span.To)
	r.Path.From, r.Path.To = openstack.End{Name: "web1", Addresses: []netip.Addr{near}}, openstack.End{Name: "outside"}
	for i, l := range places {
		h := openstack.Hop{
			Index: i + 1, Host: l.host, Device: l.device, Seen: openstack.SeenPackets,
			View: openstack.View{Near: []netip.Addr{near}, Far: []netip.Addr{far}},
		}
		if l.outside {
			h.View.Near, h.View.Rewritten = []netip.Addr{netip.MustParseAddr("203.0.113.50")}, true
		}
		if l.vni > 0 {
			h.Encap = openstack.Encap{Kind: openstack.EncapVXLAN, ID: l.vni}
		}
		found := follow.RecordedHop{Device: l.device, State: follow.Ended, Capture: captureOf(i)}
		if l.iface < 0 {
			h.Seen, h.What, h.Why = openstack.SeenBlind, "the underlay", "no agent runs on a switch"
			found.State, found.Capture, found.Why = follow.Unseen, -1, follow.RecordedError{Text: h.Why}
		} else {
			n := uint64(0)
			for _, at := range src.at {
				if at == captureOf(i) {
					n++
				}
			}
			r.Captures = append(r.Captures, follow.RecordedCapture{
				Host: l.host, Device: l.device, Hops: []int{i}, Watched: []follow.Span{span}, Packets: n,
			})
		}
		r.Path.Hops, r.Hops = append(r.Path.Hops, h), append(r.Hops, found)
	}
	s, err := follow.Replay(t.Context(), probes.Env{}, r, src)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func env(t testing.TB, theme string) *page.Env {
	t.Helper()
	th, err := themes.Get(strings.TrimSuffix(theme, "-ascii"), strings.HasSuffix(theme, "-ascii"))
	if err != nil {
		t.Fatal(err)
	}
	table, errs := keys.New(keys.Default(), nil)
	if errs != nil {
		t.Fatal(errs)
	}
	return &page.Env{Theme: &th, Keys: table, Now: func() time.Time { return time.Unix(1_800_000_000, 0).UTC() }}
}

// rows are all rows of a session.
func rows(s *follow.Session) []match.Row {
	out := make([]match.Row, 64)
	return out[:s.Rows(0, out)]
}

// open is the page of a session's first row.
func open(t testing.TB, theme string, s *follow.Session) *Page {
	t.Helper()
	list := rows(s)
	if len(list) == 0 {
		t.Fatal("no packet was followed")
	}
	return New(env(t, theme), s, list[0]).(*Page)
}

// press presses keys and returns what the page asked of the shell, last.
func press(p *Page, names ...string) (asked tea.Msg) {
	codes := map[string]rune{"tab": tea.KeyTab, "left": tea.KeyLeft, "right": tea.KeyRight, "esc": tea.KeyEscape, "down": tea.KeyDown}
	for _, name := range names {
		k := tea.Key{Code: codes[name]}
		if k.Code == 0 {
			k.Code, k.Text = []rune(name)[0], name
		}
		asked = nil
		for cmd := p.Update(tea.KeyPressMsg(k)); cmd != nil; {
			asked, cmd = cmd(), nil
			if f, ok := asked.(found); ok {
				asked, cmd = nil, p.Update(f)
			}
		}
	}
	return asked
}

// screen draws the page, fails where that does not fit, and gives its text.
func screen(t testing.TB, p *Page, width, height int) string {
	t.Helper()
	view := p.View(width, height)
	lines := strings.Split(view, "\n")
	if len(lines) != height {
		t.Errorf("%d lines on %d", len(lines), height)
	}
	for i, l := range lines {
		if w := max(ansi.StringWidth(l), ansi.StringWidthWc(l)); w > width {
			t.Errorf("line %d takes %d of %d columns: %q", i, w, width, l)
		}
		text := ansi.Strip(l)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd }) {
			t.Errorf("line %d holds what a terminal acts on: %q", i, text)
		}
		lines[i] = strings.TrimRight(strings.ReplaceAll(text, "\u00a0", " "), " ")
	}
	return strings.Join(lines, "\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update writes it afresh after you have looked at it. Got:\n%s", name, got)
	}
}

func TestGolden(t *testing.T) {
	s := session(t, ping(t, nil))
	for _, size := range [][2]int{{80, 20}, {120, 31}, {160, 41}, {200, 56}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			p := open(t, "dark", s)
			golden(t, fmt.Sprintf("nat-%dx%d.txt", size[0], size[1]), screen(t, p, size[0], size[1])+"\n")
			press(p, "=", "G")
			golden(t, fmt.Sprintf("bytes-%dx%d.txt", size[0], size[1]), screen(t, p, size[0], size[1])+"\n")
		})
	}
	for _, theme := range []string{"dark", "light", "mono", "dark-ascii"} {
		t.Run(theme, func(t *testing.T) {
			p := open(t, theme, s)
			press(p, "=", "down", "down", "down")
			screen(t, p, 120, 31)
			golden(t, "theme-"+theme+".ansi", p.View(120, 31)+"\n")
		})
	}
}

// heads are the names of the hops in the two columns.
func heads(p *Page) string {
	name := func(side int) string { n, _ := p.hopText(side); return strings.Fields(n)[0] }
	return name(0) + " " + name(1)
}

func until(last int) func(int, *packets.Packet) bool {
	return func(place int, _ *packets.Packet) bool { return place <= last }
}

// TestHops says which hops are compared, and what keys make of that.
func TestHops(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(int, *packets.Packet) bool
		keys   string
		want   string
	}{
		{"first and last", nil, "", "1 8"},
		{"lost: the last that saw it and the one before", until(4), "", "3 5"},
		{"only one", until(0), "", "1 no"},
		{"only one, and keys", until(0), "left right tab l h", "1 no"},
		{"the right column moves back", nil, "left left", "1 6"},
		{"blind hops are passed over", nil, "h h h h", "1 3"},
		{"to the end and no further", nil, "h l l l", "1 8"},
		{"never the same hop twice", nil, "tab l l l l l l l l", "7 8"},
		{"the left column", nil, "tab right", "2 8"},
		{"turned round", nil, "tab l l l l l tab h h h h h h h", "7 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, "dark", session(t, ping(t, c.change)))
			press(p, strings.Fields(c.keys)...)
			if got := heads(p); got != c.want {
				t.Errorf("hops %s, want %s", got, c.want)
			}
			screen(t, p, 120, 30)
		})
	}
}

// TestTurnedRound: a column may show a later hop than the one at its right; what
// is told is told in the order of the way.
func TestTurnedRound(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, nil)))
	press(p, strings.Fields("tab l l l l l tab h h h h h h h")...)
	text := screen(t, p, 120, 60)
	row := lineWith(t, text, "TTL    ")
	if fields := strings.Fields(row); fields[2] != "63" || fields[3] != "64" {
		t.Errorf("left 63 and right 64 wanted: %q", row)
	}
	if !strings.Contains(text, "✓ TTL lowered by one router") || strings.Contains(text, "rose") {
		t.Errorf("not in the order of the way:\n%s", text)
	}
	for !strings.HasPrefix(ansi.Strip(p.draw(p.cursor, 120)), "▌✓ TTL") {
		press(p, "j")
	}
	if sub := strings.Split(screen(t, p, 120, 60), "\n")[3]; !strings.Contains(sub, "earlier  first") {
		t.Errorf("that the right column is earlier is not told: %q", sub)
	}
	if text := screen(t, p, 120, 60); !strings.Contains(text, "IPv4 TTL  64 → 63  lowered by one router") {
		t.Errorf("the foot does not say it in the order of the way:\n%s", text)
	}
}

// lineWith is the line that has a text.
func lineWith(t testing.TB, screen, text string) string {
	t.Helper()
	for _, l := range strings.Split(screen, "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	t.Fatalf("no line has %q:\n%s", text, screen)
	return ""
}

// TestTunnel holds a tap against the NIC of the tunnel.
func TestTunnel(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, until(2))))
	press(p, "tab", "h", "tab") // 1 and 3
	if heads(p) != "1 3" {
		t.Fatalf("hops %s", heads(p))
	}
	text := screen(t, p, 160, 60)
	for _, want := range []string{"✓ put into VXLAN 101, 10.99.0.11 to 10.99.0.10", "VXLAN (tunnel)", "only here", "lost after 3, at or before 5"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	golden(t, "tunnel-160x60.txt", text+"\n")
	press(p, "G")
	golden(t, "tunnel-80x20.txt", screen(t, p, 80, 20)+"\n")
	screen(t, p, 160, 60)
	press(p, "g", "=")
	text = screen(t, p, 160, 60)
	if strings.Contains(text, "sequence") || strings.Contains(text, "VNI") || strings.Count(text, "only here") != 4 || !strings.Contains(text, "only what differs") {
		t.Errorf("what is equal shows, or not what differs:\n%s", text)
	}
	golden(t, "tunnel-differs-160x60.txt", text+"\n")
}

// TestAstray has a packet in the tunnel of another network at one hop.
func TestAstray(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, func(place int, p *packets.Packet) bool {
		if place == 2 {
			p.Data[48] = 102 // VNI
		}
		return place <= 2
	})))
	if press(p, "tab", "h", "tab"); heads(p) != "1 3" {
		t.Fatalf("hops %s", heads(p))
	}
	text := screen(t, p, 160, 60)
	for _, want := range []string{"▲ astray  148 bytes", "▲ at 3 eth1 on cmp1 packets of this path have VXLAN 101", "✓ put into VXLAN 102"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
}

func TestClothes(t *testing.T) {
	a, b := netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")
	for want, e := range map[string]openstack.Encap{
		"no tunnel":  {},
		"VLAN tag 7": {Kind: openstack.EncapVLAN, ID: 7},
		"VXLAN 7 between 10.99.0.11 and 10.99.0.12": {Kind: openstack.EncapVXLAN, ID: 7, Local: a, Remote: b},
		"GRE key 7": {Kind: openstack.EncapGRE, ID: 7},
		"Geneve 7":  {Kind: openstack.EncapGeneve, ID: 7},
	} {
		if got := clothes(e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNothingDiffers: where nothing differs there is more to see than nothing.
func TestNothingDiffers(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, until(1))))
	if heads(p) != "1 2" {
		t.Fatalf("hops %s", heads(p))
	}
	for _, size := range [][2]int{{80, 20}, {120, 60}} {
		if text := screen(t, p, size[0], size[1]); !strings.Contains(text, "✓ the same at both hops") || !strings.Contains(text, "destination ") {
			t.Errorf("got:\n%s", text)
		}
		press(p, "=")
	}
}

// TestHostile has a packet whose content is a terminal's commands.
func TestHostile(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, func(place int, p *packets.Packet) bool {
		if place < 2 {
			copy(p.Data[42:], "\x1b]0;own\a\x9b31m\r\n\xe2\x80\xae")
		}
		return place < 2
	})))
	for _, size := range [][2]int{{80, 20}, {120, 60}, {160, 60}} {
		for _, keys := range []string{"", "G", "x", "=", "tab"} {
			press(p, strings.Fields(keys)...)
			screen(t, p, size[0], size[1])
		}
	}
	if text := p.text() + p.dump(); strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
		t.Errorf("the clipboard holds %q", text)
	}
}

// TestUnexpected has a byte that changes on the way, beyond what is compared
// to find the packet again.
func TestUnexpected(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, func(place int, p *packets.Packet) bool {
		if place == 5 {
			p.Data[97] ^= 0xff
		}
		return place <= 5
	})))
	text := screen(t, p, 120, 110)
	for _, want := range []string{"✗ the Payload differs from byte 55 on", "✗ from byte 55", "nothing on the way changes what…"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	if strings.Index(text, "✗ the Payload") > strings.Index(text, "✓ taken out of VXLAN") {
		t.Errorf("the worst is not told first:\n%s", text)
	}
}

// TestForgotten has a capture that no longer holds the packet: the page says so
// and shows no other.
func TestForgotten(t *testing.T) {
	s := session(t, ping(t, nil))
	row := rows(s)[0]
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p := New(env(t, "dark"), s, row).(*Page)
	text := screen(t, p, 120, 40)
	if !strings.Contains(text, "? the capture at 1 tapb2bcb4c3-22 on cmp1 no longer holds this packet") || strings.Contains(text, "IPv4") {
		t.Errorf("got:\n%s", text)
	}
	for _, key := range strings.Fields("j k g G x = y Y tab h l n N J") {
		press(p, key)
		screen(t, p, 80, 20)
	}
}

// TestKept: what the page holds stays when the captures are gone, and when the
// row's owner uses it again.
func TestKept(t *testing.T) {
	s := session(t, ping(t, nil))
	row := rows(s)[0]
	p := New(env(t, "dark"), s, row).(*Page)
	before := screen(t, p, 120, 40)
	for i := range row.Marks {
		row.Marks[i] = match.Mark{}
	}
	clear(row.Data)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.load(p.row) // as when it came to another hop since
	p.rebuild()
	press(p, "h", "l")
	if after := screen(t, p, 120, 40); after != before {
		t.Errorf("got:\n%s\nwant:\n%s", after, before)
	}
}

// TestTick: a packet that is under way comes to more hops while one looks.
func TestTick(t *testing.T) {
	frame := followtest.Echo("10.0.0.1", "10.0.0.2", 1, false, 40)
	now := time.Now()
	h := &followtest.Hosts{
		Links:  map[string][]api.Namespace{"cmp1": followtest.Devices("tap1", "brq1")},
		Began:  now.Add(-time.Second),
		Script: []followtest.Event{{Host: "cmp1", Device: "tap1", At: now, Frame: frame}},
	}
	view := openstack.View{Near: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Far: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}
	var path openstack.Path
	for i, d := range []string{"tap1", "brq1"} {
		path.Hops = append(path.Hops, openstack.Hop{
			Index: i + 1, Host: "cmp1", Device: d, Seen: openstack.SeenPackets, Locate: openstack.Locate{Name: d}, View: view,
		})
	}
	s, err := follow.Start(t.Context(), probes.Env{Agents: h}, follow.Plan{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wait := func(what string, done func() bool) {
		t.Helper()
		for late := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("never came: %s", what)
			}
		}
	}
	wait("the first sight", func() bool { return len(rows(s)) == 1 })
	p := open(t, "dark", s)
	if text := screen(t, p, 120, 40); heads(p) != "1 no" || !strings.Contains(text, "only 1 tap1 on cmp1 saw this packet") {
		t.Errorf("hops %s:\n%s", heads(p), text)
	}
	wait("a tick in which nothing has happened", func() bool { // the session tells the time to its rows
		screen(t, p, 120, 40)
		p.Tick()
		return !p.Dirty()
	})
	h.Tell(followtest.Event{Host: "cmp1", Device: "brq1", At: now.Add(time.Millisecond), Frame: frame})
	wait("the second sight", func() bool { return rows(s)[0].Marks[1].Time != 0 })
	if p.Tick(); !p.Dirty() || heads(p) != "1 2" {
		t.Errorf("hops %s", heads(p))
	}
	if text := screen(t, p, 120, 40); !strings.Contains(text, "✓ the same at both hops") {
		t.Errorf("got:\n%s", text)
	}
}

// many is n pings and their answers, each seen at all hops.
func many(t testing.TB, n int) *tape {
	one := ping(t, nil)
	out := &tape{}
	for k := range n {
		for reply := range 2 {
			for i := range one.list {
				at := i
				if reply == 1 {
					at = len(one.list) - 1 - i
				}
				p := one.list[at]
				p.Data = bytes.Clone(p.Data)
				ip := len(p.Data) - 84
				icmp := ip + 20
				binary.BigEndian.PutUint16(p.Data[icmp+6:], uint16(k+1))
				binary.BigEndian.PutUint16(p.Data[ip+4:], uint16(100+2*k+reply))
				p.Time = one.list[0].Time + int64(k)*int64(10*time.Millisecond) + int64(reply)*int64(time.Millisecond) + int64(i)*1000
				if reply == 1 {
					p.Data[icmp] = 0
					var src [4]byte
					copy(src[:], p.Data[ip+12:])
					copy(p.Data[ip+12:], p.Data[ip+16:ip+20])
					copy(p.Data[ip+16:], src[:])
				}
				out.list, out.at = append(out.list, p), append(out.at, one.at[at])
			}
		}
	}
	return out
}

// TestNeighbours goes from packet to packet, and from a question to its answer.
func TestNeighbours(t *testing.T) {
	s := session(t, many(t, 40))
	list := rows(s)
	p := New(env(t, "dark"), s, list[0]).(*Page)
	if list[0].Mate == 0 {
		t.Fatal("the ping was not answered")
	}
	press(p, "h", "h")
	press(p, "n", "n", "n")
	if p.row.Number != list[3].Number || heads(p) != "1 6" {
		t.Errorf("row %d at hops %s, want %d at 1 6", p.row.Number, heads(p), list[3].Number)
	}
	press(p, "N")
	if p.row.Number != list[2].Number {
		t.Errorf("row %d, want %d", p.row.Number, list[2].Number)
	}
	press(p, "J")
	if p.row.Number != list[2].Mate {
		t.Errorf("the answer is row %d, want %d", p.row.Number, list[2].Mate)
	}
	if text := screen(t, p, 120, 40); !strings.Contains(text, "ICMP echo reply") {
		t.Errorf("no answer:\n%s", text)
	}
	press(p, "J")
	if p.row.Number != list[2].Number {
		t.Errorf("the question is row %d, want %d", p.row.Number, list[2].Number)
	}
	steps := 0
	for ; steps < 200; steps++ {
		if msg, ok := press(p, "n").(page.Notice); ok {
			if !strings.Contains(msg.Text, "no packet after this one") {
				t.Errorf("it says %q", msg.Text)
			}
			break
		}
	}
	if steps != 77 {
		t.Errorf("%d packets further on, want 77", steps)
	}
	for steps = 0; steps < 200; steps++ {
		if _, ok := press(p, "N").(page.Notice); ok {
			break
		}
	}
	if steps != 79 {
		t.Errorf("%d packets back, want 79", steps)
	}
}

// TestLostNeighbours goes to the packets that were lost, over those that were not.
func TestLostNeighbours(t *testing.T) {
	src := many(t, 400)
	kept := &tape{}
	for i, p := range src.list {
		ip := len(p.Data) - 84
		seq, reply := binary.BigEndian.Uint16(p.Data[ip+26:]), p.Data[ip+20] == 0
		if (seq == 5 || seq == 390) && (reply || src.at[i] > 2) {
			continue
		}
		kept.list, kept.at = append(kept.list, p), append(kept.at, src.at[i])
	}
	s := session(t, kept)
	list := make([]match.Row, 1024)
	list = list[:s.Rows(0, list)]
	p := New(env(t, "dark"), s, list[0]).(*Page)
	seq := func() int { return int(binary.BigEndian.Uint16(p.row.Data[40:])) }
	for _, c := range []struct {
		key  string
		seq  int
		told bool
	}{{"E", 1, true}, {"e", 5, false}, {"e", 390, false}, {"e", 390, true}, {"E", 5, false}, {"E", 5, true}} {
		msg := press(p, c.key)
		if _, told := msg.(page.Notice); told != c.told || seq() != c.seq {
			t.Errorf("%s: packet %d, told %v; want %d, %v", c.key, seq(), told, c.seq, c.told)
		}
	}
}

func TestKeys(t *testing.T) {
	p := open(t, "dark", session(t, ping(t, nil)))
	screen(t, p, 80, 20)
	if msg, ok := press(p, "y").(page.Copy); !ok || !strings.Contains(msg.Text, "* TTL                      64") {
		t.Errorf("y gives %+v", msg)
	}
	if msg, ok := press(p, "Y").(page.Copy); !ok || !strings.Contains(msg.Text, "000000  fa 16 3e 6d ef 24 fa 16 3e 04 97 92 08 00 45 00\n") || strings.Count(msg.Text, "# ") != 2 {
		t.Errorf("Y gives %+v", msg)
	}
	if _, ok := press(p, "esc").(page.Close); !ok {
		t.Error("esc does not leave")
	}
	press(p, "x")
	if text := screen(t, p, 80, 20); !strings.Contains(text, "▌  Ethernet\n * 0000  fa") {
		t.Errorf("x does not go to the bytes of Ethernet:\n%s", text)
	}
	press(p, "x")
	if text := screen(t, p, 80, 20); !strings.Contains(text, "▌✓ Ethernet") {
		t.Errorf("x does not go back:\n%s", text)
	}
	press(p, "G")
	screen(t, p, 80, 20)
	if p.cursor != len(p.lines)-1 {
		t.Error("G does not go to the end")
	}
	if p.Dirty() {
		t.Error("drawn, and yet dirty")
	}
	if press(p, "k"); !p.Dirty() {
		t.Error("a key that moves leaves the page as it was")
	}
	for range 3 * len(p.lines) {
		press(p, "k")
		if k := p.lines[p.cursor].kind; k == blank {
			t.Fatal("the cursor stands on a blank line")
		}
		if text := screen(t, p, 80, 20); !strings.Contains(text, "▌") {
			t.Fatalf("the cursor is not seen:\n%s", text)
		}
	}
	if p.cursor != 0 {
		t.Error("k does not come to the top")
	}
}
