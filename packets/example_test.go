package packets_test

import (
	"encoding/hex"
	"fmt"

	"steth/packets"
)

func ExampleDescribe() {
	data, _ := hex.DecodeString("fffffffffffffa163e0a11010806" + // broadcast, from a server, ARP
		"0001080006040001" + "fa163e0a11010a14000b" + "0000000000000a140001")
	p := packets.Packet{Length: uint32(len(data)), Data: data, TPID: 0x8100, VLAN: 100}

	row, kind := packets.Describe(nil, &p)
	fmt.Printf("%s\n%s\n", row, kind)
	for _, f := range packets.Layers(&p)[2].Fields[3:5] {
		fmt.Println(f.Name, f.Value, "at byte", f.Offset)
	}
	// Output:
	// fa:16:3e:0a:11:01 > broadcast  vlan 100 ARP who has 10.20.0.1 tell 10.20.0.11
	// ARP
	// sender MAC fa:16:3e:0a:11:01 at byte 22
	// sender address 10.20.0.11 at byte 28
}

func ExampleCompare() {
	data, _ := hex.DecodeString("fa163e9e0001fa163e0a11010800" + // Ethernet, IPv4
		"4500001c000740004011" + "2682" + "0a14000b0a140016" + "138817700008" + "c068")
	sent := packets.Packet{Length: uint32(len(data)), Data: data}
	routed := packets.Packet{Length: sent.Length, Data: append([]byte{}, data...), TPID: 0x8100, VLAN: 3}
	routed.Data[22]--                  // TTL
	copy(routed.Data[24:], "\x27\x82") // and the checksum that goes with it

	c := packets.Compare(&sent, &routed)
	for _, v := range c.Summary() {
		fmt.Println(v.Why)
	}
	// Output:
	// VLAN tag 3 was put on
	// TTL lowered by one router
}
