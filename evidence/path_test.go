package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/internal/safetext"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/probes/follow/followtest"
)

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// followed is a session that has ended: of ten echo requests between two servers
// three don't come to the second tap.
func followed(t testing.TB) *follow.Session {
	t.Helper()
	view := openstack.View{Near: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Far: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, Network: "net-1"}
	hop := func(i int, host, netns, device string) openstack.Hop {
		return openstack.Hop{Index: i, Host: host, Netns: netns, Device: device, Seen: openstack.SeenPackets, View: view, Locate: openstack.Locate{Name: device}}
	}
	h := &followtest.Hosts{Links: map[string][]api.Namespace{"cmp1": followtest.Devices("tap1"), "cmp2": followtest.Devices("tap2")}, Began: began, Ends: true}
	h.Links["cmp2"][0].Name = "qrouter-1"
	for n := range uint16(10) {
		at, frame := began.Add(time.Second+time.Duration(n)*10*time.Millisecond), followtest.Echo("10.0.0.1", "10.0.0.2", n, false, 20)
		h.Script = append(h.Script, followtest.Event{Host: "cmp1", Device: "tap1", At: at, Frame: frame})
		if n < 3 || n > 5 {
			h.Script = append(h.Script, followtest.Event{Host: "cmp2", Device: "tap2", At: at.Add(time.Millisecond), Frame: frame, Outgoing: true})
		}
	}
	for _, d := range [][2]string{{"cmp1", "tap1"}, {"cmp2", "tap2"}} {
		h.Script = append(h.Script, followtest.Event{Host: d[0], Device: d[1], At: began.Add(10 * time.Second)})
	}
	s, err := follow.Start(t.Context(), probes.Env{Agents: h, Spool: feed.Options{Dir: t.TempDir()}}, follow.Plan{
		Path: openstack.Path{
			Goal: openstack.GoalPort, From: openstack.End{Name: "web1", Port: "port-1", Host: "cmp1"}, To: openstack.End{Name: "web2", Port: "port-2"},
			Hops: []openstack.Hop{hop(1, "cmp1", "", "tap1"), hop(2, "cmp2", "qrouter-1", "tap2")},
		}, Follow: openstack.Follow{What: openstack.FollowICMP}, For: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	<-s.Done()
	if f, _ := s.Finding(); !strings.HasPrefix(f.Reason, "3 of 10 lost") {
		t.Fatal(f.Reason)
	}
	return s
}

// cloud has the path's first port and what belongs to it, and one that doesn't.
func cloud() *openstack.Snapshot {
	return openstack.NewSnapshot().With(
		openstack.Port{ID: "port-1", NetworkID: "net-1", DeviceID: "server-1", Host: "cmp1", Fixed: []openstack.Address{{IP: "10.0.0.1", SubnetID: "sub-1"}}, SecurityGroups: []string{"group-1"}},
		openstack.Network{ID: "net-1", Name: "front", MTU: 1450}, openstack.Subnet{ID: "sub-1", NetworkID: "net-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: "10.0.0.254"},
		openstack.Server{ID: "server-1", Name: "web1", Host: "cmp1"}, openstack.SecurityGroup{ID: "group-1", Name: "default"},
		openstack.Node{Host: "cmp1", Agents: []string{"agent-1"}}, openstack.Node{Host: "cmp2"}, openstack.Agent{ID: "agent-1", Host: "cmp1"},
		openstack.Router{ID: "router-1", Name: "edge"}, openstack.Port{ID: "leg-1", NetworkID: "net-1", DeviceID: "router-1", DeviceOwner: "network:router_interface", Fixed: []openstack.Address{{IP: "10.0.0.254", SubnetID: "sub-1"}}},
		openstack.FloatingIP{ID: "fip-1", IP: "203.0.113.5", PortID: "port-1", RouterID: "router-1"},
		openstack.Port{ID: "other", NetworkID: "net-2"}, openstack.Network{ID: "net-2"}, openstack.Node{Host: "cmp9"}, openstack.SecurityGroup{ID: "group-2"},
	)
}

// replay shows a saved path to its end.
func replay(t testing.TB, p *Path) *follow.Session {
	t.Helper()
	s, err := follow.Replay(t.Context(), probes.Env{Spool: feed.Options{Dir: t.TempDir()}}, p.Recording, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	<-s.Done()
	return s
}

func rows(s *follow.Session) []match.Row {
	rows := make([]match.Row, 64)
	return rows[:s.Rows(0, rows)]
}

func TestSaveAndOpenPath(t *testing.T) {
	live := followed(t)
	base := filepath.Join(t.TempDir(), "out")
	file, err := SavePath(t.Context(), base, live, cloud())
	if err != nil {
		t.Fatal(err)
	}
	if file != base+".pcapng" || Sidecar(file) != base+".path.json" {
		t.Errorf("saved %s with %s", file, Sidecar(file))
	}
	for _, name := range []string{file, Sidecar(file)} {
		p, err := OpenPath(name)
		if err != nil {
			t.Fatal(err)
		}
		again := replay(t, p)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		want, _ := live.Finding()
		if got, ended := again.Finding(); !ended || got.Reason != want.Reason || got.Verdict != want.Verdict || got.Duration != want.Duration {
			t.Errorf("replayed %s %q %v\nlive     %s %q %v", got.Verdict, got.Reason, got.Duration, want.Verdict, want.Reason, want.Duration)
		}
		if got, want := rows(again), rows(live); !reflect.DeepEqual(got, want) {
			t.Errorf("replayed %+v\nlive     %+v", got, want)
		}
		for kind, want := range map[openstack.Kind]int{
			openstack.KindPort: 2, openstack.KindServer: 1, openstack.KindNetwork: 1, openstack.KindSubnet: 1, openstack.KindRouter: 1,
			openstack.KindFloatingIP: 1, openstack.KindSecurityGroup: 1, openstack.KindNode: 2, openstack.KindAgent: 1,
		} {
			if got := len(p.Inventory.List(kind)); got != want || p.Inventory.Missing[kind] == "" {
				t.Errorf("%d %s, want %d: %q", got, openstack.Plural(kind), want, p.Inventory.Missing[kind])
			}
		}
		if got, want := p.Inventory.Subnets, cloud().Subnets; !reflect.DeepEqual(got, want) {
			t.Errorf("subnets %+v, want %+v", got, want)
		}
	}

	// A second one goes elsewhere.
	if second, err := SavePath(t.Context(), base, live, cloud()); err != nil || second != base+"-2.pcapng" {
		t.Errorf("the second is %s: %v", second, err)
	}
}

// TestSaveReplayed saves what was replayed: it's the same again.
func TestSaveReplayed(t *testing.T) {
	dir := t.TempDir()
	file, err := SavePath(t.Context(), filepath.Join(dir, "a"), followed(t), cloud())
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenPath(file)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := replay(t, p)
	if _, err := SavePath(t.Context(), filepath.Join(dir, "b"), s, p.Inventory); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{".pcapng", ".path.json"} {
		a, errA := os.ReadFile(filepath.Join(dir, "a"+ending))
		b, errB := os.ReadFile(filepath.Join(dir, "b"+ending))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if ending == ".path.json" {
			a, b = unsaved(t, a), unsaved(t, b)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs: %d and %d bytes", ending, len(a), len(b))
		}
	}
}

// unsaved is a sidecar without the time at which it was written.
func unsaved(t *testing.T, text []byte) []byte {
	t.Helper()
	s, err := readSidecar(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	s.Saved = time.Time{}
	out, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWritePath(t *testing.T) {
	s := followed(t)
	for _, ending := range []string{".pcapng", ".cap", ""} {
		name := filepath.Join(t.TempDir(), "x"+ending)
		if err := os.WriteFile(Sidecar(name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(WritePath(t.Context(), f, s, cloud()), f.Close()); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{name, Sidecar(name)} {
			p, err := OpenPath(file)
			if err != nil {
				t.Fatal(err)
			}
			p.Close()
		}
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := errors.Join(WritePath(t.Context(), w, s, cloud()), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := packets.NewReader(r); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(Sidecar(w.Name())); err == nil {
		t.Errorf("a pipe has the sidecar %s", Sidecar(w.Name()))
	}
}

// saved is the two files of a session, as they may be changed before they are opened.
func saved(t testing.TB) (capture, side string) {
	t.Helper()
	file, err := SavePath(t.Context(), filepath.Join(t.TempDir(), "x"), followed(t), cloud())
	if err != nil {
		t.Fatal(err)
	}
	a, errA := os.ReadFile(file)
	b, errB := os.ReadFile(Sidecar(file))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	return string(a), string(b)
}

// put writes the two files into a directory of their own; "" is left out.
func put(t testing.TB, capture, side string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "x.pcapng")
	for path, text := range map[string]string{name: capture, Sidecar(name): side} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func TestFilesThatCantBeOpened(t *testing.T) {
	capture, side := saved(t)
	change := func(old, now string) string {
		if !strings.Contains(side, old) {
			t.Fatalf("no %s in %s", old, side)
		}
		return strings.Replace(side, old, now, 1)
	}
	for name, c := range map[string]struct{ capture, side, want string }{
		"no sidecar":        {capture, "", "no sidecar of a path is beside it"},
		"no capture":        {"", side, "x.pcapng: no such file"},
		"newer":             {capture, change(`"version": 1`, `"version": 2, "more": {}`), "x.path.json: it was written by a newer steth (version 2 of the format; this one reads 1)"},
		"no version":        {capture, "{}", "it has no version"},
		"no JSON":           {capture, "hello", "it is no sidecar of a path: invalid character"},
		"an unknown key":    {capture, change(`"follow":`, `"fellow": 1, "follow":`), `unknown field "fellow"`},
		"too large":         {capture, strings.Repeat(" ", maxSidecar) + side, "more than 4194304 bytes"},
		"can't be replayed": {capture, change(`"index": 2`, `"index": 7`), "hop 2: it says of itself that it is 7"},
		"of other devices":  {capture, change(`"device": "tap2",`+"\n        \"filter\"", `"device": "tap9", "filter"`), "interface 2 of the file is qrouter-1/tap2 on cmp2, and qrouter-1/tap9 on cmp2 was recorded"},
		"no pcapng":         {"hello hello hello", side, "x.pcapng: read pcapng: this is not a pcapng file"},
		"a capture is less": {capture, lacks(t, side), "the file has 2 interfaces, and 1 were recorded"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := OpenPath(put(t, c.capture, c.side))
			if err == nil {
				p.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrNoPath) != (name == "no sidecar") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// lacks is a sidecar without its last capture.
func lacks(t *testing.T, side string) string {
	t.Helper()
	s, err := readSidecar(strings.NewReader(side))
	if err != nil {
		t.Fatal(err)
	}
	s.Recording.Captures = s.Recording.Captures[:1]
	s.Recording.Hops[1].Capture, s.Recording.Hops[1].State = -1, follow.Unseen
	var b strings.Builder
	if err := s.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCutOff opens a file that ends somewhere: what is there shows, and where it
// ends is said.
func TestCutOff(t *testing.T) {
	capture, side := saved(t)
	for size := 4; size < len(capture); size += 29 {
		p, err := OpenPath(put(t, capture[:size], side))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		s := replay(t, p)
		p.Close()
		f, _ := s.Finding()
		if n := s.Notes(); len(n) != 1 && size < len(capture)-400 { // behind the packets stand counters
			t.Errorf("%d bytes: notes %q", size, n)
		}
		if sum := s.Total().Out; sum.Lost > 3 || f.Code == "lost" && sum.Lost == 0 {
			t.Errorf("%d bytes: %s, %+v", size, f.Reason, sum)
		}
	}
}

// TestHostileSidecar has texts that try to take over the terminal.
// Agents tell texts of any length, and a path is to be saved all the same.
func TestLongTexts(t *testing.T) {
	s := followed(t)
	side := tell(s, cloud())
	for range 5 {
		side.Recording.Notes = append(side.Recording.Notes, strings.Repeat("x", 1<<20))
	}
	capture, _ := saved(t)
	name := put(t, capture, "")
	if err := side.create(Sidecar(name)); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPath(name)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if n := len(p.Recording.Notes); n != len(side.Recording.Notes) {
		t.Errorf("%d notes", n)
	}
}

// TestNoHalfSidecar: one that can't be written leaves no file, for with it the
// capture could not be opened either.
func TestNoHalfSidecar(t *testing.T) {
	side := tell(followed(t), cloud())
	side.Recording.Notes = slices.Repeat([]string{strings.Repeat("x", 8<<10)}, 1024)
	name := filepath.Join(t.TempDir(), "x.path.json")
	if err := side.create(name); err == nil {
		t.Fatal("it was written")
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

func TestHostileSidecar(t *testing.T) {
	capture, side := saved(t)
	side = strings.Replace(side, `"name": "web1"`, `"name": "web\u001b[2J1"`, 1)
	side = strings.Replace(side, `"name": "web2"`, `"name": "`+strings.Repeat("é", 1<<20)+`"`, 1)
	side = strings.Replace(side, `"10.0.0.1"`, `"fe80::1%\u001b]0;x\u0007"`, 1)
	p, err := OpenPath(put(t, capture, side))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := p.Recording.Path.From.Name; got != "web^[[2J1" {
		t.Errorf("the name is %q", got)
	}
	if got := p.Recording.Path.To.Name; len(got) > 20<<10 {
		t.Errorf("a name has %d bytes", len(got))
	}
	if got := p.Recording.Path.Hops[0].View.Near[0].String(); got != safetext.Clean(got) {
		t.Errorf("the address is %q", got)
	}
}

// FuzzPath opens and replays what anybody may have written.
func FuzzPath(f *testing.F) {
	capture, side := saved(f)
	f.Add([]byte(capture), []byte(side))
	f.Add([]byte(capture[:len(capture)/2]), []byte(side))
	f.Add([]byte(capture), []byte(strings.ReplaceAll(side, `"from_unix_ns": 1`, `"from_unix_ns": 4`)))
	f.Add([]byte(capture), []byte(strings.ReplaceAll(side, `"capture": 1`, `"capture": 0`)))
	f.Add([]byte("\n\r\r\n"), []byte(`{"version":1}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, capture, side []byte) {
		if len(capture) > 1<<16 || len(side) > 1<<16 {
			return
		}
		name := filepath.Join(dir, "x.pcapng")
		if err := errors.Join(os.WriteFile(name, capture, 0o600), os.WriteFile(Sidecar(name), side, 0o600)); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPath(name)
		if err != nil {
			return
		}
		defer p.Close()
		text, err := json.Marshal(p.Recording)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if s := string(text); safetext.Clean(s) != s {
			t.Errorf("not safe to print: %q", s)
		}
		s, err := follow.Replay(t.Context(), probes.Env{Spool: feed.Options{Spool: -1, Memory: 1 << 20}}, p.Recording, p)
		if err != nil {
			t.Fatalf("what was checked can't be replayed: %v", err)
		}
		defer s.Close()
		<-s.Done()
		if f, ended := s.Finding(); !ended || strings.Contains(f.Reason, "a defect in steth") {
			t.Errorf("%v %s", ended, f.Reason)
		}
		s.Rows(0, make([]match.Row, 64))
		s.Standing()
		s.Recording()
	})
}
