package l3

import (
	"fmt"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/probes"
)

// pingFacts is what the events of one ping say.
type pingFacts struct {
	To, From, Where string

	Sent, Received, Duplicates int
	Min, Max, Sum              time.Duration
	Error, ErrorFrom           string // the last ICMP error
	Errors                     int
}

// take adds an event. The program's own summary wins over counting, because a
// request may still be under way when the last line was printed.
func (p *pingFacts) take(e api.PingEvent) {
	switch e.Kind {
	case api.PingReply:
		if e.Duplicate {
			p.Duplicates++
			return
		}
		p.Received++
		p.Sent = max(p.Sent, e.Seq)
		p.Sum += e.RTT
		if p.Min == 0 || e.RTT < p.Min {
			p.Min = e.RTT
		}
		p.Max = max(p.Max, e.RTT)
	case api.PingNoReply:
		p.Sent = max(p.Sent, e.Seq)
	case api.PingError:
		p.Sent = max(p.Sent, e.Seq)
		p.Errors++
		p.Error, p.ErrorFrom = e.Text, e.From
	case api.PingSummary:
		p.Sent, p.Received = e.Sent, e.Received
	}
}

func (p *pingFacts) avg() time.Duration {
	if p.Received == 0 {
		return 0
	}
	return p.Sum / time.Duration(p.Received)
}

func (p *pingFacts) loss() float64 {
	if p.Sent == 0 {
		return 0
	}
	return 100 * float64(p.Sent-p.Received) / float64(p.Sent)
}

// status is the pane's one line of summary; the round-trip times stand in the
// feed's samples.
func (p *pingFacts) status() (feed.Level, string) {
	text := fmt.Sprintf("%d sent, %d back", p.Sent, p.Received)
	level := feed.Plain
	// The last request may just be under way; it is not lost before the summary says so.
	if lost := p.Sent - p.Received; lost > 0 {
		text += fmt.Sprintf(", %.3g %% lost", p.loss())
		level = feed.Bad
	}
	return level, text
}

// judgePing concludes from the facts. Loss of 5 % and more is a failure: below
// that a single lost packet of a short run would cry wolf.
func judgePing(p pingFacts) probes.Finding {
	f := probes.Finding{Fields: map[string]any{
		"sent": p.Sent, "received": p.Received, "duplicates": p.Duplicates, "loss_percent": p.loss(),
	}}
	if p.Received > 0 {
		f.Fields["rtt_min_ms"] = float64(p.Min) / 1e6
		f.Fields["rtt_avg_ms"] = float64(p.avg()) / 1e6
		f.Fields["rtt_max_ms"] = float64(p.Max) / 1e6
	}
	from := p.From
	if p.Where != "node" {
		from = p.Where + " on " + p.From
	}
	switch {
	case p.Sent == 0:
		f.Verdict, f.Code = probes.Error, probes.CodeCouldNotRun
		f.Reason = fmt.Sprintf("ping on %s ended without sending anything", p.From)
	case p.Received == 0 && p.Errors > 0:
		f.Verdict, f.Code = probes.Fail, "unreachable"
		f.Reason = fmt.Sprintf("%s can't be reached from %s: %s says %q", p.To, from, p.ErrorFrom, p.Error)
	case p.Received == 0:
		f.Verdict, f.Code = probes.Fail, "no-answer"
		f.Reason = fmt.Sprintf("%s answered none of %d requests from %s", p.To, p.Sent, from)
		f.Next = []probes.Next{{Do: "cap.device", Why: "see at the port's tap whether the requests arrive and the answers leave"}}
	case p.Received < p.Sent:
		f.Verdict, f.Code = probes.Warn, "loss"
		if p.loss() >= 5 {
			f.Verdict = probes.Fail
		}
		f.Reason = fmt.Sprintf("%d of %d requests from %s to %s were lost (%.3g %%)", p.Sent-p.Received, p.Sent, from, p.To, p.loss())
		f.Next = []probes.Next{{Do: "cap.device", Why: "compare both ends to see on which side packets are lost"}}
	case p.Duplicates > 0:
		f.Verdict, f.Code = probes.Warn, "duplicates"
		f.Reason = fmt.Sprintf("%s answered all %d requests from %s, %d of them more than once", p.To, p.Sent, from, p.Duplicates)
	default:
		f.Verdict, f.Code = probes.OK, "answered"
		f.Reason = fmt.Sprintf("%s answered all %d requests from %s, %s ms on average", p.To, p.Sent, from, ms(p.avg()))
	}
	return f
}
