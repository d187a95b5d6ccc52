package path

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/probes/follow/followtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// plan is a path over so many taps of one host.
func plan(hops int) (follow.Plan, *followtest.Hosts) {
	view := openstack.View{Near: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Far: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}
	p := follow.Plan{Path: openstack.Path{From: openstack.End{Name: "a", Addresses: view.Near}, To: openstack.End{Name: "b", Addresses: view.Far}}}
	p.Follow.What = openstack.FollowAll
	var names []string
	for i := range hops {
		name := fmt.Sprintf("tap%d", i+1)
		names = append(names, name)
		p.Path.Hops = append(p.Path.Hops, openstack.Hop{
			Index: i + 1, Host: "cmp1", Device: name, Seen: openstack.SeenPackets, View: view, Locate: openstack.Locate{Name: name},
		})
	}
	return p, &followtest.Hosts{Links: map[string][]api.Namespace{"cmp1": followtest.Devices(names...)}, Began: noon.Add(-time.Hour)}
}

// watched is a session that has taken all of a script in.
func watched(t testing.TB, hops int, now func() time.Time, script ...followtest.Event) (*follow.Session, *followtest.Hosts) {
	t.Helper()
	p, hosts := plan(hops)
	hosts.Script = script
	s, err := follow.Start(t.Context(), probes.Env{Agents: hosts, Now: now, Spool: feed.Options{Spool: -1}}, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); !hosts.Told() || hosts.Open() != hops; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the script is not taken in")
		}
	}
	return s, hosts
}

// settled waits until no verdict is open.
func settled(t testing.TB, s *follow.Session) {
	t.Helper()
	row := make([]match.Row, 1)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		_, next := s.Bounds()
		if s.Rows(next-1, row) == 1 && row[0].Verdict != match.Waiting && row[0].Answer != match.Awaited {
			return
		}
		if time.Now().After(end) {
			t.Fatal("verdicts stay open")
		}
	}
}

// echo is a request that is seen at the first hops; it is lost behind them where
// there are more.
func echo(seq, seen int, at time.Time) []followtest.Event {
	var out []followtest.Event
	for i := range seen {
		out = append(out, followtest.Event{
			Host: "cmp1", Device: fmt.Sprintf("tap%d", i+1), At: at.Add(time.Duration(i) * 10 * time.Microsecond),
			Frame: followtest.Echo("10.0.0.1", "10.0.0.2", uint16(seq), false, 56),
		})
	}
	return out
}

// hundred are a hundred requests, of which each tenth is lost behind the first hop.
func hundred(from time.Time) []followtest.Event {
	var script []followtest.Event
	for seq := range 100 {
		seen := 2
		if seq%10 == 9 {
			seen = 1
		}
		script = append(script, echo(seq, seen, from.Add(time.Duration(seq)*10*time.Millisecond))...)
	}
	return script
}

func numbers(t *rowTable) []uint64 {
	var out []uint64
	for _, r := range t.rows[:t.n] {
		out = append(out, r.Number)
	}
	return out
}

func span(from, to uint64) []uint64 {
	var out []uint64
	for ; from <= to; from++ {
		out = append(out, from)
	}
	return out
}

func TestRowTable(t *testing.T) {
	s, _ := watched(t, 2, func() time.Time { return noon }, hundred(noon.Add(-time.Minute))...)
	settled(t, s)
	const height = 10
	table := newRowTable()
	table.session, table.hops = s, s.Hops()
	for _, step := range []struct {
		name   string
		do     func()
		want   []uint64
		cursor uint64
		frozen bool
	}{
		{"the newest", func() {}, span(91, 100), 100, false},
		{"up", func() { table.move(-1) }, span(91, 100), 99, true},
		{"up beyond the screen", func() { table.move(-12) }, span(87, 96), 87, true},
		{"down again", func() { table.move(3) }, span(87, 96), 90, true},
		{"down beyond the screen", func() { table.move(9) }, span(90, 99), 99, true},
		{"no further than the end", func() { table.move(50) }, span(91, 100), 100, true},
		{"the first", func() { table.first() }, span(1, 10), 1, true},
		{"up from there", func() { table.move(-1) }, span(1, 10), 1, true},
		{"next that was lost", func() { table.seek(1, func(r *match.Row) bool { return r.Verdict == match.Lost }) }, span(1, 10), 10, true},
		{"and the next", func() { table.seek(1, func(r *match.Row) bool { return r.Verdict == match.Lost }) }, span(11, 20), 20, true},
		{"and back", func() { table.seek(-1, func(r *match.Row) bool { return r.Verdict == match.Lost }) }, span(10, 19), 10, true},
		{"only what was lost", func() { table.setFilter("", false, true) }, []uint64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 10, true},
		{"down among those", func() { table.move(2) }, []uint64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 30, true},
		{"words", func() { table.setFilter("REQUEST 2", false, false) }, []uint64{21, 22, 23, 24, 25, 26, 27, 28, 29, 30}, 30, true},
		{"a verdict", func() { table.setFilter("lost after 1", true, false) }, []uint64{21, 22, 23, 24, 25, 26, 27, 28, 29, 31}, 31, true},
		{"both", func() { table.setFilter("request 9", false, true) }, []uint64{10, 100}, 100, true},
		{"nothing", func() { table.setFilter("nosuch", false, false) }, nil, 100, true},
		{"all", func() { table.setFilter("", false, false) }, span(91, 100), 100, true},
		{"the newest again", func() { table.first(); table.follow() }, span(91, 100), 100, false},
	} {
		step.do()
		table.fill(height)
		if got := numbers(&table); !slices.Equal(got, step.want) || table.cursor != step.cursor || table.frozen() != step.frozen {
			t.Errorf("%s: rows %v, cursor %d, frozen %t\nwant rows %v, cursor %d, frozen %t", step.name, got, table.cursor, table.frozen(), step.want, step.cursor, step.frozen)
		}
	}
}

// TestRowsThatLeave holds on to rows until there is no room for them.
func TestRowsThatLeave(t *testing.T) {
	if testing.Short() {
		t.Skip("70,000 packets")
	}
	s, hosts := watched(t, 1, func() time.Time { return noon }, echo(1, 1, noon.Add(-time.Minute))...)
	table := newRowTable()
	table.session, table.hops = s, s.Hops()
	table.fill(5)
	table.move(-1)
	table.setFilter("request", false, false)
	table.fill(5)
	if got := numbers(&table); !slices.Equal(got, []uint64{1}) {
		t.Fatalf("rows %v", got)
	}
	var more []followtest.Event
	for i := range 70_000 {
		e := echo(i, 1, noon.Add(-time.Minute+time.Duration(i)*100*time.Microsecond))
		e[0].Frame[18], e[0].Frame[40] = byte(i), byte(i>>8) // its IP id and a byte of its number
		more = append(more, e...)
	}
	hosts.Tell(more...)
	for end := time.Now().Add(30 * time.Second); !hosts.Told(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the packets are not taken in")
		}
	}
	first, next := s.Bounds()
	if first < 2 {
		t.Fatal("no row has left")
	}
	if !table.frozen() || table.newer() < 60_000 {
		t.Errorf("%d newer rows", table.newer())
	}
	table.fill(5) // looks at no more than a frame allows
	if !table.behind {
		t.Error("a frame has looked at all rows")
	}
	for range 70_000 / sifted {
		table.fill(5)
	}
	if got := numbers(&table); table.behind || len(got) != 5 || got[0] < first {
		t.Errorf("rows %v of %d to %d", got, first, next)
	}
}
