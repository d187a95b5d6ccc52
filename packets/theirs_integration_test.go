//go:build integration

package packets

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// etherTell adds the addresses of a frame where our rows show them too: not
// before an IP header.
func etherTell(f *facts, m []string, rest string) {
	kind := m[3]
	for strings.HasPrefix(kind, "802.1Q") { // the tags, and what is behind them
		_, after, found := strings.Cut(rest, "ethertype ")
		if !found {
			break
		}
		kind, rest = after, after
	}
	if !strings.HasPrefix(kind, "IPv4") && !strings.HasPrefix(kind, "IPv6") {
		f.add("mac", macPair(m[1], m[2]))
	}
}

// theirEthernet is how tcpdump -e begins a frame.
func theirEthernet() []rule {
	return []rule{
		does(`MAC > MAC, ethertype ([^(U]+) \(0x[0-9a-f]+\), length NUM: `, etherTell),
		does(`MAC > MAC, (802.3), length NUM: LLC, `, etherTell),
		does(`MAC > MAC,  \[\|vlan\]`, func(f *facts, m []string, _ string) {
			f.add("mac", macPair(m[1], m[2]))
			f.add("stop", "yes")
		}),
		says(`vlan NUM, p 0, DEI, `, "vlan=$1 p0 DEI"),
		says(`vlan NUM, p NUM, DEI, `, "vlan=$1 p$2 DEI"),
		says(`vlan NUM, p NUM, `, "vlan=$1 p$2"),
		says(`ethertype Unknown \(HEX\),? ?`, "type=$1"),
		does(`MAC > MAC, ethertype Unknown \(HEX\), length NUM: `, func(f *facts, m []string, _ string) {
			f.add("mac", macPair(m[1], m[2]))
			f.add("type", m[3])
		}),
		says(`ethertype [^(]+ \(0x[0-9a-f]+\), `),
		does(`ADDR > ADDR: `, func(f *facts, m []string, rest string) {
			src, dst := m[1], m[2]
			if strings.HasPrefix(rest, "VXLAN") || strings.HasPrefix(rest, "Geneve") { // our rows leave out their ports
				src, dst = withoutPort(src), withoutPort(dst)
			}
			f.add("ip", sameAddress(src)+">"+sameAddress(dst))
		}),
		// The ports of what stands behind extension headers.
		does(`NUM > NUM: `, func(f *facts, m []string, rest string) {
			ips := f.kinds["ip"]
			src, dst, _ := strings.Cut(ips[len(ips)-1], ">")
			if strings.HasPrefix(rest, "VXLAN") || strings.HasPrefix(rest, "Geneve") {
				return
			}
			ips[len(ips)-1] = src + "." + m[1] + ">" + dst + "." + m[2]
		}),
		says(`(HBH|DSTOPT) (\((rtalert: HEX|padn)\) )*`),
		says(` ?\[\|[a-z0-9]+\]`, "stop=yes"),
		says(`\n`),
	}
}

// theirUnreachables are tcpdump's words by code; ADDR is who wasn't reached.
var theirUnreachables = []string{
	`net ADDR unreachable`, `host ADDR unreachable`, `ADDR protocol [0-9]+ unreachable`, `ADDR (?:udp|tcp|protocol [0-9]+) port [0-9]+ unreachable`,
	`ADDR unreachable - need to frag`, `ADDR unreachable - source route failed`, `net ADDR unreachable - unknown`,
	`host ADDR unreachable - unknown`, `ADDR unreachable - source host isolated`, `net ADDR unreachable - admin prohibited`,
	`host ADDR unreachable - admin prohibited`, `net ADDR unreachable - tos prohibited`, `host ADDR unreachable - tos prohibited`,
	`host ADDR unreachable - admin prohibited filter`, `host ADDR unreachable - host precedence violation`, `host ADDR unreachable - precedence cutoff`,
}

var theirUnreachables6 = []string{
	`unreachable route ADDR`, ` unreachable prohibited ADDR`, `beyond scope ADDR, source address ADDR`, `unreachable address ADDR`,
	`unreachable port, ADDR (?:udp|tcp) port [0-9]+`,
}

// plainLanguage is how tcpdump -n -S -e writes.
func plainLanguage() []rule {
	all := append(theirEthernet(),
		says(`(?:802.3LLC, )?dsap STP.*ctrl 0x03: STP 802.1d, Config, Flags \[Topology change\], bridge-id [0-9a-f]{4}\.MAC.*`, "bridge=$1"),
		does(`Request who-has ADDR( \(MAC\))? tell ADDR, length NUM`, func(f *facts, m []string, _ string) {
			known := strings.Replace(m[2], "ff:ff:ff:ff:ff:ff", "broadcast", 1)
			if m[1] == m[4] { // the target of an announcement has no meaning (RFC 5227, 2.3)
				known = ""
			}
			f.add("arp", "who-has "+m[1]+known+" tell "+m[4])
		}),
		says(`Reply ADDR is-at MAC, length NUM`, "arp=$1 is-at $2"),
		says(`Reverse Request who-is MAC tell MAC, length NUM`, "arp=reverse who-is $1 tell $2"),
		says(`Reverse Reply MAC at ADDR, length NUM`, "arp=reverse $1 at $2"),
		says(`Inverse Request who-is MAC tell MAC, length NUM`, "arp=inverse who-is $1 tell $2"),
		says(`Inverse Reply MAC at ADDR, length NUM`, "arp=inverse $1 at $2"),
		says(`Unknown \(NUM\) (\n\t0x.*)*`, "arp=unknown $1"),
		says(`Ethernet \(len 6\), IPv6 \(len 16\), length NUM`, "arp=other"),
		says(`\t0x[0-9a-f]{4}: .*`),

		says(`ICMP6?,? echo (request|reply), id NUM, seq NUM`, "icmp=echo $1", "id=$2", "seq=$3"),
		says(`, length NUM`, "len=$1"),
		says(`ICMP ADDR unreachable - need to frag \(mtu NUM\)`, "icmp=3/4", "mtu=$2"),
		says(`ICMP ADDR unreachable - need to frag`, "icmp=3/4", "mtu=0"),
		says(`ICMP ADDR unreachable - #NUM`, "icmp=3/$2"),
		does(`dsap SNAP.*?ethertype IPv[46] \([^)]+\), length [0-9]+: `, func(f *facts, _ []string, _ string) { f.drop("mac") }),
		says(`ICMP source quench`, "icmp=4"),
		says(`ICMP redirect ADDR to net ADDR`, "icmp=5/0", "to=$2"),
		says(`ICMP redirect ADDR to host ADDR`, "icmp=5/1", "to=$2"),
		says(`ICMP redirect-tos ADDR to net ADDR`, "icmp=5/2", "to=$2"),
		says(`ICMP redirect-tos ADDR to host ADDR`, "icmp=5/3", "to=$2"),
		says(`ICMP time exceeded in-transit`, "icmp=11/0"),
		says(`ICMP ip reassembly time exceeded`, "icmp=11/1"),
		says(`ICMP parameter problem - octet NUM`, "icmp=12/0", "byte=$1"),
		says(`ICMP parameter problem - code NUM`, "icmp=12/$1"),
		does(`ICMP router advertisement lifetime (\S+) NUM: \{ADDR NUM\}`, func(f *facts, m []string, _ string) {
			f.add("icmp", "9")
			f.add("lifetime", seconds(m[1]))
			f.add("router", m[3])
		}),
		says(`ICMP router solicitation`, "icmp=10"),
		says(`ICMP time stamp query id NUM seq NUM`, "icmp=timestamp request", "id=$1", "seq=$2"),
		says(`ICMP time stamp reply id NUM seq NUM: org \S+ recv \S+ xmit [0-9:.]+`, "icmp=timestamp reply", "id=$1", "seq=$2"),
		says(`ICMP address mask request`, "icmp=17"),
		does(`ICMP address mask is HEX`, func(f *facts, m []string, _ string) {
			f.add("icmp", "18")
			n, _ := strconv.ParseUint(m[1], 0, 32)
			f.add("mask", fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255))
		}),
		says(`ICMP type-#NUM`, "icmp=$1"),
		says(`ICMP6, destination unreachable, unknown unreach code \(NUM\)`, "icmp=1/$1"),
		says(`ICMP6, packet too big, mtu NUM`, "icmp=2", "mtu=$1"),
		says(`ICMP6, time exceeded in-transit for ADDR`, "icmp=3/0"),
		says(`ICMP6, time exceeded in-transit \(reassembly\)`, "icmp=3/1"),
		says(`ICMP6, parameter problem, erroneous - octet NUM`, "icmp=4/0", "byte=$1"),
		says(`ICMP6, parameter problem, next header - octet NUM`, "icmp=4/1", "byte=$1"),
		says(`ICMP6, parameter problem, option - octet NUM`, "icmp=4/2", "byte=$1"),
		says(`ICMP6, mtrace response`, "icmp=200"), // a name of no standard
		says(`ICMP6, neighbor solicitation, who has ADDR`, "icmp=135", "target=$1"),
		says(`ICMP6, neighbor solicitation`, "icmp=135"),
		says(`ICMP6, neighbor advertisement, tgt is ADDR`, "icmp=136", "target=$1"),
		says(`ICMP6, router solicitation`, "icmp=133"),
		says(`ICMP6, router advertisement`, "icmp=134"),
		says(`ICMP6, redirect, ADDR to ADDR`, "icmp=137", "target=$1", "to=$2"),
		says(`ICMP6, multicast listener querymax resp delay: NUM addr: ADDR`, "icmp=130", "group=$2"),
		says(`ICMP6, multicast listener reportmax resp delay: NUM addr: ADDR`, "icmp=131", "group=$2"),
		says(`ICMP6, multicast listener donemax resp delay: NUM addr: ADDR`, "icmp=132", "group=$2"),
		says(`ICMP6, multicast listener query v2 \[gaddr ADDR(, NUM source\(s\))?\]`, "icmp=130 v2", "group=$1", "sources=$3"),
		says(`ICMP6, multicast listener report v2, NUM group record\(s\)`, "icmp=143", "records=$1"),
		says(`ICMP6, echo request`),

		says(`igmp query v([123])(?: \[max resp time [^\]]+\])? \[gaddr ADDR(, NUM source\(s\))?\]`, "igmp=query v$1", "group=$2", "sources=$4"),
		says(`igmp query v([123])`, "igmp=query v$1", "group=0.0.0.0"),
		says(`igmp v([12]) report ADDR`, "igmp=report v$1", "group=$2"),
		says(`igmp leave ADDR`, "igmp=leave", "group=$1"),
		says(`igmp v3 report, NUM group record\(s\)`, "igmp=report v3", "records=$1"),
		says(`igmp v3 report \[invalid len 8\]`, "igmp=report v3", "records=0"), // it's not: RFC 3376, 4.2 allows it
		does(`igmp-NUM`, func(f *facts, m []string, _ string) { f.add("igmp", fmt.Sprintf("type 0x%s", hexOf(m[1]))) }),

		says(`VRRPv([0-9]), Advertisement, vrid NUM, prio NUM`, "vrrp=$1", "vrid=$2", "priority=$3"),
		says(`, authtype none`, "auth="),
		says(`, authtype #?(\w+)`, "auth=$1"),
		says(`, intvl (NUMc?s)`, "every=$1"),
		says(`VRRPv([0-9]), unknown type \(NUM\)`, "vrrp=$1 type $2"),

		does(`LLDP, length NUM(?:: ([^ \n]+))?`, func(f *facts, m []string, _ string) {
			f.add("lldp", "yes")
			if m[2] != "" {
				f.add("system", untilde(m[2]))
			}
		}),

		says(`Flags \[([^\]]+)\]`, "flags=$1"),
		says(`,? (seq|ack|win|urg) ([0-9:]+)`, "$1=$2"),
		says(`, options \[`),
		says(`mss NUM`, "mss=$1"), says(`wscale NUM`, "wscale=$1"), says(`sackOK`, "sackOK=yes"),
		says(`(nop|eol|TS val NUM ecr NUM|tfo  cookie [0-9a-f]+)`),
		does(`sack NUM ((?:\{[0-9:]+\})+)`, func(f *facts, m []string, _ string) {
			f.add("sack", strings.Join(strings.Fields(strings.NewReplacer("{", " ", "}", " ").Replace(m[2])), " "))
		}),
		says(`\[bad opt\]`, "stop=yes"),
		says(`[,\]]`),
		says(` ?(tcp 14 )?\[bad hdr length [^\]]+\]`, "stop=yes"),
		says(`UDP, length NUM`, "len=$1"),
		says(`UDP, bad length NUM > NUM`, "len=$1", "stop=yes"),
		says(`truncated-udplength NUM`, "short=$1", "stop=yes"),
		says(` ?ip-proto-[0-9]+( NUM)?`, "len=$2"),
		says(`AH\([^)]+\): `),
		says(`RT6 \([^)]+\) `),
		says(`no next header`),
		says(`bad-(len|hlen) NUM`, "stop=yes"),
		says(`IP5 \(invalid\)`, "stop=yes"),
		says(`truncated-ip6? - NUM bytes missing! ?`, "missing=$1"),
		says(`(sctp|OSPFv2|LACPv1|MPLS|PPPoE).*`),
		says(`frag \(NUM\|NUM\) ?`),

		says(`BOOTP/DHCP, (?:Request|Reply)(?: from MAC)?`, "client=$1"),
		does(`dhcp6 (solicit|advertise|request|confirm|renew|rebind|reply|release|decline|reconfigure|inf-req|relay-fwd|relay-reply|msgtype-NUM)`, dhcp6Tell),
		says(`dhcp6`),

		does(`NUM( inv_q| stat| notify| update[A-Z]*| op[0-9]+| resp[0-9]*| zone[A-Za-z]+)?( FormErr| ServFail| NXDomain| NotImp| Refused| YXDomain| YXRRSet| NXRRSet| NotAuth| NotZone| Resp[0-9]+| NoChange)?([*-]*)(\|?)(\$?)(?: \[[0-9]+q\],*)? (NUM/NUM/NUM)`, func(f *facts, m []string, _ string) {
			f.add("dns", "answer")
			f.add("number", m[1])
			f.add("signs", m[4]+m[6])
			tellIf(f, "op", m[2])
			tellIf(f, "rcode", m[3])
			if m[5] != "" {
				f.add("truncated", "yes")
			}
			f.add("counts", m[7])
		}),
		does(`NUM( inv_q| stat| notify| update[A-Z]*| op[0-9]+| resp[0-9]*| zone[A-Za-z]+)?(\+?%?)(?: \[b2&3=0x[0-9a-f]+\])?((?: \[[0-9]+(?:a|n|au|q)\])*)`, func(f *facts, m []string, rest string) {
			if !strings.HasPrefix(strings.TrimLeft(rest, ", "), "[|") { // else it may be an answer
				f.add("dns", "query")
			}
			f.add("number", m[1])
			f.add("signs", m[3])
			tellIf(f, "op", m[2])
		}),
		does(` ([A-Za-z0-9]+)( CHAOS| ANY)?( \(QU\))?\? (<BAD PTR>|[^\n?]*\.)`, func(f *facts, m []string, _ string) {
			if len(f.kinds["asked"]) > 0 { // only the first is in our row
				return
			}
			f.add("asked", recordOf(m[1])+m[2]+m[3])
			f.theirName("name", m[4])
		}),
		does(`((?:,? (?:\(Cache flush\) )?(?:A|AAAA) ADDR)+)`, func(f *facts, m []string, _ string) {
			for i, w := range strings.FieldsFunc(m[1], func(c rune) bool { return c == ' ' || c == ',' }) {
				if strings.ContainsAny(w, ".:") && i/2 < maxAnswer { // our rows show the first ones
					f.add("value", w)
				}
			}
		}),
		does(`,? (CNAME|NS|PTR) (\S+?\.)(?:,| |$)`, func(f *facts, m []string, _ string) { f.theirName("value", m[1]+" "+m[2]) }),
		does(`,? MX (\S+)\. NUM`, func(f *facts, m []string, _ string) { f.add("value", "MX "+m[1]+" "+m[2]) }),
		does(`,? SRV (\S+)\.:NUM NUM NUM`, func(f *facts, m []string, _ string) {
			f.add("value", "SRV "+m[1]+" "+m[2]+" "+m[3]+" "+m[4])
		}),
		does(`,? TXT "([^"]*)"`, func(f *facts, m []string, _ string) { f.add("value", "TXT "+untilde(m[1])) }),
		says(`,? SOA`, "value=SOA"),
		says(` ?\(NUM\)`, "len=$1"),

		says(`VXLAN, flags \[I\] \(0x[0-9a-f]+\), vni NUM`, "vni=$1"),
		says(`VXLAN, flags \[invalid\] \(0x[0-9a-f]+\), vni NUM`, "vni=$1", "invalid=yes"),
		says(`VXLAN \(invalid\)`, "stop=yes"),
		does(`Geneve, Flags \[([^\]]+)\], vni HEX(?:, rsvd 0x[0-9a-f]+)?, proto [^(]+\(HEX\)(, options \[NUM bytes\])?(:[ ]?geneve-proto-0x[0-9a-f]+|: | truncated-geneve - NUM bytes missing)?`, func(f *facts, m []string, _ string) {
			f.add("vni", decimal(m[2]))
			control := ""
			if strings.Contains(m[1], "O") {
				control = " control"
			}
			f.add("control", control)
			if strings.Contains(m[6], "geneve-proto") {
				f.add("type", m[3])
			}
			if strings.Contains(m[6], "truncated") {
				f.add("stop", "yes")
			}
		}),
		says(`Geneve ERROR: unknown-version NUM`, "version=$1", "stop=yes"),
		says(`Geneve \[length NUM < 8\] \(invalid\)`, "stop=yes"),
		does(`GREv0(?:, off 0x[0-9a-f]+)?(?:, key=HEX)?(?:, seq NUM)?(?:, \(rtaf=[^)]*\))*, proto [^(]+\(HEX\), length NUM: ?(gre-proto-HEX)?`, func(f *facts, m []string, _ string) {
			f.add("gre", "0")
			f.add("key", decimal(m[1]))
			f.add("greseq", m[2])
			if m[5] != "" {
				f.add("type", m[3])
			}
		}),
		says(`GREv0`, "gre=0"),
		says(`GREv1, call NUM.*`, "gre=1", "call=$1"),
		does(`ESP\(spi=HEX,seq=HEX\)`, func(f *facts, m []string, _ string) {
			f.add("spi", "0x"+hexOf(decimal(m[1])))
			f.add("espseq", decimal(m[2]))
		}),
	)
	all = append(all, table("ICMP ", theirUnreachables, "icmp=3/")...)
	return append(all, table("ICMP6, destination unreachable, ", theirUnreachables6, "icmp=1/")...)
}

func tellIf(f *facts, kind, value string) {
	if value != "" {
		value = strings.NewReplacer("inv_q", "inverse", "stat", "status").Replace(value)
		f.add(kind, strings.TrimSpace(value))
	}
}

func dhcp6Tell(f *facts, m []string, _ string) {
	name := strings.NewReplacer("inf-req", "information-request", "relay-fwd", "relay-forward", "msgtype-", "type ").Replace(m[1])
	f.add("dhcp6", name)
}

// sameAddress is an address with or without a port in Go's spelling: tcpdump
// writes ::0.2.133.0 for ::2:8500.
func sameAddress(s string) string {
	port := ""
	if withoutPort(s) != s {
		at := strings.LastIndexByte(s, '.')
		s, port = s[:at], s[at:]
	}
	if a, err := netip.ParseAddr(s); err == nil {
		s = a.String()
	}
	return s + port
}

// theirName adds a name as tcpdump writes it: with its last dot.
func (f *facts) theirName(kind, s string) {
	if strings.HasSuffix(s, "<BAD PTR>") {
		f.add("stop", "yes")
		return
	}
	if s != "." {
		s = strings.TrimSuffix(s, ".")
	}
	if len(s) > maxName { // our row shows its beginning
		s = s[:maxName] + "..."
	}
	f.add(kind, untilde(s))
}

// recordOf is our name of a record type that tcpdump doesn't name.
func recordOf(s string) string {
	switch s {
	case "Type64":
		return "SVCB"
	case "Type65":
		return "HTTPS"
	}
	return strings.Replace(s, "Type", "TYPE", 1)
}

// seconds reads minutes and seconds, or hours too.
func seconds(s string) string {
	total := 0
	for part := range strings.SplitSeq(s, ":") {
		n, _ := strconv.Atoi(part)
		total = total*60 + n
	}
	return strconv.Itoa(total)
}

func hexOf(s string) string {
	n, _ := strconv.ParseUint(s, 10, 64)
	return strconv.FormatUint(n, 16)
}
