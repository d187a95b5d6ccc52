package tools

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"steth/agent/api"
)

// ping runs the ping program of iputils and streams what it prints.
func ping() Tool {
	return Define(api.ToolPing, readyWith("ping", "iputils-ping", capNetRaw(), capSysAdmin()), runPing)
}

func runPing(ctx context.Context, node *Node, req api.PingRequest, sink Sink) error {
	ns, err := node.openNetns(req.Netns)
	if err != nil {
		return err
	}
	defer ns.Close()

	log := newPingLog(req.Count)
	exit, err := command{
		program: "ping", debian: "iputils-ping",
		args:  pingArgs(req),
		netns: ns,
		keeps: []capability{capNetRaw()}, // it reads what strangers answer
		stop:  syscall.SIGINT,            // ping answers it with its summary
	}.run(ctx, func(l line) error {
		ev, ok := log.line(l, node.ClockOffset)
		if !ok {
			return nil
		}
		return sink.Event(ev)
	})
	if exit > 1 && log.sent == 0 { // 1 is "no answer"
		return failf(ErrUnavailable, "ping %s: %s", req.To, log.complaint(exit))
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	// Also after a cancellation: a time limit of the agent's leaves a console
	// that still listens.
	for _, ev := range log.finish(node.now()) {
		if err := sink.Event(ev); err != nil {
			return err
		}
	}
	return err
}

func pingArgs(req api.PingRequest) []string {
	args := []string{
		"-n", "-D", "-O",
		"-c", strconv.Itoa(req.Count),
		"-i", seconds(req.Interval),
		"-W", seconds(req.Timeout),
		"-s", strconv.Itoa(req.Size),
	}
	if req.TTL > 0 {
		args = append(args, "-t", strconv.Itoa(req.TTL))
	}
	if req.DF {
		args = append(args, "-M", "do")
	}
	if req.From != "" {
		args = append(args, "-I", req.From)
	}
	return append(args, "--", req.To)
}

// seconds writes d as ping reads it: seconds with a decimal point.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// The lines of iputils' ping with LC_ALL=C, from its ping_common.c, ping.c and
// ping6_common.c, versions 20161105 to 20240905.
var (
	pingStamp   = regexp.MustCompile(`^\[(\d+)\.(\d+)\] `)
	pingReply   = regexp.MustCompile(`^(\d+) bytes from (\S+): icmp_seq=(\d+)(?: ident=\d+)?(?: (?:ttl|hops)=(-?\d+))?(?: time=([\d.]+) ms)?(.*)$`)
	pingNoReply = regexp.MustCompile(`^no answer yet for icmp_seq=(\d+)$`)
	pingError   = regexp.MustCompile(`^From (\S+?):? icmp_seq=(\d+) (.+)$`)
	pingTotals  = regexp.MustCompile(`^(\d+) packets transmitted, (\d+) received`)
)

// pingLog turns ping's lines into events and keeps the statistics itself, so
// that there are some when ping had no time to print its own.
type pingLog struct {
	told     []bool // by sequence number: an event tells what became of it
	last     int    // highest sequence number so far
	sent     int    // as ping said, else the highest sequence number it spoke of
	received int
	timed    int // replies with a round-trip time
	min, max time.Duration
	sum, sq  float64 // of round-trip times, in nanoseconds and their squares
	errors   []string
}

func newPingLog(count int) *pingLog { return &pingLog{told: make([]bool, count+1)} }

// line reads one line; ok is false when it is no event.
func (p *pingLog) line(l line, offset time.Duration) (ev api.PingEvent, ok bool) {
	text := l.text
	ev.Time = time.Now().Add(offset).UnixNano()
	if m := pingStamp.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if at, err := strconv.ParseInt(m[1]+(m[2] + "000000000")[:9], 10, 64); err == nil {
			ev.Time = at + int64(offset)
		}
	}
	if m := pingReply.FindStringSubmatch(text); m != nil {
		ev.Kind = api.PingReply
		ev.Bytes, _ = strconv.Atoi(m[1])
		ev.From = pingSource(m[2])
		ev.Seq = p.sequence(m[3])
		ev.TTL, _ = strconv.Atoi(m[4])
		ev.Text = strings.TrimSpace(strings.ReplaceAll(m[6], "(DUP!)", ""))
		ev.Duplicate = strings.Contains(m[6], "(DUP!)")
		if !ev.Duplicate {
			p.received++
		}
		if ms, err := strconv.ParseFloat(m[5], 64); err == nil {
			ev.RTT = time.Duration(math.Round(ms * 1e6))
			p.time(ev.RTT)
		}
		return ev, true
	}
	if m := pingNoReply.FindStringSubmatch(text); m != nil {
		ev.Kind = api.PingNoReply
		ev.Seq = p.sequence(m[1])
		return ev, true
	}
	if m := pingError.FindStringSubmatch(text); m != nil {
		ev.Kind = api.PingError
		ev.From = pingSource(m[1])
		ev.Seq = p.sequence(m[2])
		ev.Text = m[3]
		return ev, true
	}
	if m := pingTotals.FindStringSubmatch(text); m != nil {
		p.sent, _ = strconv.Atoi(m[1])
		p.received, _ = strconv.Atoi(m[2])
		return ev, false
	}
	if l.stderr && text != "" {
		// An error of this node, for example "local error: message too long,
		// mtu=1400". It carries no sequence number.
		ev.Kind = api.PingError
		ev.Text = strings.TrimPrefix(text, "ping: ")
		p.errors = append(p.errors[:min(len(p.errors), 3)], ev.Text)
		return ev, true
	}
	return ev, false
}

// pingSource takes the brackets off "name (address)", which -n should prevent.
func pingSource(s string) string {
	s = strings.Trim(s, "()")
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return s
}

// sequence makes a number that counts on of one that ICMP carries in 16 bits.
func (p *pingLog) sequence(text string) int {
	n, _ := strconv.Atoi(text)
	seq := p.last&^0xffff | n&0xffff
	switch {
	case seq < p.last-0x8000:
		seq += 0x10000
	case seq > p.last+0x8000 && seq >= 0x10000:
		seq -= 0x10000
	}
	p.last = max(p.last, seq)
	p.sent = max(p.sent, p.last)
	if seq < len(p.told) {
		p.told[seq] = true
	}
	return seq
}

func (p *pingLog) time(rtt time.Duration) {
	if p.timed == 0 || rtt < p.min {
		p.min = rtt
	}
	p.max = max(p.max, rtt)
	p.timed++
	p.sum += float64(rtt)
	p.sq += float64(rtt) * float64(rtt)
}

// finish returns the last events: the requests that ping said nothing about,
// which is the last one when it was not answered, and the summary.
func (p *pingLog) finish(now int64) []api.PingEvent {
	var evs []api.PingEvent
	for seq := 1; seq <= p.sent && seq < len(p.told); seq++ {
		if !p.told[seq] && len(p.errors) == 0 {
			evs = append(evs, api.PingEvent{Kind: api.PingNoReply, Time: now, Seq: seq})
		}
	}
	end := api.PingEvent{Kind: api.PingSummary, Time: now, Sent: p.sent, Received: p.received}
	if p.timed > 0 {
		mean := p.sum / float64(p.timed)
		end.Min, end.Avg, end.Max = p.min, time.Duration(mean), p.max
		end.Mdev = time.Duration(math.Sqrt(max(0, p.sq/float64(p.timed)-mean*mean)))
	}
	return append(evs, end)
}

// complaint is what ping said when it could not even begin.
func (p *pingLog) complaint(exit int) string {
	if len(p.errors) > 0 {
		return p.errors[0]
	}
	return fmt.Sprintf("ended with status %d", exit)
}
