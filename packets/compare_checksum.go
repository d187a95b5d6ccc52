package packets

import "net/netip"

// sum adds 16-bit words as internet checksums do (RFC 1071), without folding.
func sum(b []byte) (n uint64) {
	for ; len(b) >= 2; b = b[2:] {
		n += uint64(be.Uint16(b))
	}
	if len(b) > 0 {
		n += uint64(b[0]) << 8
	}
	return n
}

// fold is a sum in 16 bits, ones' complement. It's 0xffff for the sum over data
// whose checksum is right.
func fold(n uint64) uint16 {
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}

// sealed is what a checksum says of its packet.
type sealed uint8

const (
	unchecked sealed = iota // not all of what it covers was captured
	right
	wrong
	partial // the part that its sender fills in: the rest is the NIC's
	unused  // 0 in UDP over IPv4
)

// headerChecksum judges a checksum of IPv4, which covers its header alone.
func (j *judge) headerChecksum(l *LayerPair) Verdict {
	var states [2]sealed
	for i := range states {
		states[i] = wrong
		if b := j.sides[i].Bytes(l.Layers[i]); len(b) < 20 {
			states[i] = unchecked
		} else if fold(sum(b)) == 0xffff {
			states[i] = right
		}
	}
	return verdictOn(states, "follows from the other changes")
}

func verdictOn(s [2]sealed, follows string) Verdict {
	switch {
	case s[0] == right && s[1] == right:
		return normal("%s", follows)
	case s[1] == partial || s[0] == partial:
		return normal("left to the hardware at one place")
	case s[0] == unused || s[1] == unused:
		return normal("0 means that there is none")
	case s[0] == wrong && s[1] == right:
		return normal("it was not filled in yet at the first place")
	case s[1] == wrong:
		return odd("it is wrong, and the receiver drops the packet")
	}
	return Verdict{}
}

// checksum judges one of TCP, UDP or ICMP.
func (j *judge) checksum(l *LayerPair) Verdict {
	if j.ip == nil {
		return Verdict{}
	}
	at := map[string]int{"TCP": 16, "UDP": 6, "ICMP": 2, "ICMP6": 2}[l.Name]
	var covers [2]covered
	var states [2]sealed
	for i := range covers {
		covers[i] = j.covered(i, l)
		states[i] = covers[i].check(at, l.Name == "UDP" && j.ip.Name == "IPv4")
	}
	if (states[0] == unchecked || states[1] == unchecked) && covers[0].moves(covers[1]) {
		return normal("follows from what changed, as far as it was captured")
	}
	return verdictOn(states, "follows from what changed")
}

// covered is what a checksum covers at one place: what was captured of it.
type covered struct {
	pseudo uint64 // the sum of addresses, protocol and length; 0 for ICMP over IPv4
	data   []byte
	whole  bool
}

func (j *judge) covered(side int, l *LayerPair) (c covered) {
	s, ip, own := &j.sides[side], j.ip.Layers[side], l.Layers[side]
	if ip == nil || own == nil {
		return c
	}
	head := s.Bytes(ip)
	end := 0 // of the packet, in Data
	switch {
	case j.ip.Name == "IPv4" && len(head) >= 20:
		if be.Uint16(head[6:])&0x3fff != 0 {
			return c // a fragment has but a part of it
		}
		end = ip.Offset + int(be.Uint16(head[2:]))
	case j.ip.Name == "IPv6" && len(head) >= 40:
		end = ip.Offset + 40 + int(be.Uint16(head[4:]))
	default:
		return c
	}
	from := own.Offset
	if end < from+8 { // left to the hardware, or nonsense
		return c
	}
	c.whole = end <= len(s.Data)
	c.data = s.Data[from:min(end, len(s.Data))]
	if l.Name == "ICMP" {
		return c
	}
	for _, name := range []string{"source", "destination"} {
		if a, err := netip.ParseAddr(ip.value(name)); err == nil {
			c.pseudo += sum(a.AsSlice())
		}
	}
	proto := map[string]uint64{"TCP": 6, "UDP": 17, "ICMP6": 58}[l.Name]
	c.pseudo += proto + uint64(end-from)
	return c
}

func (c covered) check(at int, optional bool) sealed {
	if len(c.data) < at+2 {
		return unchecked
	}
	have := be.Uint16(c.data[at:])
	switch {
	case optional && have == 0:
		return unused
	case c.whole && fold(c.pseudo+sum(c.data)) == 0xffff:
		return right
	case c.pseudo != 0 && have == fold(c.pseudo): // Linux, CHECKSUM_PARTIAL in skbuff.h
		return partial
	case !c.whole:
		return unchecked
	}
	return wrong
}

// moves tells whether the checksum changed just as much as the bytes that both
// places kept did (RFC 1624): then it's as right, or wrong, as it was.
func (c covered) moves(d covered) bool {
	n := min(len(c.data), len(d.data)) &^ 1
	return n >= 8 && fold(c.pseudo+sum(c.data[:n])) == fold(d.pseudo+sum(d.data[:n]))
}
