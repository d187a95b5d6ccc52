package main

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"steth/packets/craft"
	"steth/probes/follow"
)

// injectFlags are the arguments of `steth path` about probe packets.
type injectFlags struct {
	kind     string
	count    int
	interval time.Duration
	size     int
	port     uint16
	to       string
}

func injectWords() string {
	var words []string
	for _, k := range craft.Kinds() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

func (i *injectFlags) register(s *pflag.FlagSet) {
	s.StringVar(&i.kind, "inject", "", "send probe packets as if the port had sent them, and follow just those: "+injectWords()+"; needs the role injector")
	s.IntVar(&i.count, "count", 5, "with --inject: so many packets, 1 to 1000")
	s.DurationVar(&i.interval, "interval", 200*time.Millisecond, "with --inject: time between two packets, 10ms to 1s")
	s.IntVar(&i.size, "size", 0, "with --inject icmp or udp: bytes of payload, at least 12")
	s.Uint16Var(&i.port, "inject-port", 0, "with --inject tcp or udp: the far end's port (default 80 and 33434)")
	s.StringVar(&i.to, "inject-to", "", "with --inject: the far end's address (default the path's end; outside, the gateway of the external network)")
}

func (i injectFlags) check(p pathFlags) error {
	if i.kind == "" {
		return nil
	}
	switch to, err := netip.ParseAddr(i.to); {
	case !slices.Contains(craft.Kinds(), craft.Kind(i.kind)):
		return usage("--inject %q is not one of %s", i.kind, injectWords())
	case p.follow != "" || p.filter != "":
		return usage("--inject follows what it sends: leave --follow and --filter out")
	case i.count < 1 || i.count > craft.MaxCount:
		return usage("--count %d is not within 1 to %d", i.count, craft.MaxCount)
	case i.interval < 10*time.Millisecond || i.interval > time.Second:
		return usage("--interval %v is not within 10ms to 1s", i.interval)
	case i.to != "" && (err != nil || to.Zone() != ""):
		return usage("--inject-to %q is no address", i.to)
	}
	return nil
}

// plan is what to inject, nil for nothing.
func (i injectFlags) plan() *follow.Injection {
	if i.kind == "" {
		return nil
	}
	to, _ := netip.ParseAddr(i.to) // checked
	return &follow.Injection{
		Kind: craft.Kind(i.kind), Count: i.count, Interval: i.interval, Size: i.size, Port: i.port, To: to,
	}
}
