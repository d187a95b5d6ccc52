package path

import (
	"net/netip"
	"strings"
	"testing"

	"steth/packets/craft"
	"steth/probes/follow"
)

func TestParseInjection(t *testing.T) {
	for text, want := range map[string]follow.Injection{
		"icmp":                   {Kind: craft.ICMP},
		"ICMP 1400":              {Kind: craft.ICMP, Size: 1400},
		"icmp 1400 x 20":         {Kind: craft.ICMP, Size: 1400, Count: 20},
		"icmp x20 8.8.8.8":       {Kind: craft.ICMP, Count: 20, To: netip.MustParseAddr("8.8.8.8")},
		"tcp 443":                {Kind: craft.TCP, Port: 443},
		"udp 2001:db8::1 53 x 1": {Kind: craft.UDP, Port: 53, Count: 1, To: netip.MustParseAddr("2001:db8::1")},
		" arp ":                  {Kind: craft.ARP},
		"dhcp x 1000":            {Kind: craft.DHCP, Count: 1000},
	} {
		if got, err := parseInjection(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "none of", "sctp": "none of", "icmp x": "no count", "icmp x 0": "no count", "icmp x1001": "no count",
		"tcp http": "neither", "tcp 70000": "neither", "arp 5": "takes no number", "icmp fe80::1%eth0": "neither",
	} {
		if _, err := parseInjection(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
