package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steth/evidence"
	"steth/internal/safetext"
	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui"
)

// followWords are what can be followed by name.
var followWords = []string{string(openstack.FollowAll), string(openstack.FollowICMP), string(openstack.FollowARP), string(openstack.FollowDHCP)}

// pathFlags are the arguments of `steth path`.
type pathFlags struct {
	port, to                     string
	toDHCP, toGateway, toOutside bool
	seconds                      int
	follow, filter               string
	write                        string
	rows                         int
	inject                       injectFlags
	out                          outFlags
}

func pathCommand(f *flags) *cobra.Command {
	var p pathFlags
	cmd := &cobra.Command{
		Use:   "path --port PORT [--to PORT | --to-dhcp | --to-gateway | --to-outside]",
		Short: "Follow packets along their path, and say where they are lost",
		Long: `Work out every device that the packets of a port pass, on every host, capture at
all of them together, and show each packet once with what every hop saw of it.
Without a goal the path leads out of the cloud where a router leads there.

With --inject it sends probe packets as if the port had sent them, follows just
those and their answers, and ends when all has arrived; what it changes on the
port's host is undone.

It ends after --seconds, or with ctrl+c. The exit status is 0 for ok and warn, 1
where packets were lost or a device is missing, and 2 when nothing could be
watched.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pathRun(cmd.Context(), *f, p) },
	}
	s := cmd.Flags()
	s.StringVar(&p.port, "port", "", "port that sends: name or id")
	s.StringVar(&p.to, "to", "", "port that the packets go to: name or id")
	s.BoolVar(&p.toDHCP, "to-dhcp", false, "follow to the network's DHCP server")
	s.BoolVar(&p.toGateway, "to-gateway", false, "follow to the gateway of the port's subnet")
	s.BoolVar(&p.toOutside, "to-outside", false, "follow out of the cloud, by floating IP, SNAT or a provider network")
	s.IntVar(&p.seconds, "seconds", 10, "follow so long, 1 to 3600")
	s.StringVar(&p.follow, "follow", "", "what to follow: "+strings.Join(followWords, ", ")+" (default all, towards a DHCP server dhcp)")
	s.StringVar(&p.filter, "filter", "", "follow this instead: tcpdump's words as the port sends it, or \"tcp NEAR:PORT FAR:PORT\", * for any")
	s.StringVarP(&p.write, "write", "w", "", "write all captures to this pcapng file, one interface for each device, and beside it what 'steth replay' needs")
	s.IntVar(&p.rows, "rows", 20, "print so many of the newest packets in a table; JSON has all")
	p.inject.register(s)
	p.out.register(cmd, false)
	return cmd
}

func (p pathFlags) check() error {
	goals := 0
	for _, given := range []bool{p.to != "", p.toDHCP, p.toGateway, p.toOutside} {
		if given {
			goals++
		}
	}
	switch {
	case p.port == "":
		return usage("say whose packets to follow: --port NAME or --port ID")
	case goals > 1:
		return usage("give one of --to, --to-dhcp, --to-gateway and --to-outside")
	case p.follow != "" && !slices.Contains(followWords, p.follow):
		return usage("--follow %q is not one of %s", p.follow, strings.Join(followWords, ", "))
	case p.follow != "" && p.filter != "":
		return usage("give either --follow or --filter")
	case p.seconds < 1 || p.seconds > 3600:
		return usage("--seconds %d is not within 1 to 3600", p.seconds)
	case !slices.Contains([]string{"table", "json", "yaml"}, p.out.format):
		return usage("format %q is not one of table, json, yaml", p.out.format)
	}
	return p.inject.check(p)
}

func pathRun(asked context.Context, f flags, p pathFlags) error {
	if err := p.check(); err != nil {
		return err
	}
	w, err := newWorld(f)
	if err != nil {
		return err
	}
	defer w.Close()
	what, err := openstack.ParseFollow(cmp.Or(p.filter, p.follow))
	if err != nil {
		return usageError{err}
	}
	path, err := w.path(asked, p)
	if err != nil {
		return err
	}
	if p.filter == "" && p.follow == "" {
		what = path.Goal.Follow()
	}
	var file *os.File
	if p.write != "" { // before anything is asked of an agent
		if file, err = os.OpenFile(p.write, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil {
			return fmt.Errorf("write packets: %w", err)
		}
		defer file.Close()
	}
	s, err := follow.Start(context.WithoutCancel(asked), w.env(), follow.Plan{
		Path: path, Follow: what, For: time.Duration(p.seconds) * time.Second, Inject: p.inject.plan(),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	defer context.AfterFunc(asked, s.Stop)()
	announce(s)
	<-s.Done()
	if file != nil {
		if err := errors.Join(evidence.WritePath(context.WithoutCancel(asked), file, s, w.snapshot()), file.Close()); err != nil {
			return fmt.Errorf("write packets: %w", err)
		}
	}
	return tellPath(s, p.out.format, p.rows)
}

// tellPath prints a session that has ended, with so many rows in a table.
func tellPath(s *follow.Session, format string, rows int) error {
	finding, _ := s.Finding()
	if format != "table" {
		if err := writeObject(os.Stdout, format, report(s, finding)); err != nil {
			return err
		}
		return verdict(finding)
	}
	if err := printPath(s, rows); err != nil {
		return err
	}
	return conclude(finding, "table")
}

// path resolves what was asked for.
func (w *world) path(ctx context.Context, p pathFlags) (openstack.Path, error) {
	from, err := w.resolve(ctx, openstack.KindPort, p.port)
	if err != nil {
		return openstack.Path{}, err
	}
	q := tui.PathQuestion{From: from.ID}
	switch {
	case p.to != "":
		to, err := w.resolve(ctx, openstack.KindPort, p.to)
		if err != nil {
			return openstack.Path{}, err
		}
		q.Goal, q.To = openstack.GoalPort, to.ID
	case p.toDHCP:
		q.Goal = openstack.GoalDHCP
	case p.toGateway:
		q.Goal = openstack.GoalGateway
	case p.toOutside:
		q.Goal = openstack.GoalOutside
	}
	return q.Ask(w.snapshot())
}

// announce says on standard error how many hops are watched, once they are, and
// before that which hosts are waited for.
func announce(s *follow.Session) {
	const long = time.Second
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	said := false
	for {
		select {
		case <-s.Done():
			return
		case <-tick.C:
		}
		watched, busy := 0, 0
		var asked []string
		hops := s.Hops()
		for _, h := range hops {
			switch h.State {
			case follow.Watching:
				watched++
			case follow.Asking:
				busy++
				if !slices.Contains(asked, h.Host) {
					asked = append(asked, h.Host)
				}
			case follow.Opening:
				busy++
			}
		}
		if began, ok := s.Began(); ok && !said && len(asked) > 0 && time.Since(began) > long {
			said = true
			fmt.Fprintf(os.Stderr, "following: %d hops are watched, waiting for the agent of %s\n", watched, safetext.Clean(strings.Join(asked, ", ")))
		}
		if busy == 0 && watched > 0 {
			fmt.Fprintf(os.Stderr, "following: %d of %d hops are watched\n", watched, len(hops))
			return
		}
	}
}

// verdict is the exit status of a finding that has been printed.
func verdict(f probes.Finding) error {
	switch f.Verdict {
	case probes.Fail:
		return status(exitFail)
	case probes.Error:
		return status(exitError)
	}
	return nil
}

// pathReport is what `path -f json` prints.
type pathReport struct {
	Goal     openstack.Goal    `json:"goal"`
	From     openstack.End     `json:"from"`
	To       openstack.End     `json:"to"`
	Notes    []string          `json:"notes"`
	Injected []follow.Injected `json:"injected,omitempty"`
	Hops     []hopReport       `json:"hops"`
	Rows     []rowReport       `json:"rows"`
	Finding  *probes.Finding   `json:"finding"`
}

// hopReport is a hop with what was counted there. Delays count from the first
// hop that saw a packet.
type hopReport struct {
	openstack.Hop
	State    follow.State           `json:"state"`
	Reason   string                 `json:"state_reason,omitempty"`
	MTU      int                    `json:"mtu,omitempty"`
	Found    openstack.Confirmation `json:"found"`
	Filter   openstack.Filter       `json:"filter"`
	Counter  *follow.Counter        `json:"counter,omitempty"` // of all packets, where none can be seen
	Out      uint64                 `json:"out"`
	Back     uint64                 `json:"back"`
	DelayP50 time.Duration          `json:"delay_out_p50_ns"`
	DelayP99 time.Duration          `json:"delay_out_p99_ns"`
	BackP50  time.Duration          `json:"delay_back_p50_ns"`
	BackP99  time.Duration          `json:"delay_back_p99_ns"`
	Dropped  uint64                 `json:"dropped"`
	Skipped  uint64                 `json:"skipped"`
	Other    uint64                 `json:"unmatched"`
}

// rowReport is one packet. Marks stand in the order of the hops.
type rowReport struct {
	Number    uint64       `json:"number"`
	Time      time.Time    `json:"time"`
	Packet    string       `json:"packet"`
	Bytes     uint32       `json:"bytes"`
	Direction string       `json:"direction"`
	Verdict   string       `json:"verdict"`
	LostAfter int          `json:"lost_after,omitempty"`  // hop
	LostAt    int          `json:"lost_before,omitempty"` // hop
	Answer    string       `json:"answer,omitempty"`
	Mate      uint64       `json:"mate,omitempty"`
	Of        uint64       `json:"of,omitempty"`
	Flags     []string     `json:"flags,omitempty"`
	Marks     []markReport `json:"marks"`
}

type markReport struct {
	Hop   int           `json:"hop"`
	Mark  string        `json:"mark"`
	Delay time.Duration `json:"delay_ns,omitempty"`
}

func report(s *follow.Session, f probes.Finding) pathReport {
	path := s.Plan().Path
	out := pathReport{Goal: path.Goal, From: path.From, To: path.To, Notes: s.Notes(), Injected: s.Injected(), Hops: []hopReport{}, Rows: []rowReport{}, Finding: &f}
	total := s.Total()
	hops := s.Hops()
	for i, h := range hops {
		c := total.Hops[i]
		out.Hops = append(out.Hops, hopReport{
			Hop: h.Hop, State: h.State, Reason: h.Why, MTU: h.MTU(), Found: h.Check, Filter: h.Filter, Counter: h.Counter, Out: c.Out, Back: c.Back,
			DelayP50: c.DelayOut.P50, DelayP99: c.DelayOut.P99, BackP50: c.DelayBack.P50, BackP99: c.DelayBack.P99,
			Dropped: c.Dropped, Skipped: c.Skipped, Other: c.Unmatched.Sum(),
		})
	}
	first, _ := s.Bounds()
	each(s, first, func(r *match.Row) { out.Rows = append(out.Rows, rowOf(hops, r)) })
	return out
}

func rowOf(hops []follow.Hop, r *match.Row) rowReport {
	out := rowReport{
		Number: r.Number, Time: time.Unix(0, r.Time).UTC(), Packet: follow.Packet(r), Bytes: r.Length,
		Direction: r.Direction.String(), Verdict: r.Verdict.String(), Answer: r.Answer.String(), Mate: r.Mate, Of: r.Of, Flags: r.Flags.Names(),
	}
	if r.Verdict == match.Lost {
		out.LostAfter, out.LostAt = hops[r.From].Index, hops[r.To].Index
	}
	for i, m := range r.Marks {
		out.Marks = append(out.Marks, markReport{Hop: hops[i].Index, Mark: m.State.String(), Delay: m.Delay})
	}
	return out
}

// each calls f for all rows from a number on.
func each(s *follow.Session, from uint64, f func(*match.Row)) {
	rows := make([]match.Row, 256)
	for {
		n := s.Rows(from, rows)
		if n == 0 {
			return
		}
		for i := range rows[:n] {
			f(&rows[i])
		}
		from = rows[n-1].Number + 1
	}
}

// printPath prints the hops and the newest packets for people.
func printPath(s *follow.Session, most int) error {
	path := s.Plan().Path
	fmt.Printf("%s -> %s\n\n", safetext.Clean(path.From.Name), safetext.Clean(path.To.Name))
	hops, total := s.Hops(), s.Total()
	t := table{titles: []string{"#", "HOST", "HOP", "WHAT", "SEEN BY", "OUT", "BACK", "+DELAY ms", "MTU", "EXPECTED AND FOUND"}}
	for i, h := range hops {
		cells := hopCells(h, total.Hops[i])
		if said := h.Compared(); i > 0 && h.Why != "" && h.Host != "" && h.Host == hops[i-1].Host && said == hops[i-1].Compared() {
			cells[len(cells)-1] = string([]rune(said)[:1]) + " the same"
		}
		t.rows = append(t.rows, cells)
	}
	if err := t.write(os.Stdout, "table"); err != nil {
		return err
	}
	if err := printRows(s, hops, most); err != nil {
		return err
	}
	for _, n := range s.Notes() {
		fmt.Printf("note: %s\n", safetext.Clean(n))
	}
	fmt.Println()
	return nil
}

func hopCells(h follow.Hop, c match.HopSummary) []string {
	cells := []string{strconv.Itoa(h.Index), h.Host, h.Place(), h.What, h.SeenBy(), "?", "?", "", "", h.Compared()}
	if h.Capture >= 0 {
		cells[5], cells[6] = strconv.FormatUint(c.Out, 10), strconv.FormatUint(c.Back, 10)
	}
	if c.DelayOut.Packets > 0 {
		cells[7] = follow.Milliseconds(c.DelayOut.P50)
	}
	if mtu := h.MTU(); mtu > 0 {
		cells[8] = strconv.Itoa(mtu)
	}
	return cells
}

// printRows prints the newest packets, a column a hop.
func printRows(s *follow.Session, hops []follow.Hop, most int) error {
	t := table{titles: []string{"TIME", "PACKET", "BYTES"}}
	for _, h := range hops {
		t.titles = append(t.titles, strconv.Itoa(h.Index))
	}
	t.titles = append(t.titles, "VERDICT")
	first, next := s.Bounds()
	if all := next - first; all > uint64(max(most, 0)) {
		first = next - uint64(max(most, 0))
	}
	each(s, first, func(r *match.Row) { t.rows = append(t.rows, rowCells(hops, r)) })
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Println()
	return t.write(os.Stdout, "table")
}

func rowCells(hops []follow.Hop, r *match.Row) []string {
	cells := []string{time.Unix(0, r.Time).Format("15:04:05.000"), follow.Packet(r), strconv.FormatUint(uint64(r.Length), 10)}
	for _, m := range r.Marks {
		cells = append(cells, markCell(m))
	}
	return append(cells, strings.Join(append([]string{follow.Became(hops, r)}, follow.Remarks(r)...), ", "))
}

func markCell(m match.Mark) string {
	switch m.State {
	case match.First:
		return "●"
	case match.Seen:
		return follow.Milliseconds(m.Delay)
	case match.Missed, match.Skipped:
		return "✗"
	case match.Strayed:
		return "▲"
	case match.Before, match.Quiet:
		return "·"
	}
	return "?"
}
