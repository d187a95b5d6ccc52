//go:build integration

package packets

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var dumpTime = regexp.MustCompile(`(?m)^([0-9]+)\.[0-9]{6} `)

// tcpdump returns what it says about each packet, by the packet's time, which
// must be a number of seconds.
func tcpdump(t *testing.T, packets []Packet, args ...string) map[int]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frames.pcapng")
	if err := os.WriteFile(path, file(t, []Interface{{Host: "cmp1", Device: "tap1"}}, packets...), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(run(t, "tcpdump", append([]string{"-n", "-S", "-tt", "-K", "-r", path}, args...)...), "\n")
	lines := map[int]string{}
	starts := dumpTime.FindAllStringSubmatchIndex(text, -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		n, _ := strconv.Atoi(text[at[2]:at[3]])
		lines[n] = strings.TrimRight(text[at[1]:end], "\n")
	}
	return lines
}

// onlyOurs are facts that tcpdump tells with -v only, or not at all.
var onlyOurs = []string{
	"len",                                       // of IGMP, DHCPv6
	"quoted",                                    // the packet that an error is about
	"link", "flag", "mtu", "lifetime", "prefix", // discovery's options
	"record", "sources", "auth", "addresses",
	"chassis", "port", "ttl", "management", "untagged",
	"dhcp", "xid", "has", "wants", "gets", "server", "relay", "lease", "says", "client", "address", "status",
	"fragment", "piece", "asked", "name", "more", "inner",
}

// unseen are the protocols of which tcpdump reads only the beginning without -v:
// it doesn't notice what is missing from the rest.
var unseen = []string{"DHCP", "DHCPv6", "MLD", "IGMP"}

// apart are the packets of which our rows say something else on purpose.
var apart = map[string]string{
	"IP total length 0":          "segmentation was left to the device; tcpdump 4.99.3 doesn't know that yet",
	"fragments first of VXLAN":   "the rest is in the next fragment, not missing",
	"fragments first of GRE":     "the same",
	"VXLAN answer from the port": "the destination's port makes it VXLAN (RFC 7348, 5), not the source's",
}

func TestRowsSayWhatTcpdumpSays(t *testing.T) {
	all := variants(t)
	var packets []Packet
	for _, v := range all {
		packets = append(packets, v.packet)
	}
	lines := tcpdump(t, packets, "-e")
	ours, theirs := ourLanguage(), plainLanguage()
	for i, v := range all {
		t.Run(v.proto+"/"+v.name, func(t *testing.T) {
			row := string(Summarise(nil, &packets[i]))
			line := lines[i]
			a, b := read(row, ours), read(line, theirs)
			only := onlyOurs
			if slices.Contains(unseen, v.proto) {
				only = append([]string{"stop"}, only...)
			}
			why, isApart := apart[v.proto+" "+v.name]
			problems := differ(a, b, only, nil)
			if len(a.rest) > 0 {
				problems = append(problems, "not understood of ours: "+strings.Join(a.rest, " "))
			}
			if len(b.rest) > 0 {
				problems = append(problems, "not understood of theirs: "+strings.Join(b.rest, " "))
			}
			if isApart {
				if len(problems) == 0 {
					t.Errorf("they agree, though %s", why)
				}
				return
			}
			if len(problems) > 0 {
				t.Errorf("%s\nours   %s\ntheirs %s", strings.Join(problems, "\n"), row, line)
			}
		})
	}
}
