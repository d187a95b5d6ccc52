package rpc

import (
	"encoding/binary"
	"time"
)

// The rest of yamux's header that a guard must know (its spec.md).
const (
	yamuxPing = 2
	yamuxSYN  = 1
)

// pingBurst is how many pings a peer may send ahead of its time; one that keeps
// to the rules sends one each timing.ping and waits for the answer.
const pingBurst = 32

// guard reads along what a peer's yamux says and ends the session at what yamux
// itself would take without any bound: it answers each ping in a new goroutine,
// which waits for as long as the peer takes nothing, so that twelve bytes cost
// kilobytes; and it keeps up to 256 streams with their windows for an Accept
// that a console never calls.
type guard struct {
	console bool // this side is the console, whose agent opens no stream
	pings   pace

	head [yamuxHeader]byte
	have int    // bytes of head
	body uint32 // bytes still to come of a data frame
}

func newGuard(console bool, t timing) guard {
	return guard{console: console, pings: pace{burst: pingBurst, every: t.ping / 4}}
}

// see reads the next bytes of the peer. It does not judge what yamux judges.
func (g *guard) see(p []byte) error {
	for len(p) > 0 {
		if g.body > 0 {
			n := min(uint64(len(p)), uint64(g.body))
			g.body -= uint32(n)
			p = p[n:]
			continue
		}
		n := copy(g.head[g.have:], p)
		p = p[n:]
		if g.have += n; g.have < yamuxHeader {
			return nil
		}
		g.have = 0
		if err := g.judge(); err != nil {
			return err
		}
	}
	return nil
}

// judge looks at one whole header.
func (g *guard) judge() error {
	kind, opens := g.head[1], binary.BigEndian.Uint16(g.head[2:])&yamuxSYN != 0
	switch {
	case g.head[0] != 0 || kind > yamuxPing: // yamux takes or refuses these without keeping anything
	case kind == yamuxPing && opens && !g.pings.take(time.Now()):
		return Errorf(ResourceExhausted, "the peer floods this side with pings")
	case kind != yamuxPing && opens && g.console:
		return Errorf(InvalidArgument, "protocol: the agent opened a stream, which only a console does")
	case kind == yamuxData:
		g.body = binary.BigEndian.Uint32(g.head[8:])
	}
	return nil
}
