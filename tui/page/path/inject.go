package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/packets/craft"
	"steth/probes/follow"
	"steth/tui/page"
)

// wanted is what to inject; sure says that the engineer was asked.
type wanted struct {
	page *Page
	text string
	sure bool
}

// inject offers the packets that can be sent as if the port had sent them.
func (p *Page) inject() tea.Cmd {
	if _, recorded := p.hold.Session.Recorded(); recorded {
		return say(feed.Info, "this was recorded: nothing can be injected", "")
	}
	if !p.Running() {
		return say(feed.Info, "the captures have ended, so nobody would see the packets", p.key("restart")+" follows again")
	}
	if p.env.Backend.Info().ReadOnly {
		return say(feed.Warn, "injected packets go out as if "+p.path.From.Name+" had sent them, and the console is read-only", ":rw [TICKET] unlocks it")
	}
	th := p.env.Theme
	to := p.target()
	option := func(text, help string) page.Option {
		return page.Option{
			Text: page.Cells{{{Style: th.Strong, Text: text}}, {{Style: th.Muted, Text: help}}},
			Msg:  wanted{page: p, text: text},
		}
	}
	options := []page.Option{option("icmp", "five echo requests to "+to)}
	if mtu := p.standing.Hops[0].MTU(); mtu > 0 {
		options = append(options, option(fmt.Sprintf("icmp %d", mtu-ipAndICMP), fmt.Sprintf("five as large as the MTU of %d allows", mtu)))
	}
	options = append(options,
		option("tcp 80", "SYN to port 80; the port can be typed: tcp 443"),
		option("udp 33434", "to a port where nobody listens, as traceroute does"),
		option("arp", "who has "+to+", where no router is between"),
		option("dhcp", "DISCOVER, on the path to the DHCP server; no lease is taken"),
	)
	return page.Say(page.Choose{
		Title: "inject as if from " + p.path.From.Name, Options: options,
		Free:  "or type: KIND [PORT or BYTES] [x COUNT] [ADDRESS], such as icmp 1400 x 20",
		Typed: func(text string) tea.Msg { return wanted{page: p, text: text} },
	})
}

// ipAndICMP is what stands before the payload of an echo in IPv4: 20 and 8 bytes.
const ipAndICMP = 28

// target is the address that packets go to where none is given.
func (p *Page) target() string {
	switch {
	case len(p.path.To.Addresses) > 0:
		return p.path.To.Addresses[0].String()
	case p.path.Beyond.IsValid():
		return p.path.Beyond.String()
	}
	return p.path.To.Name
}

// parseInjection reads KIND [PORT or BYTES] [x COUNT] [ADDRESS].
func parseInjection(text string) (follow.Injection, error) {
	words := strings.Fields(strings.ToLower(text))
	var in follow.Injection
	for _, k := range craft.Kinds() {
		if len(words) > 0 && words[0] == string(k) {
			in.Kind = k
		}
	}
	if in.Kind == "" {
		return in, fmt.Errorf("%q is none of icmp, tcp, udp, arp and dhcp", text)
	}
	for i := 1; i < len(words); i++ {
		word := words[i]
		if count, ok := strings.CutPrefix(word, "x"); ok {
			if count == "" && i+1 < len(words) {
				i++
				count = words[i]
			}
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > craft.MaxCount {
				return in, fmt.Errorf("%q is no count of 1 to %d packets", count, craft.MaxCount)
			}
			in.Count = n
			continue
		}
		if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
			in.To = a
			continue
		}
		n, err := strconv.ParseUint(word, 10, 16)
		switch {
		case err != nil:
			return in, fmt.Errorf("%q is neither a number nor an address", word)
		case in.Kind == craft.TCP || in.Kind == craft.UDP:
			in.Port = uint16(n)
		case in.Kind == craft.ICMP:
			in.Size = int(n)
		default:
			return in, fmt.Errorf("%s takes no number", in.Kind)
		}
	}
	return in, nil
}

// chosen asks once a session, and then sends.
func (p *Page) chosen(w wanted) tea.Cmd {
	in, err := parseInjection(w.text)
	if err != nil {
		return say(feed.Bad, err.Error(), "")
	}
	if p.hold == nil || !p.Running() {
		return nil
	}
	count := cmp.Or(in.Count, follow.UsualCount)
	if !p.agreed && !w.sure {
		first := p.standing.Hops[0]
		w.sure = true
		return page.Say(page.Ask{
			Question: fmt.Sprintf("Send %d packets as if %s had sent them?", count, p.path.From.Name),
			Detail:   fmt.Sprintf("%s, at %s. They carry a mark, what is changed for it on the host is undone, and the agent writes it to its audit. It is asked once.", w.text, first.Name()),
			Yes:      w,
		})
	}
	p.agreed = true
	p.rows.only = true // until esc
	p.sieve("", false, false)
	p.rows.follow()
	h, b, ctx := p.hold, p.env.Backend, p.ctx
	h.Keep()
	return func() tea.Msg {
		defer h.Release() //nolint:errcheck // what was sent was sent
		before := len(h.Session.Injected())
		if err := b.Inject(ctx, h.Session, in); err != nil {
			return page.Notice{Level: feed.Bad, Text: err.Error()}
		}
		all := h.Session.Injected()
		if len(all) <= before {
			return nil
		}
		i := all[before]
		by := i.Way
		if i.At != "" {
			by += " at " + i.At
		}
		return page.Notice{Level: feed.Good, Brief: true, Text: fmt.Sprintf("%d sent: %s, by %s; undone", i.Sent, i.What, by)}
	}
}
