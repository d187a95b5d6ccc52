package packets

import "strconv"

// Proto is what a packet is, for its colour.
type Proto uint8

// The kinds of packets that rows tell apart.
const (
	Other Proto = iota
	ARP
	ICMPRequest // an echo request, of either IP version
	ICMPReply   // an echo reply
	ICMPError   // unreachable, too big, time exceeded, redirect
	ND          // neighbour and router discovery of IPv6
	TCP
	TCPReset
	UDP
	DHCP // of either IP version
	DNS
	VXLAN // and the other tunnels: only where what they carry can't be read
	Geneve
	GRE
	VRRP
	LLDP
	STP
	IGMP // and MLD
	Malformed
)

var protoNames = [...]string{
	"other", "ARP", "ICMP request", "ICMP reply", "ICMP error", "ND", "TCP", "TCP reset", "UDP", "DHCP",
	"DNS", "VXLAN", "Geneve", "GRE", "VRRP", "LLDP", "STP", "IGMP", "malformed",
}

// String is the name that a person would use.
func (p Proto) String() string {
	if int(p) < len(protoNames) {
		return protoNames[p]
	}
	return "Proto(" + strconv.Itoa(int(p)) + ")"
}
