package follow

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"steth/openstack"
	"steth/packets/craft"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

// Name is the probe's name in a finding.
const Name = "path.follow"

// Codes are the reasons that a session can give, besides those of every probe.
func Codes() []probes.Code {
	return []probes.Code{
		{Name: "lost", Verdict: probes.Fail, Means: "packets were lost between two hops that both see"},
		{Name: "device-missing", Verdict: probes.Fail, Means: "a device that the path needs is not on its host"},
		{Name: "unanswered", Verdict: probes.Warn, Means: "packets came to the end of the path and no answer was sent"},
		{Name: "nothing-seen", Verdict: probes.Warn, Means: "no packet passed that fits"},
		{Name: "not-followed", Verdict: probes.Warn, Means: "packets passed, and where they ended could not be seen"},
		{Name: "device-differs", Verdict: probes.Warn, Means: "nothing was lost, but a device is not as it should be"},
		{Name: "answered-on-the-way", Verdict: probes.OK, Means: "packets were answered by something before the end of the path: a switch that answers ARP, for example"},
		{Name: "delivered", Verdict: probes.OK, Means: "every packet came to the end of the path, as far as it can be seen"},
	}
}

// facts are what a finding is made of.
type facts struct {
	path    openstack.Path
	what    openstack.Follow
	hops    []Hop
	sum     match.Summary
	err     error     // why nothing could be followed
	sampled bool      // not every packet was followed
	sent    *Injected // that the session is about; nil: whatever passes
}

// conclude judges as things stand.
func (s *Session) conclude(err error) probes.Finding { return s.judged(s.Hops(), s.Total(), err) }

func (s *Session) judged(hops []Hop, sum match.Summary, err error) probes.Finding {
	f := judge(facts{path: s.plan.Path, what: s.plan.Follow, hops: hops, sum: sum, err: err, sent: s.subject(), sampled: s.Sampled() > 1})
	if n := s.Sampled(); n > 1 {
		f.Reason += fmt.Sprintf(" (of about 1 in %d packets)", n)
		f.Fields["followed_one_in"] = n
	}
	f.Probe, f.Target, f.TargetID, f.Host = Name, s.plan.Path.From.Name, s.plan.Path.From.Port, s.plan.Path.From.Host
	return f
}

// judge concludes. Losses come first: they are what packets really did. Then
// what is missing, then what was not seen.
func judge(f facts) probes.Finding {
	out := f.finding()
	for _, c := range Codes() {
		if c.Name == out.Code {
			out.Verdict = c.Verdict
		}
	}
	out.Fields = f.fields()
	if f.sent != nil && f.err == nil {
		f.introduce(&out)
	}
	return out
}

func (f facts) finding() probes.Finding {
	missing, worst := f.missing(), f.worst()
	switch watched := slices.ContainsFunc(f.hops, Hop.seen); {
	case f.err != nil:
		return probes.Failed(probes.Finding{}, f.err)
	case worst != nil:
		return f.lost(*worst)
	case len(missing) > 0:
		return probes.Finding{
			Code: "device-missing", Reason: f.absent(missing),
			Next: []probes.Next{{Do: "steth probe run node.links --node " + probes.Quote(missing[0].Host), Why: "lists what is there"}},
		}
	case !watched:
		return f.blind()
	case f.gone() > 0:
		return f.vanished()
	case f.crossed() == 0 && f.refused() != nil:
		return probes.Failed(probes.Finding{}, f.refused())
	case f.crossed() == 0:
		return f.silent()
	case f.sum.Out.Unknown > f.sum.Out.Bordering, count(f.sum.Out) == 0 && f.sum.Out.Bordering > 0,
		f.lastSeen() == 0 && f.sum.Out.Delivered == 0:
		return f.unfollowed()
	case f.lastSeen() == 0:
		return f.intercepted()
	case f.sum.Out.Unanswered > 0 && f.sum.Back.Rows == 0:
		return f.unanswered()
	}
	return f.delivered()
}

// worst is the worst place of loss that can be blamed. Where answers take
// another way only the way out is judged.
func (f facts) worst() *match.Interval {
	for i := range f.sum.Intervals {
		if f.sum.Intervals[i].Direction == match.Out || len(f.path.Back) == 0 {
			return &f.sum.Intervals[i]
		}
	}
	return nil
}

// count is how many packets went a way and could have been seen everywhere,
// copies that the network made left out.
func count(t match.Totals) uint64 { return t.Rows - t.Duplicate - t.Bordering }

// bordering is how many packets passed before all captures had begun or when
// they ended, and were not seen everywhere: of those nothing follows.
func (f facts) bordering() uint64 {
	return f.sum.Out.Bordering + f.sum.Back.Bordering + f.sum.Neither.Bordering
}

// crossed is how many packets were seen anywhere.
func (f facts) crossed() uint64 {
	return count(f.sum.Out) + count(f.sum.Back) + f.sum.Neither.Rows + f.sum.Out.Bordering + f.sum.Back.Bordering
}

func (f facts) lost(i match.Interval) probes.Finding {
	out, back := count(f.sum.Out), count(f.sum.Back)
	what, of, other := "", out, ""
	if i.Direction == match.Back {
		what, of = " "+f.returning(), back
		other = fmt.Sprintf("; out %d of %d", out-f.sum.Out.Lost, out)
	} else if back > 0 && len(f.path.Back) == 0 {
		other = fmt.Sprintf("; %s %d of %d", f.returning(), back-f.sum.Back.Lost, back)
	}
	from, to := f.hops[i.From], f.hops[i.To]
	size := ""
	if i.Crossed > 0 && i.LongestCrossed > 0 && i.Shortest > i.LongestCrossed {
		size = fmt.Sprintf(", all longer than %d bytes", i.LongestCrossed)
	}
	low, high := min(i.From, i.To), max(i.From, i.To)
	suspects := f.suspects(low, high)
	reason := fmt.Sprintf("%d of %d%s lost between %s and %s%s%s%s", i.Lost, of, what, from.Name(), to.Name(), size, suspects, other)
	if more := f.otherLosses(i); more > 0 {
		reason += fmt.Sprintf("; %d more lost elsewhere", more)
	}
	if suspects == "" { // counters help to find what is known then
		reason += f.counted(low, high, i.Direction == match.Back)
	}
	return probes.Finding{
		Code: "lost", Reason: reason, Host: to.Host, Netns: to.Netns, Device: to.Device,
		Next: []probes.Next{
			{Do: f.capture(from), Why: "the last that saw them"},
			{Do: f.capture(to), Why: "the first that did not"},
		},
	}
}

// suspects are what isn't as it should be where packets were lost: what is
// missing or wrong in between, and how the two ends are plugged.
func (f facts) suspects(low, high int) string {
	text := ""
	for i := low; i <= high; i++ {
		h := f.hops[i]
		inside := i > low && i < high
		switch {
		case inside && h.State == Broken:
			text += "; in between " + h.Why
		case inside && h.Differs() != "":
			text += "; in between " + h.Differs()
		default:
			for _, d := range h.Check.Faults {
				if d.Plug() {
					text += "; " + d.Text
				}
			}
		}
	}
	return text
}

// returning is what packets on the way back are called: replies, where any
// packet was answered; else the far end may well speak of its own accord.
func (f facts) returning() string {
	if f.sum.Out.Answered > 0 || f.sum.Out.Unanswered == 0 {
		return "replies"
	}
	return "back"
}

// otherLosses is how many packets were lost that way at another place for sure.
func (f facts) otherLosses(worst match.Interval) uint64 {
	var n uint64
	low, high := min(worst.From, worst.To), max(worst.From, worst.To)
	for _, i := range f.sum.Intervals {
		if i.Direction == worst.Direction && (max(i.From, i.To) <= low || min(i.From, i.To) >= high) {
			n += i.Lost
		}
	}
	return n
}

func (f facts) capture(h Hop) string {
	return fmt.Sprintf("steth capture --node %s --device %s", probes.Quote(h.Host), probes.Quote(probes.Where{Netns: h.Netns, Device: h.Device}.String()))
}

func (f facts) missing() []Hop {
	return slices.DeleteFunc(slices.Clone(f.hops), func(h Hop) bool { return !h.Missing() })
}

func (f facts) absent(missing []Hop) string {
	texts := make([]string, len(missing))
	for i, h := range missing {
		texts[i] = fmt.Sprintf("hop %d is missing: %s", h.Index, h.Differs())
	}
	for _, h := range f.hops {
		for _, d := range h.Check.Faults {
			if d.Plug() && !h.Missing() {
				texts = append(texts, fmt.Sprintf("at hop %d %s", h.Index, d.Text))
			}
		}
	}
	text := strings.Join(texts, "; ")
	if n := f.crossed(); n > 0 {
		text += fmt.Sprintf("; %d packets were seen on the rest of the path", n)
	}
	return text
}

// blind is what to say where no hop could be watched: the first reason, of a hop
// that could have been, or else of one of which it isn't known what it is.
func (f facts) blind() probes.Finding {
	why := errors.New("none carries packets that can be captured")
	for _, seen := range []openstack.Seen{openstack.SeenPackets, openstack.SeenUnresolved} {
		at := slices.IndexFunc(f.hops, func(h Hop) bool { return h.Seen == seen && h.Why != "" })
		if at < 0 {
			continue
		}
		h := f.hops[at]
		if why = h.err; why == nil {
			why = errors.New(h.Why)
		}
		why = fmt.Errorf("%s: %w", h.Name(), why)
		break
	}
	return probes.Failed(probes.Finding{}, fmt.Errorf("no hop can be watched: %w", why))
}

// refused is why an agent would not capture what was asked for: words that are
// no filter, most likely. In a tunnel they are not asked, so some hops can watch
// all the same.
func (f facts) refused() error {
	for _, h := range f.hops {
		if h.State == Unseen && h.err != nil && errors.Is(h.err, rpc.ErrInvalidArgument) {
			return fmt.Errorf("%s: %w", h.Name(), h.err)
		}
	}
	return nil
}

func (f facts) silent() probes.Finding {
	var watched []string
	for _, h := range f.hops {
		if h.seen() {
			watched = append(watched, h.Name())
		}
	}
	reason := "nothing that fits passed " + watched[0]
	if len(watched) > 1 {
		reason += fmt.Sprintf(", nor any of the %d other hops that were watched", len(watched)-1)
	}
	for _, h := range f.hops {
		if h.Seen == openstack.SeenUnresolved && h.Why != "" {
			reason += fmt.Sprintf("; %s is not known: %s", h.Name(), h.Why)
		}
	}
	next := probes.Next{Do: Command(f.path) + " --follow all", Why: "shows whatever the port sends"}
	if f.what.What == openstack.FollowAll {
		next = probes.Next{
			Do:  Command(f.path) + " --inject icmp",
			Why: "sends probe packets as if from it; needs the role injector",
		}
	}
	return probes.Finding{
		Code: "nothing-seen", Reason: reason, Next: []probes.Next{next},
	}
}

// last is the last hop that was watched, -1 for none.
func (f facts) last() int {
	for i := len(f.hops) - 1; i >= 0; i-- {
		if f.hops[i].seen() {
			return i
		}
	}
	return -1
}

func (f facts) lastSeen() uint64 { return f.sum.Hops[f.last()].Out + f.sum.Hops[f.last()].Back }

func (f facts) unfollowed() probes.Finding {
	out := count(f.sum.Out)
	reason := fmt.Sprintf("%d of %d could not be followed to %s", f.sum.Out.Unknown-f.sum.Out.Bordering, out, f.hops[f.last()].Name())
	switch {
	case out == 0 && f.sum.Out.Bordering > 0:
		return probes.Finding{
			Code:   "not-followed",
			Reason: fmt.Sprintf("%d packets passed before all captures had begun or when they ended, and none in between", f.sum.Out.Bordering),
		}
	case out == 0:
		reason = fmt.Sprintf("%d packets were seen, none of them on its way from %s", f.crossed(), f.path.From.Name)
	}
	var dropped []string
	for i, h := range f.sum.Hops {
		if h.Dropped > 0 {
			dropped = append(dropped, fmt.Sprintf("the capture at %s dropped %d", f.hops[i].Name(), h.Dropped))
		}
	}
	if text := f.unwatched(); text != "" {
		dropped = append(dropped, text)
	}
	if len(dropped) > 0 {
		reason += ": " + strings.Join(dropped, ", ")
	}
	return probes.Finding{Code: "not-followed", Reason: reason + f.answers() + f.margin()}
}

// unwatched tells which hops were not watched to the end and why; "" where all
// were.
func (f facts) unwatched() string {
	return f.together("was", "were", "not watched to the end", func(h Hop) bool { return h.State == Broken })
}

// beyond tells which hops behind the last that sees could have seen, and why
// they don't: "" where nothing better can be had.
func (f facts) beyond() string {
	last := f.last()
	text := f.together("is", "are", "not watched", func(h Hop) bool {
		return h.Index > f.hops[last].Index && h.State == Unseen && h.Seen == openstack.SeenPackets && h.Host != "" && h.Why != ""
	})
	if text == "" {
		return ""
	}
	return "; " + text
}

// together tells of the hops that are picked, those of one host with one reason
// in one go.
func (f facts) together(one, many, what string, pick func(Hop) bool) string {
	type group struct{ host, why string }
	var order []group
	hops := map[group][]Hop{}
	for _, h := range f.hops {
		if !pick(h) {
			continue
		}
		g := group{h.Host, strings.TrimPrefix(h.Why, h.Host+": ")}
		if hops[g] == nil {
			order = append(order, g)
		}
		hops[g] = append(hops[g], h)
	}
	texts := make([]string, len(order))
	for i, g := range order {
		list := hops[g]
		who := list[0].Name() + " " + one
		if len(list) > 1 {
			numbers := make([]string, len(list)-1)
			for n := range numbers {
				numbers[n] = strconv.Itoa(list[n].Index)
			}
			who = fmt.Sprintf("hops %s and %d on %s %s", strings.Join(numbers, ", "), list[len(list)-1].Index, g.host, many)
		}
		texts[i] = fmt.Sprintf("%s %s: %s", who, what, g.why)
	}
	return strings.Join(texts, ", ")
}

// intercepted tells of packets that were answered, and not by the path's end.
func (f facts) intercepted() probes.Finding {
	furthest := f.hops[0]
	for i, h := range f.sum.Hops {
		if h.Out > 0 {
			furthest = f.hops[i]
		}
	}
	return probes.Finding{
		Code: "answered-on-the-way",
		Reason: fmt.Sprintf("%d of %d were answered after %s; none came to %s",
			f.sum.Out.Answered, count(f.sum.Out), furthest.Name(), f.hops[f.last()].Name()) + f.answers(),
	}
}

func (f facts) unanswered() probes.Finding {
	return probes.Finding{Code: "unanswered", Reason: f.came() + "; no answer was seen" + f.margin() + f.beyond()}
}

func (f facts) delivered() probes.Finding {
	out := probes.Finding{Code: "delivered", Reason: f.came() + f.answers() + f.margin() + f.beyond()}
	if text := f.unwatched(); text != "" { // what passed since then nobody knows
		out.Code = "not-followed"
		out.Reason += "; but " + text
	}
	if f.sent != nil && f.sent.Kind == craft.UDP && f.sum.Back.Rows == 0 {
		out.Reason += "; no answer was seen, and UDP need not give one"
	}
	if h := slices.IndexFunc(f.hops, func(h Hop) bool { return len(h.Check.Faults) > 0 }); h >= 0 {
		out.Code = "device-differs"
		out.Reason += fmt.Sprintf("; but at hop %d %s", f.hops[h].Index, f.hops[h].Differs())
	}
	return out
}

// came tells how far packets came.
func (f facts) came() string {
	last, end := f.last(), "the last hop that can be seen"
	if last == len(f.hops)-1 {
		end = "the end"
	}
	return fmt.Sprintf("%d of %d came to %s, %s", f.sum.Out.Delivered, count(f.sum.Out), f.hops[last].Name(), end)
}

// answers tells of the way back, where there was any.
func (f facts) answers() string {
	back := count(f.sum.Back)
	if back == 0 || len(f.path.Back) > 0 {
		return ""
	}
	unknown := f.sum.Back.Unknown - f.sum.Back.Bordering
	text := fmt.Sprintf("; replies %d of %d", f.sum.Back.Delivered, back-unknown)
	if unknown > 0 {
		text += fmt.Sprintf(", %d more could not be followed", unknown)
	}
	return text
}

// margin tells of packets that passed at the border of the watching.
func (f facts) margin() string {
	if n := f.bordering(); n > 0 {
		return fmt.Sprintf("; %d more passed before all captures had begun or when they ended", n)
	}
	return ""
}

func (f facts) fields() map[string]any {
	return map[string]any{
		"hops": len(f.hops), "out": count(f.sum.Out), "out_lost": f.sum.Out.Lost, "out_unknown": f.sum.Out.Unknown - f.sum.Out.Bordering,
		"back": count(f.sum.Back), "back_lost": f.sum.Back.Lost, "back_unknown": f.sum.Back.Unknown - f.sum.Back.Bordering,
		"answered": f.sum.Out.Answered, "unanswered": f.sum.Out.Unanswered,
		"watched":   len(slices.DeleteFunc(slices.Clone(f.hops), func(h Hop) bool { return !h.seen() })),
		"bordering": f.bordering(),
		"dropped":   dropped(f.sum), "unmatched": unmatched(f.sum),
		"longest_delay_ns": f.longest(),
	}
}

func dropped(s match.Summary) (n uint64) {
	for _, h := range s.Hops {
		n = max(n, h.Dropped)
	}
	return n
}

func unmatched(s match.Summary) (n uint64) {
	for _, h := range s.Hops {
		n += h.Unmatched.Sum()
	}
	return n
}

// longest is the longest p99 delay to any hop, in nanoseconds.
func (f facts) longest() int64 {
	if len(f.sum.Hops) == 0 {
		return 0
	}
	h := slices.MaxFunc(f.sum.Hops, func(a, b match.HopSummary) int { return cmp.Compare(a.DelayOut.P99, b.DelayOut.P99) })
	return int64(h.DelayOut.P99)
}
