package tools

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// compileTime is how long tcpdump may take to compile one filter. It needs a
// few milliseconds.
const compileTime = 3 * time.Second

// maxOwnAddresses bounds the addresses that the exclusion of the agent's own
// sessions names. A node with more has the port alone excluded.
const maxOwnAddresses = 64

// filter says which packets a capture keeps.
type filter struct {
	text string // tcpdump's words about the untagged packet
	vlan int    // only of this VLAN; 0: tagged or not
	dlt  int
	snap uint32
	// own are the addresses and the port of the agent's sessions, which are left
	// out. Without that, each record sent to a console would be captured on the
	// device that carries it and sent again. No address: nothing is left out.
	own   []netip.Addr
	port  int
	slots Slots // Node.Compiles
	known *Compiled
}

// compile makes the program that the kernel runs for f.
//
// The words are about the untagged packet, and a packet may have its VLAN tag
// inside, or the kernel may have taken it off (on receipt it always does). Words
// without "vlan" are therefore asked of the bytes as they are and of the bytes
// behind a tag. Words with "vlan" mean the packet as it was on the wire: for a
// packet without its tag the program is changed so that it reads the kernel's
// note of the tag instead, see [program.taken].
func (f filter) compile(ctx context.Context) (program, error) {
	prog, err := f.main(ctx)
	if err != nil {
		return nil, err
	}
	prog = prog.keep(f.snap)
	if len(f.own) > 0 {
		own, err := f.compileText(ctx, f.eitherWay(f.ownText()))
		if err != nil {
			return nil, err
		}
		prog = prog.butNot(own)
	}
	if err := prog.check(); err != nil {
		return nil, failf(ErrArgument, "filter %q: %w", f.text, err)
	}
	return prog, nil
}

func (f filter) main(ctx context.Context) (program, error) {
	text := strings.TrimSpace(f.text)
	switch {
	case f.dlt != dltEthernet && f.vlan != 0:
		return nil, failf(ErrArgument, "vlan %d: the device carries plain IP without VLAN tags", f.vlan)
	case f.vlan != 0:
		inside := returns(f.snap) // of a packet whose tag is taken off
		plain := fmt.Sprintf("vlan %d", f.vlan)
		if text != "" {
			text = f.eitherWay(text)
			var err error
			if inside, err = f.compileText(ctx, text); err != nil {
				return nil, err
			}
			plain += " and (" + text + ")"
		}
		prog, err := f.compileText(ctx, plain)
		if err != nil {
			return nil, err
		}
		return byTag(f.vlan, inside, prog), nil
	case text == "":
		return returns(f.snap), nil
	case f.dlt == dltEthernet && namesVLAN(text):
		prog, err := f.compileText(ctx, text)
		if err != nil {
			return nil, err
		}
		taken, err := prog.taken()
		if err != nil {
			return nil, failf(ErrArgument, "filter %q: %w", f.text, err)
		}
		return byTag(0, taken, prog), nil
	}
	return f.compileText(ctx, f.eitherWay(text))
}

var vlanWord = regexp.MustCompile(`(?i)(^|[^\w.-])vlan($|[^\w.-])`)

// namesVLAN tells whether the words ask about a tag themselves.
func namesVLAN(text string) bool { return vlanWord.MatchString(text) }

// maxTags is how many tags a packet may have inside for words about the
// untagged packet to be asked of it: two, as IEEE 802.1ad stacks them.
const maxTags = 2

// eitherWay asks words about the untagged packet of a packet with tags inside
// as well. libpcap's vlan moves every offset after it, also those of the ether
// proto that looks for the next tag, so the untagged half must come first.
func (f filter) eitherWay(text string) string {
	if f.dlt != dltEthernet || namesVLAN(text) {
		return text
	}
	either := "(" + text + ")"
	for range maxTags {
		either = fmt.Sprintf("((not ether proto 0x8100 and not ether proto 0x88a8 and (%s)) or (vlan and %s))", text, either)
	}
	return either
}

func (f filter) ownText() string {
	if len(f.own) > maxOwnAddresses {
		return fmt.Sprintf("tcp port %d", f.port)
	}
	hosts := make([]string, len(f.own))
	for i, a := range f.own {
		hosts[i] = "host " + a.String()
	}
	return fmt.Sprintf("tcp port %d and (%s)", f.port, strings.Join(hosts, " or "))
}

// compileText has tcpdump compile text when there is a slot for it, unless that
// has been done. Nobody may change the program.
func (f filter) compileText(ctx context.Context, text string) (program, error) {
	return f.known.do(ctx, text, f.dlt, func() (prog program, err error) {
		if slotErr := f.slots.do(ctx, func() { prog, err = f.tcpdump(ctx, text) }); slotErr != nil {
			return nil, slotErr
		}
		return prog, err
	})
}

// tcpdump compiles text: as nobody, in an empty network namespace where it can
// ask no name server, and with a time limit.
func (f filter) tcpdump(ctx context.Context, text string) (program, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, compileTime,
		failf(ErrTimeout, "filter %q: tcpdump took more than %v to compile it", f.text, compileTime))
	defer cancel()
	dlt := "EN10MB"
	if f.dlt == dltRaw {
		dlt = "RAW"
	}
	var out bytes.Buffer
	complaint := ""
	exit, err := command{
		program: "tcpdump", debian: "tcpdump",
		args:     []string{"-ddd", "-y", dlt, "--", text},
		confined: true, isolated: true,
		output: 1 << 20,
	}.run(ctx, func(l line) error {
		if l.stderr {
			complaint = strings.TrimPrefix(l.text, "tcpdump: ")
		} else {
			fmt.Fprintln(&out, l.text)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if exit != 0 {
		return nil, failf(ErrArgument, "filter %q does not compile: %s", f.text, complaint)
	}
	prog, err := readProgram(&out)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", f.text, err)
	}
	return prog, nil
}

// ownAddresses lists the addresses of the agent's own namespace.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this node's addresses: %w", err)
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap().WithZone(""))
		}
	}
	return out, nil
}
