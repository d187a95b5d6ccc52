package packets

import (
	"bytes"
	"strings"
	"testing"
)

func names(ls []Layer) string {
	var out []string
	for _, l := range ls {
		out = append(out, l.Name)
	}
	return strings.Join(out, " ")
}

func TestLayers(t *testing.T) {
	want := map[string]string{
		"echo request":                        "Ethernet IPv4 ICMP Payload",
		"tag taken off":                       "VLAN tag Ethernet IPv4 ICMP Payload",
		"QinQ":                                "VLAN tag Ethernet 802.1Q IPv4 ICMP Payload",
		"ARP request":                         "Ethernet ARP Payload", // the padding of the frame
		"TCP SYN":                             "Ethernet IPv4 TCP",
		"TCP data, headers only":              "Ethernet IPv4 TCP Payload Cut",
		"neighbour solicitation":              "Ethernet IPv6 ICMP6 Neighbour solicitation",
		"DNS answer":                          "Ethernet IPv4 UDP DNS",
		"DHCP offer":                          "Ethernet IPv4 UDP DHCP",
		"VXLAN":                               "Ethernet IPv4 UDP VXLAN Ethernet IPv4 ICMP Payload",
		"VXLAN with a tag inside and outside": "VLAN tag Ethernet IPv4 UDP VXLAN Ethernet 802.1Q IPv4 ICMP Payload",
		"Geneve":                              "Ethernet IPv4 UDP Geneve Ethernet IPv4 ICMP Payload",
		"GRE with a key":                      "Ethernet IPv4 GRE Ethernet ARP Payload",
		"STP":                                 "Ethernet LLC STP",
		"LLDP":                                "Ethernet LLDP LLDP information",
		"VRRP":                                "Ethernet IPv4 VRRP",
		"short frame":                         "Not decoded",
	}
	for _, s := range samples(t) {
		w, ok := want[s.name]
		if !ok {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if got := names(Layers(&s.packet)); got != w {
				t.Errorf("got  %s\nwant %s", got, w)
			}
		})
		delete(want, s.name)
	}
	for name := range want {
		t.Errorf("no sample %q", name)
	}
}

// TestFieldsStandWhereTheySay: the bytes at a field's place are its value, in
// the outer and in the inner packet of a tunnel.
func TestFieldsStandWhereTheySay(t *testing.T) {
	p := whole(tunnel(ping4(0x1234)))
	places := map[string][]byte{
		"VXLAN/VNI":            {0, 0, 101},
		"UDP/destination port": {0x12, 0xb5},
		"ICMP/sequence":        {0x12, 0x34},
		"ICMP/id":              {0, 7},
	}
	addresses := 0
	for _, l := range Layers(&p) {
		for _, f := range l.Fields {
			if f.Offset < 0 || f.Length < 0 || f.Offset+f.Length > len(p.Data) {
				t.Fatalf("%s %s stands at %d+%d of %d", l.Name, f.Name, f.Offset, f.Length, len(p.Data))
			}
			b := p.Data[f.Offset : f.Offset+f.Length]
			if want, ok := places[l.Name+"/"+f.Name]; ok {
				if !bytes.Equal(b, want) {
					t.Errorf("%s %s: % x, want % x", l.Name, f.Name, b, want)
				}
				delete(places, l.Name+"/"+f.Name)
			}
			if l.Name == "IPv4" && f.Name == "source" {
				addresses++
				if !bytes.Equal(b, ip("10.20.0.11").To4()) || f.Value != "10.20.0.11" {
					t.Errorf("source %s stands at %d: % x", f.Value, f.Offset, b)
				}
			}
		}
	}
	if len(places) > 0 || addresses != 2 {
		t.Errorf("missing %v; %d sources", places, addresses)
	}
}

func TestOldVXLANPort(t *testing.T) {
	data := tunnel(ping4(1))
	be.PutUint16(data[36:], portVXLANOld)
	p := whole(data)
	if got := names(Layers(&p)); got != "Ethernet IPv4 UDP VXLAN Ethernet IPv4 ICMP Payload" {
		t.Error(got)
	}
	if row := string(Summarise(nil, &p)); !strings.Contains(row, "VXLAN 101") {
		t.Error(row)
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		"TTL": "TTL", "VirtualRtrID": "virtual rtr ID", "AdverInt": "adver int", "ChassisID": "chassis ID",
		"IPAddress": "IP address", "X": "X", "": "",
	} {
		if got := words(in); got != want {
			t.Errorf("words(%s) is %q, want %q", in, got, want)
		}
	}
}

func checkLayers(t *testing.T, p *Packet) {
	t.Helper()
	ls := Layers(p)
	if len(ls) > maxLayers+1 {
		t.Errorf("%d layers", len(ls))
	}
	for _, l := range ls {
		for _, f := range l.Fields {
			if f.Offset < 0 || f.Length < 0 || f.Offset+f.Length > len(p.Data) || len(f.Value) > maxValue+8 {
				t.Fatalf("%s: %+v", l.Name, f)
			}
			for _, s := range []string{l.Name, f.Name, f.Value} {
				for i := range len(s) {
					if s[i] < 0x20 || s[i] >= 0x7f {
						t.Fatalf("%s: %+q", l.Name, s)
					}
				}
			}
		}
	}
}

func TestLayersOfEveryCut(t *testing.T) {
	for _, s := range samples(t) {
		for n := range len(s.packet.Data) + 1 {
			p := s.packet
			p.Data = p.Data[:n]
			checkLayers(t, &p)
		}
	}
	p := whole(deep(30))
	checkLayers(t, &p)
}

func FuzzLayers(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.packet.Data, s.packet.TPID)
	}
	f.Fuzz(func(t *testing.T, data []byte, tpid uint16) {
		checkLayers(t, &Packet{Data: data, Length: uint32(len(data)), TPID: tpid})
	})
}
