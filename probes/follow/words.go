package follow

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
)

// Place is a hop's device with the start of its namespace's name:
// "qrouter-77d0b1aa/qr-6a7e0000-00". It is "" where there is no device.
func (h Hop) Place() string {
	if h.Netns == "" || h.Device == "" {
		return h.Device
	}
	return h.Netns[:min(len(h.Netns), 16)] + "/" + h.Device
}

// Spot is Place, and for a hop without a device a word for where it is.
func (h Hop) Spot() string {
	switch place := h.Place(); {
	case place != "":
		return place
	case h.Locate.Address.IsValid():
		return "NIC of " + h.Locate.Address.String()
	case h.Locate.Uplink != "":
		return "NIC of " + h.Locate.Uplink
	case h.Host == "" && h.Seen == openstack.SeenBlind:
		return "network"
	}
	return "?"
}

// SeenBy says how packets are seen at the hop, in a word or two.
func (h Hop) SeenBy() string {
	switch h.State {
	case Ended, Watching:
		return "packets"
	case Broken:
		return "packets, ended"
	}
	switch {
	case h.State == Unseen && h.Seen == openstack.SeenPackets:
		return "? not watched"
	case h.Counter.Read():
		return "counters"
	}
	return "? " + string(h.Seen)
}

// Confirmed says how what was found compares with what was expected: OK, Fail
// where it is missing, Warn where it differs, Skip where nobody can say.
func (h Hop) Confirmed() (probes.Verdict, string) {
	switch {
	case h.Missing():
		return probes.Fail, h.Differs()
	case len(h.Check.Faults) > 0:
		return probes.Warn, h.Differs()
	case h.Seen == openstack.SeenCounters && h.Check.Asked:
		if h.Counter != nil {
			return probes.OK, "as expected, by OVSDB; " + h.Counter.String()
		}
		return probes.OK, "as expected, by OVSDB; " + h.Why
	case h.State == Asking || h.Why != "":
		return probes.Skip, h.Why
	case h.Check.Device == "":
		return probes.OK, "told by its packets"
	}
	return probes.OK, "as expected"
}

// Milliseconds writes a delay as the tables do: +0.31.
func Milliseconds(d time.Duration) string {
	return "+" + strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// Packet says in a row what a packet of the path is, see [packets.Summarise].
func Packet(r *match.Row) string {
	return string(packets.Summarise(nil, &packets.Packet{Length: r.Length, Data: r.Data}))
}

// Became says what became of a packet.
func Became(hops []Hop, r *match.Row) string {
	if r.Verdict == match.Lost {
		return fmt.Sprintf("lost after %d, at or before %d", hops[r.From].Index, hops[r.To].Index)
	}
	return r.Verdict.String()
}

// Remarks are what else is to be said of a packet, a word or two each.
func Remarks(r *match.Row) []string {
	var out []string
	for _, f := range []struct {
		flag match.Flags
		text string
	}{
		{match.Resent, "sent again"},
		{match.Late, "late"},
		{match.Reordered, "overtaken"},
		{match.Flooded, "flooded"},
		{match.Astray, "gone astray"},
		{match.Appeared, "came from nowhere"},
		{match.Guessed, "one of several equal packets"},
		{match.Crowded, "too many equal packets"},
		{match.Fragment, "fragment"},
		{match.Oversize, "larger than the MTU"},
		{match.Bypassed, "passed a hop unseen"},
	} {
		if r.Flags&f.flag != 0 {
			out = append(out, f.text)
		}
	}
	if r.Answer == match.Unanswered {
		out = append(out, "not answered")
	}
	return out
}

// Words says what is followed: "icmp", "tcp 10.1.0.74:* 10.1.0.148:443".
func Words(f openstack.Follow) string {
	switch f.What {
	case openstack.FollowText:
		return f.Text
	case openstack.FollowTuple:
		return strings.Join([]string{f.Proto, socket(f.Near.Addr().IsValid(), f.Near.Addr().String(), f.Near.Port()), socket(f.Far.Addr().IsValid(), f.Far.Addr().String(), f.Far.Port())}, " ")
	case "":
		return string(openstack.FollowAll)
	}
	return string(f.What)
}

func socket(known bool, address string, port uint16) string {
	if !known {
		address = "*"
	}
	if port == 0 {
		return address + ":*"
	}
	return address + ":" + strconv.Itoa(int(port))
}

// Command is how a shell asks for a path. Its parts may come from anybody: each
// argument is one word.
func Command(p openstack.Path) string {
	out := "steth path --port " + probes.Quote(p.From.Port)
	switch p.Goal {
	case openstack.GoalPort:
		out += " --to " + probes.Quote(p.To.Port)
	case openstack.GoalDHCP:
		out += " --to-dhcp"
	case openstack.GoalGateway:
		out += " --to-gateway"
	case openstack.GoalOutside:
		out += " --to-outside"
	}
	return out
}
