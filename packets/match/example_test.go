package match_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"

	"steth/packets"
	"steth/packets/match"
)

func Example() {
	// A server's tap, the NIC of its host, and the tap of the other server.
	path := []match.Hop{
		{Passing: match.Entering, Encap: match.Encap{Tunnel: match.NoTunnel}},
		{Passing: match.Leaving, Encap: match.Encap{Tunnel: match.VXLAN, VNI: 1042}},
		{Passing: match.Leaving, Encap: match.Encap{Tunnel: match.NoTunnel}},
	}
	m, err := match.New(path, match.Options{Near: []netip.Addr{netip.MustParseAddr("10.20.0.11")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for hop := range path {
		m.Start(hop, 1)
	}

	// An ARP question leaves the server, and then its host inside VXLAN.
	arp, _ := hex.DecodeString("fffffffffffffa163e0a1101080600010800060400" + "01fa163e0a11010a14000b0000000000000a140016")
	head, _ := hex.DecodeString("fa163e000001fa163e0000020800" + "4500004e000000004011000063" + "00000063000001" + "c35012b5003a0000" + "0800000000041200")
	const second = 1_000_000_000
	m.See(0, &packets.Packet{Time: 10 * second, Length: uint32(len(arp)), Data: arp})
	tunnelled := append(head, arp...)
	m.See(1, &packets.Packet{Time: 10*second + 60_000, Length: uint32(len(tunnelled)), Data: tunnelled, Type: 4})
	m.Advance(12 * second)

	rows := make([]match.Row, 10)
	for _, r := range rows[:m.Rows(0, rows)] {
		what := packets.Summarise(nil, &packets.Packet{Length: r.Length, Data: r.Data})
		fmt.Printf("%s\n%s: %s between %d and %d, %s\n", what, r.Direction, r.Verdict, r.From, r.To, r.Answer)
		for hop, mark := range r.Marks {
			fmt.Println(hop, mark.State, mark.Delay)
		}
	}
	// Output:
	// fa:16:3e:0a:11:01 > broadcast  ARP who has 10.20.0.22 tell 10.20.0.11
	// out: lost between 1 and 2, unanswered
	// 0 first 0s
	// 1 seen 60µs
	// 2 missed 0s
}
