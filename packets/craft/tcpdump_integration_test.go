//go:build integration

package craft

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTcpdump has tcpdump look for what is wrong with every frame.
func TestTcpdump(t *testing.T) {
	want := map[string]string{
		"icmp IPv4": "ICMP echo request, id", "icmp IPv6": "[icmp6 sum ok] ICMP6, echo request",
		"arp IPv4": "who-has 10.20.0.12 tell 10.20.0.11", "arp IPv6": "[icmp6 sum ok] ICMP6, neighbor solicitation, length 32, who has fd00::ab:cdef",
		"tcp IPv4": "Flags [S], cksum 0x", "tcp IPv6": "Flags [S], cksum 0x",
		"udp IPv4": "[udp sum ok] UDP", "udp IPv6": "[udp sum ok] UDP", "dhcp IPv4": "[udp sum ok] BOOTP/DHCP, Request from fa:16:3e:00:00:01",
	}
	each(t, func(t *testing.T, p *Probe) {
		text := dump(t, p.Frames())
		_, name, _ := strings.Cut(t.Name(), "/")
		name, _, _ = strings.Cut(name, "#")
		if say := want[strings.ReplaceAll(name, "_", " ")]; say == "" || strings.Count(text, say) != p.Count {
			t.Errorf("not %d times %q in\n%s", p.Count, say, text)
		}
		for _, bad := range []string{"incorrect", "bad", "wrong", "invalid", "truncated", "[|"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q in\n%s", bad, text)
			}
		}
		if p.Kind == TCP && strings.Count(text, "(correct)") != p.Count {
			t.Errorf("checksums:\n%s", text)
		}
		if p.Kind == DHCP && (strings.Count(text, "Flags [Broadcast]") != p.Count || strings.Count(text, "DHCP-Message (53), length 1: Discover") != p.Count) {
			t.Errorf("no broadcast DISCOVER:\n%s", text)
		}
	})
}

// dump is what tcpdump says of frames.
func dump(t *testing.T, frames [][]byte) string {
	t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4) // pcap-savefile(5)
	b = le.AppendUint32(b, 2|4<<16)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 65535), 1)
	for _, f := range frames {
		b = append(b, make([]byte, 8)...)
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f)))
		b = append(b, f...)
	}
	path := filepath.Join(t.TempDir(), "probe.pcap")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tcpdump", "-nnevvr", path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v\n%s", err, out)
	}
	return string(out)
}
