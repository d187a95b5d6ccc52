//go:build integration

package packets

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// detail is a fact that tcpdump tells with -v: wherever the phrase stands in
// what it says.
type detail struct {
	kind   string
	phrase *regexp.Regexp
	value  func(m []string) string
}

func tells(kind, phrase string) detail {
	return detail{kind, regexp.MustCompile(phrase), func(m []string) string { return strings.Join(m[1:], " ") }}
}

func (d detail) as(value func(m []string) string) detail {
	d.value = value
	return d
}

// details are what is compared of each protocol.
var details = map[string][]detail{
	"ICMP": {
		tells("quoted", `(?:unreachable|redirect|exceeded|problem|quench)[^\n]*\n\tIP \([^\n]*\n    (\S+) > (\S+):`).as(func(m []string) string { return m[1] + ">" + m[2] }),
	},
	"ND": {
		tells("link", `link-address option \([12]\), length 8 \(1\): (\S+)`),
		tells("flag", `Flags \[(?:[a-z]+, )*?(router|managed)\b`),
		tells("flag", `Flags \[[^\]]*(other stateful)`),
		tells("lifetime", `router lifetime (\d+)s`),
		tells("mtu", `mtu option [^:]*:\s+(\d+)`),
		tells("prefix", `prefix info option [^:]*: (\S+),`),
	},
	"MLD":  {record},
	"IGMP": {record},
	"VRRP": {tells("addresses", `addrs(?:\(\d+\))?: (\S+)`).as(func(m []string) string {
		all := strings.Split(m[1], ",")
		return strings.Join(all[:min(len(all), maxAnswer)], ",")
	})},
	"LLDP": {
		tells("chassis", `Chassis ID TLV [^\n]*\n\t  Subtype [^:]*: (?:AFI IPv4 \(1\): )?(\S+)`),
		tells("port", `Port ID TLV [^\n]*\n\t  Subtype [^:]*: (?:AFI IPv4 \(1\): )?(\S+)`),
		tells("ttl", `TTL (\d+)s`),
		tells("system", `System Name TLV \(5\), length \d+: (\S+)`).as(func(m []string) string { return untilde(m[1]) }),
		tells("management", `Management Address length 5, AFI IPv4 \(1\): (\S+)`),
		tells("untagged", `\(PVID\): (\d+)`),
	},
	"fragments": {
		tells("fragment", `\bid (\d+), offset (\d+), flags \[([^\]]*)\]`).as(func(m []string) string {
			more := "none"
			if strings.Contains(m[3], "+") {
				more = "+"
			}
			if m[2] == "0" && more == "none" {
				return ""
			}
			return m[1] + " " + m[2] + " " + more
		}),
		// Of IPv6 it doesn't say whether more follow.
		tells("fragment", `frag \((0x[0-9a-f]+):([1-9]\d*)\|`).as(func(m []string) string { return decimal(m[1]) + " " + m[2] }),
	},
	"DHCP": {
		tells("dhcp", `DHCP-Message \(53\), length 1: ((?:Unknown \(\d+\))|\S+)`).as(func(m []string) string {
			if n, ok := strings.CutPrefix(m[1], "Unknown ("); ok {
				return "type " + strings.TrimSuffix(n, ")")
			}
			return strings.Replace(m[1], "NACK", "NAK", 1)
		}),
		tells("xid", `xid (0x[0-9a-f]+)`),
		tells("client", `Client-Ethernet-Address (\S+)`),
		tells("has", `Client-IP (\S+)`),
		tells("gets", `Your-IP (\S+)`),
		tells("relay", `Gateway-IP (\S+)`),
		tells("wants", `Requested-IP \(50\), length 4: ([0-9.]+)`),
		tells("server", `Server-ID \(54\), length 4: (\S+)`),
		tells("lease", `Lease-Time \(51\), length 4: (\d+)`),
		tells("says", `MSG \(56\), length \d+: "(.*)"`).as(func(m []string) string { return untilde(m[1]) }),
	},
	"DHCPv6": {
		tells("xid", `xid=([0-9a-f]+)`).as(func(m []string) string { return "0x" + m[1] }),
		tells("client", `client-ID hwaddr(?:/time)? type 1 (?:time \d+ )?([0-9a-f]{2})(..)(..)(..)(..)(..)\b`).as(func(m []string) string { return strings.Join(m[1:], ":") }),
		tells("address", `IA_ADDR (\S+)`),
		tells("prefix", `IA_PD-prefix (\S+)`),
		tells("status", `status-code (\w+)`),
		tells("relay", `linkaddr=(\S+) peeraddr=(\S+)`),
		tells("inner", `relay-message \(dhcp6 (\S+)`),
	},
}

var record = tells("record", `\[gaddr (\S+) (is_in|is_ex|to_in|to_ex|allow|block), `).as(func(m []string) string {
	return m[1] + " " + strings.NewReplacer("is_in", "include", "is_ex", "exclude", "to_in", "to include", "to_ex", "to exclude").Replace(m[2])
})

// apartVerbose are the packets whose details are others on purpose.
var apartVerbose = map[string]string{
	"DHCP options go on in sname and file": "tcpdump doesn't follow option 52 (RFC 2131, 4.1)",
	"ND option of length 0":                "our row shows no other option, and needs no mark for it",
	"fragments first of IPv6":              "tcpdump doesn't say whether more follow",
	"fragments first of an IPv6 echo":      "the same",
}

// TestRowsSayTheDetails compares with tcpdump -v what it doesn't say without.
func TestRowsSayTheDetails(t *testing.T) {
	all := variants(t)
	var packets []Packet
	for _, v := range all {
		packets = append(packets, v.packet)
	}
	lines := tcpdump(t, packets, "-v")
	ours, seen := ourLanguage(), map[string]bool{}
	for i, v := range all {
		if details[v.proto] == nil {
			continue
		}
		t.Run(v.proto+"/"+v.name, func(t *testing.T) {
			row := string(Summarise(nil, &packets[i]))
			a, b := read(row, ours), facts{kinds: map[string][]string{}}
			for _, d := range details[v.proto] {
				for _, m := range d.phrase.FindAllStringSubmatch(lines[i], -1) {
					b.add(d.kind, d.value(m))
					seen[v.proto+" "+d.kind] = true
				}
			}
			if strings.Contains(lines[i], "[|") || strings.Contains(lines[i], "[bad hdr length") {
				b.add("stop", "yes")
			}
			var problems []string
			for kind, want := range b.kinds {
				if kind == "record" {
					want = want[:1] // our row has the first
				}
				if kind == "address" && len(want) > maxAnswer { // and the first three
					want = want[:maxAnswer]
				}
				got := a.kinds[kind]
				if kind == "fragment" && strings.Count(want[0], " ") == 1 && len(got) == 1 {
					got = []string{got[0][:strings.LastIndexByte(got[0], ' ')]}
				}
				if !slices.Equal(got, want) {
					problems = append(problems, kind+": ours "+strings.Join(got, ", ")+", theirs "+strings.Join(want, ", "))
				}
			}
			stopped := len(a.kinds["stop"]) > 0 && len(b.kinds["stop"]) > 0
			for _, d := range details[v.proto] {
				if !stopped && len(a.kinds[d.kind]) > 0 && len(b.kinds[d.kind]) == 0 && d.kind != "mtu" {
					problems = append(problems, "only ours has "+d.kind)
				}
			}
			if len(a.kinds["stop"]) > len(b.kinds["stop"]) {
				problems = append(problems, "only ours stopped")
			}
			if why, ok := apartVerbose[v.proto+" "+v.name]; ok != (len(problems) > 0) {
				t.Errorf("%s\nthough apart: %s\nours   %s\ntheirs %s", strings.Join(problems, "\n"), why, row, lines[i])
			}
		})
	}
	for proto, some := range details {
		for _, d := range some {
			if !seen[proto+" "+d.kind] {
				t.Errorf("tcpdump told no %s of any %s", d.kind, proto)
			}
		}
	}
}
