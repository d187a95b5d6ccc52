package openstack

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseFollow(t *testing.T) {
	near := netip.MustParseAddr("10.1.0.11")
	for text, want := range map[string]Follow{
		"":                         {What: FollowAll},
		" ICMP ":                   {What: FollowICMP},
		"dhcp":                     {What: FollowDHCP},
		"tcp 10.1.0.11:* *:443":    {What: FollowTuple, Proto: "tcp", Near: netip.AddrPortFrom(near, 0), Far: netip.AddrPortFrom(netip.Addr{}, 443)},
		"udp [fd00::1]:53 *:*":     {What: FollowTuple, Proto: "udp", Near: netip.MustParseAddrPort("[fd00::1]:53")},
		"tcp port 80":              {What: FollowText, Text: "tcp port 80"},
		"host 10.1.0.11 and icmp6": {What: FollowText, Text: "host 10.1.0.11 and icmp6"},
	} {
		got, err := ParseFollow(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		equal(t, text, got, want)
	}
	for _, text := range []string{"tcp 10.1.0.11:x *:1", "udp 10.1.0:1 *:1", "tcp *:70000 *:1", "tcp *:1 *"} {
		if got, err := ParseFollow(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// TestFilterOfText follows own words through a tunnel and through NAT.
func TestFilterOfText(t *testing.T) {
	for _, test := range []struct {
		name, from, text string
		floating         bool
		inside, outside  string // ends of the filters at qr- and qg-
		wide             bool
	}{
		{"floating IP", "a0000000", "host 10.1.0.11 and icmp", true, "and (host 10.1.0.11 and icmp)", "and (host 203.0.113.77 and icmp)", false},
		{"floating IP and ports", "a0000000", "tcp port 80", true, "and (tcp port 80)", "net 203.0.113.9/32)", true},
		{"SNAT", "b0000000", "src host 10.1.0.22 and icmp", false, "and (src host 10.1.0.22 and icmp)", "and (src host 203.0.113.9 and icmp)", true},
		{"SNAT of ports", "b0000000", "tcp src port 5000", false, "and (tcp src port 5000)", "host 203.0.113.9", true},
		{"another's address", "a0000000", "dst host 10.1.0.110", true, "and (dst host 10.1.0.110)", "and (dst host 10.1.0.110)", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := openVSwitch().with(func(s *site) { s.fip = test.floating }).snapshot().PathOut(idOf(test.from))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range p.Hops {
				f := h.Filter(Follow{What: FollowText, Text: test.text})
				switch {
				case h.Encap.Tunnel() && h.Seen == SeenPackets:
					if f.Wide == "" || strings.Contains(f.Text, test.text) {
						t.Errorf("in the tunnel: %+v", f)
					}
				case strings.HasPrefix(h.Device, "qr-"):
					if !strings.HasSuffix(f.Text, test.inside) || f.Wide != "" {
						t.Errorf("before NAT: %+v", f)
					}
				case strings.HasPrefix(h.Device, "qg-"):
					if !strings.HasSuffix(f.Text, test.outside) || (f.Wide != "") != test.wide {
						t.Errorf("behind NAT: %+v", f)
					}
				}
			}
		})
	}
}

// TestFilterBehindRouter leaves out what a router doesn't pass on.
func TestFilterBehindRouter(t *testing.T) {
	p, err := openVSwitch().snapshot().PathBetween(idOf("a0000000"), idOf("d0000000"))
	if err != nil {
		t.Fatal(err)
	}
	first, last := p.Hops[0], p.Hops[len(p.Hops)-1]
	for _, what := range []FollowWhat{FollowARP, FollowDHCP} {
		if f := first.Filter(Follow{What: what}); f.Skip != "" || f.Text == "" {
			t.Errorf("%s at the sender: %+v", what, f)
		}
		if f := last.Filter(Follow{What: what}); f.Skip == "" {
			t.Errorf("%s behind the router: %+v", what, f)
		}
	}
}
