//go:build integration

package packets

import (
	"strconv"
	"strings"
)

// unreachables are our words for why a packet wasn't delivered, by code.
var unreachables = []string{
	"net unreachable", "host unreachable", "protocol unreachable", "port unreachable", "need to frag, mtu [0-9]+",
	"unreachable, source route failed", "net unknown", "host unknown", "unreachable, source host isolated",
	"net unreachable, admin prohibited", "host unreachable, admin prohibited", "net unreachable for this service",
	"host unreachable for this service", "unreachable, admin prohibited filter", "unreachable, precedence violation",
	"unreachable, precedence cutoff",
}

var unreachables6 = []string{
	"no route", "unreachable, admin prohibited", "beyond scope", "address unreachable", "port unreachable",
	"unreachable, source failed policy", "unreachable, route rejected",
}

// table is a rule for each of some words, told as the kind with its place
// among them.
func table(before string, words []string, kind string) []rule {
	var all []rule
	for i, w := range words {
		all = append(all, says(before+w, kind+strconv.Itoa(i)))
	}
	return all
}

// ourLanguage is how rows are written.
func ourLanguage() []rule {
	all := []rule{
		says(`  `),
		does(`MAC > MAC  `, func(f *facts, m []string, _ string) { f.add("mac", macPair(m[1], m[2])) }),
		says(`ADDR > ADDR  `, "ip=$1>$2"),
		says(`vlan NUM p NUM DEI `, "vlan=$1 p$2 DEI"),
		says(`vlan NUM DEI `, "vlan=$1 p0 DEI"),
		says(`vlan NUM p NUM `, "vlan=$1 p$2"),
		says(`vlan NUM `, "vlan=$1 p0"),
		says(`vlan tag`),
		says(` ?\[(cut|short|bad name|bad option)\]`, "stop=yes"),

		says(`ARP announcement of ADDR`, "arp=who-has $1 tell $1"),
		says(`ARP who has ADDR( \(MAC\))? tell ADDR`, "arp=who-has $1$2 tell $4"),
		says(`ARP ADDR is at MAC`, "arp=$1 is-at $2"),
		says(`RARP who is MAC tell MAC`, "arp=reverse who-is $1 tell $2"),
		says(`RARP MAC is at ADDR`, "arp=reverse $1 at $2"),
		says(`ARP inverse who is MAC tell MAC`, "arp=inverse who-is $1 tell $2"),
		says(`ARP inverse MAC is at ADDR`, "arp=inverse $1 at $2"),
		says(`ARP operation NUM`, "arp=unknown $1"),
		says(`ARP for other than IPv4 over Ethernet`, "arp=other"),
		says(`R?ARP`),

		says(`ICMP6? echo (request|reply) NUM len NUM id NUM`, "icmp=echo $1", "seq=$2", "len=$3", "id=$4"),
		says(`ICMP need to frag, mtu NUM`, "icmp=3/4", "mtu=$1"),
		says(`ICMP source quench`, "icmp=4"),
		says(`ICMP redirect of net to ADDR`, "icmp=5/0", "to=$1"),
		says(`ICMP redirect to ADDR`, "icmp=5/1", "to=$1"),
		says(`ICMP redirect of net for this service to ADDR`, "icmp=5/2", "to=$1"),
		says(`ICMP redirect for this service to ADDR`, "icmp=5/3", "to=$1"),
		says(`ICMP time exceeded`, "icmp=11/0"),
		says(`ICMP reassembly time exceeded`, "icmp=11/1"),
		says(`ICMP parameter problem at byte NUM`, "icmp=12/0", "byte=$1"),
		says(`ICMP parameter problem, code NUM`, "icmp=12/$1"),
		says(`ICMP router advertisement lifetime NUM(?: from ADDR)?`, "icmp=9", "lifetime=$1", "router=$2"),
		says(`ICMP router solicitation`, "icmp=10"),
		says(`ICMP timestamp (request|reply) NUM id NUM`, "icmp=timestamp $1", "seq=$2", "id=$3"),
		says(`ICMP mask request NUM id NUM`, "icmp=17"),
		says(`ICMP mask reply NUM id NUM is ADDR`, "icmp=18", "mask=$3"),
		says(`ICMP type NUM code NUM`, "icmp=$1"),
		says(`ICMP unreachable, code NUM`, "icmp=3/$1"),
		says(` for (\S+|IP protocol NUM) ADDR > ADDR`, "quoted=$3>$4"),

		says(`ICMP6 unreachable, code NUM`, "icmp=1/$1"),
		says(`ICMP6 packet too big, mtu NUM`, "icmp=2", "mtu=$1"),
		says(`ICMP6 time exceeded`, "icmp=3/0"),
		says(`ICMP6 reassembly time exceeded`, "icmp=3/1"),
		says(`ICMP6 parameter problem, header field at byte NUM`, "icmp=4/0", "byte=$1"),
		says(`ICMP6 parameter problem, next header at byte NUM`, "icmp=4/1", "byte=$1"),
		says(`ICMP6 parameter problem, option at byte NUM`, "icmp=4/2", "byte=$1"),
		says(`ICMP6 type NUM code NUM`, "icmp=$1"),
		says(`ICMP6 router solicitation(?: from MAC)?`, "icmp=133", "link=$1"),
		says(`ICMP6 router advertisement, not a default router`, "icmp=134", "lifetime=0"),
		says(`ICMP6 router advertisement lifetime NUM`, "icmp=134", "lifetime=$1"),
		says(` managed`, "flag=managed"),
		says(` other`, "flag=other stateful"),
		says(` from MAC`, "link=$1"),
		says(` mtu NUM`, "mtu=$1"),
		says(` prefix (ADDR/NUM)`, "prefix=$1"),
		says(`ICMP6 neighbour solicitation, who has (?:ADDR)?(?: tell MAC)?`, "icmp=135", "target=$1", "link=$2"),
		says(`ICMP6 neighbour advertisement, (?:ADDR)?(?: is at MAC)?`, "icmp=136", "target=$1", "link=$2"),
		says(` router`, "flag=router"),
		says(`ICMP6 redirect of ADDR to ADDR(?: at MAC)?`, "icmp=137", "target=$1", "to=$2", "link=$3"),
		says(`ICMP6 MLD v1 query for ADDR`, "icmp=130", "group=$1"),
		says(`ICMP6 MLD v2 query for ADDR`, "icmp=130 v2", "group=$1"),
		says(`ICMP6 MLD v1 report for ADDR`, "icmp=131", "group=$1"),
		says(`ICMP6 MLD done ADDR`, "icmp=132", "group=$1"),
		says(`ICMP6 MLD v2 report, NUM groups?`, "icmp=143", "records=$1"),
		says(`IGMP v([123]) query for ADDR`, "igmp=query v$1", "group=$2"),
		says(`IGMP v([12]) report for ADDR`, "igmp=report v$1", "group=$2"),
		says(`IGMP leave ADDR`, "igmp=leave", "group=$1"),
		says(`IGMP v3 report, NUM groups?`, "igmp=report v3", "records=$1"),
		says(`IGMP type HEX`, "igmp=type $1"),
		says(`,? ?(?:the first)? ADDR (include|exclude|to include|to exclude|allow|block)`, "record=$1 $2"),
		says(` of NUM sources?`, "sources=$1"),
		says(`(ICMP6?|IGMP)`),

		says(`VRRPv([0-9]+) router NUM priority NUM`, "vrrp=$1", "vrid=$2", "priority=$3"),
		does(` every (NUMc?s)(?: auth (\w+))?((?: ADDR)*)`, func(f *facts, m []string, _ string) {
			f.add("every", m[1])
			f.add("auth", m[3])
			f.add("addresses", strings.Join(strings.Fields(m[4]), ","))
		}),
		says(`VRRPv([0-9]+) type NUM`, "vrrp=$1 type $2"),
		says(`VRRP`),

		says(`LLDP`, "lldp=yes"),
		does(` (chassis|port|system) (\S+)`, func(f *facts, m []string, _ string) { f.add(m[1], unescape(m[2])) }),
		says(` ttl NUM`, "ttl=$1"),
		says(` management ADDR`, "management=$1"),
		says(` untagged NUM`, "untagged=$1"),

		says(`TCP \[(cut|short)\]`, "stop=yes"),
		says(`TCP \[(none|[A-Z.]*)e?\]`, "flags=$1"), // tcpdump 4.99.3 doesn't know the nonce, "e"
		says(` header of [0-9]+ bytes that can't be right`, "stop=yes"),
		says(` \[NUM bytes missing\]`, "missing=$1"),
		says(` (seq|ack|win|urg|mss|wscale) ([0-9:]+)`, "$1=$2"),
		says(` sackOK`, "sackOK=yes"),
		does(` sack((?: [0-9]+:[0-9]+)+)`, func(f *facts, m []string, _ string) { f.add("sack", strings.Join(strings.Fields(m[1]), " ")) }),
		says(`TCP`),
		says(`UDP length NUM of NUM`, "len=$1", "stop=yes"),
		says(`UDP length NUM is less than its header`, "short=$1", "stop=yes"),
		says(`UDP`),
		says(` len NUM`, "len=$1"),

		says(` first fragment of NUM`, "fragment=$1 0 +"),
		says(`(\S+|IP protocol NUM) fragment of NUM from NUM len NUM`, "fragment=$3 $4 +", "piece=$5"),
		says(`(\S+|IP protocol NUM) last fragment of NUM from NUM len NUM`, "fragment=$3 $4 none", "piece=$5"),

		says(`DHCP (Discover|Offer|Request|Decline|ACK|NAK|Release|Inform|type NUM)`, "dhcp=$1"),
		says(`DHCP (request|reply|operation NUM)`),
		says(`DHCP`),
		says(` xid HEX`, "xid=$1"),
		says(` client MAC`, "client=$1"),
		says(` (has|wants|gets|server|relay) ADDR`, "$1=$2"),
		says(` lease NUM`, "lease=$1"),
		does(` says (\S+)`, func(f *facts, m []string, _ string) { f.add("says", unescape(m[1])) }),
		does(`DHCP6 (type NUM|[A-Z][-a-z]+)`, func(f *facts, m []string, _ string) { f.add("dhcp6", strings.ToLower(m[1])) }),
		does(` with (type NUM|[A-Z][-a-z]+)`, func(f *facts, m []string, _ string) { f.add("inner", strings.ToLower(m[1])) }),
		says(`DHCP6`),
		says(` link ADDR peer ADDR`, "relay=$1 $2"),
		says(` address ADDR`, "address=$1"),
		says(` status (\w+)`, "status=$1"),

		does(`DNS (query|answer) NUM([+%*$-]*)( inverse| status| notify| update| opcode [0-9]+)?(?: ([A-Z][A-Z0-9]*)( CHAOS| ANY| class [0-9]+)?( \(QU\))? (\[bad name\]|\S+))?`, func(f *facts, m []string, _ string) {
			f.add("dns", m[1])
			f.add("number", m[2])
			f.add("signs", m[3])
			if m[4] != "" {
				f.add("op", m[4][1:])
			}
			if m[5] != "" {
				f.add("asked", m[5]+m[6]+m[7])
				f.name("name", m[8])
			}
		}),
		says(` and NUM more`, "more=$1"),
		says(` (FormErr|ServFail|NXDomain|NotImp|Refused|YXDomain|YXRRSet|NXRRSet|NotAuth|NotZone|rcode NUM)`, "rcode=$1"),
		says(` (NUM/NUM/NUM)`, "counts=$1"),
		does(`,? (CNAME|NS|PTR) (\[bad name\]|[^ ,]+)`, func(f *facts, m []string, _ string) { f.name("value", m[1]+" "+m[2]) }),
		does(`,? MX (\S+) NUM`, func(f *facts, m []string, _ string) { f.add("value", "MX "+unescape(m[1])+" "+m[2]) }),
		does(`,? SRV (\S+):NUM NUM NUM`, func(f *facts, m []string, _ string) {
			f.add("value", "SRV "+unescape(m[1])+" "+m[2]+" "+m[3]+" "+m[4])
		}),
		does(`,? TXT (\S+)`, func(f *facts, m []string, _ string) { f.add("value", "TXT "+unescape(m[1])) }),
		says(`,? (SOA|OPT|TYPE[0-9]+)`, "value=$1"),
		says(`,? ADDR`, "value=$1"),
		says(` truncated`, "truncated=yes"),
		says(`DNS`),

		says(`VXLAN NUM invalid flags HEX  `, "vni=$1", "invalid=yes"),
		says(`VXLAN NUM  `, "vni=$1"),
		says(`Geneve NUM( control)?`, "vni=$1", "control=$2"),
		says(`Geneve version NUM`, "version=$1", "stop=yes"),
		says(` options`),
		says(`(VXLAN|Geneve)`),
		says(`GRE version NUM call NUM`, "gre=$1", "call=$2"),
		says(`GRE( key NUM)?( seq NUM)?`, "gre=0", "key=$2", "greseq=$4"),
		says(` ethertype HEX`, "type=$1"),
		says(`ethertype HEX`, "type=$1"),
		says(`(IPIP|IP6 in IP)`),
		says(`ESP spi HEX seq NUM`, "spi=$1", "espseq=$2"),
		says(`STP( topology change,)? root NUM\.MAC cost NUM bridge NUM\.MAC port HEX`, "bridge=$6"),
		says(`Ethernet frame of 0 bytes`, "stop=yes"),
		says(`IP6? header that can't be right`, "stop=yes"),
		says(`(IP protocol NUM|SCTP|OSPF|AH|no next header|LACP|PPPoE|MPLS label NUM)`),
		says(`LLC( dsap HEX ssap HEX)?`),
		says(`(Ethernet|IP6|IP)`),
	}
	all = append(all, table("ICMP ", unreachables, "icmp=3/")...)
	return append(all, table("ICMP6 ", unreachables6, "icmp=1/")...)
}
