package follow

import (
	"fmt"
	"slices"

	"steth/agent/api"
	"steth/probes"
)

// introduce says in a finding that it is about probe packets.
func (f facts) introduce(out *probes.Finding) {
	out.Fields["sent"] = f.sent.Sent
	if n := f.gone(); n > 0 && n < uint64(f.sent.Sent) && out.Code == "lost" && f.worst() != nil {
		out.Reason += fmt.Sprintf("; %d more were put in at %s and seen nowhere", n, f.entry())
	}
	out.Reason = fmt.Sprintf("%s injected as if from %s: %s", f.sent.What, f.path.From.Name, out.Reason)
}

// gone is how many packets were sent for sure and seen by no hop; known once
// nothing is watched any more.
func (f facts) gone() uint64 {
	going := func(h Hop) bool { return h.State == Asking || h.State == Opening || h.State == Watching }
	if f.sent == nil || f.sampled || slices.ContainsFunc(f.hops, going) {
		return 0
	}
	return uint64(f.sent.Sent) - min(uint64(f.sent.Sent), f.sum.Out.Rows-f.sum.Out.Duplicate)
}

// entry is where the packets came onto the path.
func (f facts) entry() string {
	if f.sent.At != "" {
		return f.sent.At + " on " + f.hops[0].Host
	}
	return f.hops[0].Name()
}

// vanished tells of packets that no hop saw: they ended between where they were
// put in and the first hop that would have.
func (f facts) vanished() probes.Finding {
	behind := 0 // hops that can't have seen them
	if f.sent.Way == api.InjectSwitch {
		behind = 1
	}
	first := slices.IndexFunc(f.hops[behind:], Hop.seen)
	gone, came := f.gone(), ""
	if count(f.sum.Out) > 0 {
		came = "; of the others " + f.came() + f.answers()
	}
	if first < 0 || first+behind == 0 {
		return probes.Finding{
			Code: "not-followed", Reason: fmt.Sprintf("%d of %d were put in at %s and seen by no hop that is known to have watched%s", gone, f.sent.Sent, f.entry(), came),
		}
	}
	first += behind
	hop := f.hops[first]
	switch back := count(f.sum.Back); {
	case back > count(f.sum.Out):
		return probes.Finding{
			Code:   "answered-on-the-way",
			Reason: fmt.Sprintf("%d sent were answered %d times before %s; %d came to it", f.sent.Sent, back, hop.Name(), count(f.sum.Out)),
		}
	case f.sum.Hops[first].Dropped > 0 || hop.State == Broken || hop.guesses != nil:
		return probes.Finding{
			Code: "not-followed", Reason: fmt.Sprintf("%d of %d were put in at %s and not seen, and %s was not watched all the time%s", gone, f.sent.Sent, f.entry(), hop.Name(), came),
		}
	}
	return probes.Finding{
		Code: "lost", Host: hop.Host, Netns: hop.Netns, Device: hop.Device,
		Reason: fmt.Sprintf("%d of %d lost between %s, where they were put in, and %s%s%s", gone, f.sent.Sent, f.entry(), hop.Name(), f.suspects(0, first), came),
		Next:   []probes.Next{{Do: f.capture(hop), Why: "the first that did not see them"}},
	}
}
