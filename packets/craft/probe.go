// Package craft builds the packets that a path is probed with, and knows them
// and their answers again.
//
// A [Probe] is a number of packets that differ in their sequence number alone:
// what a server would send, by its own addresses, so that no anti-spoofing rule
// of the cloud is offended. Each carries a random token where there is room for
// one (the payload of an echo and of a datagram, the padding of an ARP frame);
// elsewhere random numbers that the answer repeats serve as one (TCP's sequence
// number, DHCP's transaction id).
//
// Frames are written by hand: a handful of fixed layouts is less than a library,
// and every byte of what is put on somebody's network stands here.
package craft

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Kind is what kind of packet a probe is made of.
type Kind string

// The kinds.
const (
	ICMP Kind = "icmp" // echo request, ICMPv6 where the addresses are IPv6
	ARP  Kind = "arp"  // who has the far address; neighbour solicitation for IPv6
	TCP  Kind = "tcp"  // SYN
	UDP  Kind = "udp"
	DHCP Kind = "dhcp" // DISCOVER
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{ICMP, ARP, TCP, UDP, DHCP} }

// Limits of a probe.
const (
	// MaxCount is how many packets a probe may have.
	MaxCount = 1000
	// MaxSize is how many bytes of payload a packet may have: a jumbo frame's.
	MaxSize = 8972
)

// Flow is between whom packets go, as the one that sends them sees it.
type Flow struct {
	MAC   net.HardwareAddr `json:"mac"`            // the sender's
	To    net.HardwareAddr `json:"to,omitempty"`   // the next hop's: the far end itself, or a gateway; not needed for ARP and DHCP
	Near  netip.Addr       `json:"near,omitzero"`  // the sender's; DHCP does not need it
	Far   netip.Addr       `json:"far,omitzero"`   // DHCP does not need it
	Port  uint16           `json:"port,omitempty"` // TCP and UDP: the far end's
	Size  int              `json:"size,omitempty"` // ICMP and UDP: bytes of payload; the token takes 12 in any case
	Count int              `json:"count"`          // packets
}

// Probe is a number of packets to send. Make it with [New]. It can be kept as
// JSON, so that a recording's packets are known again; then it is to be checked.
type Probe struct {
	Kind Kind `json:"kind"`
	Flow

	Token  [8]byte `json:"token"`  // random
	Source uint16  `json:"source"` // TCP: the first source port; UDP: the source port
	ID     uint16  `json:"id"`     // ICMP: the identifier; IPv4: the first id
}

// Check tells whether a probe that was read can be one.
func (p *Probe) Check() error { return p.check(p.Kind) }

// tokenSize is the token and a sequence number of 4 bytes.
const tokenSize = 12

// New makes a probe with a random token.
func New(kind Kind, f Flow) (*Probe, error) {
	if err := f.check(kind); err != nil {
		return nil, err
	}
	p := &Probe{Kind: kind, Flow: f}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	copy(p.Token[:], b[:8])
	// IANA's dynamic ports begin at 49152; all of a probe's fit behind it.
	p.Source = 49152 + binary.BigEndian.Uint16(b[8:])%(65535-49152-MaxCount)
	p.ID = binary.BigEndian.Uint16(b[10:]) | 1<<15
	return p, nil
}

func (f Flow) check(kind Kind) error {
	if err := f.fits(kind); err != nil {
		return fmt.Errorf("a probe packet of kind %s: %w", kind, err)
	}
	return nil
}

func (f Flow) fits(kind Kind) error {
	switch {
	case !slices.Contains(Kinds(), kind):
		return errors.New("not a kind that is known")
	case f.Count < 1 || f.Count > MaxCount:
		return fmt.Errorf("%d packets are not within 1 to %d", f.Count, MaxCount)
	case f.Size < 0 || f.Size > MaxSize:
		return fmt.Errorf("%d bytes of payload are not within 0 to %d", f.Size, MaxSize)
	case len(f.MAC) != 6:
		return errors.New("the sender's MAC is not known")
	case kind == DHCP:
		return nil
	case !f.Near.IsValid() || !f.Far.IsValid():
		return errors.New("both ends' addresses are needed")
	case f.Near.Is4() != f.Far.Is4():
		return fmt.Errorf("%v and %v are not of one family", f.Near, f.Far)
	case kind == ARP:
		return nil
	case len(f.To) != 6:
		return errors.New("the MAC of the next hop is not known")
	case f.Port == 0 && (kind == TCP || kind == UDP):
		return errors.New("a port to send to is needed")
	}
	return nil
}

// Frames are the frames of the probe, from the destination MAC on.
func (p *Probe) Frames() [][]byte {
	out := make([][]byte, p.Count)
	for n := range out {
		out[n] = p.frame(n)
	}
	return out
}

// About says in a few words what the packets are.
func (p *Probe) About() string {
	six := p.Near.Is6()
	switch p.Kind {
	case ICMP:
		if six {
			return "ICMPv6 echo request"
		}
		return "ICMP echo request"
	case ARP:
		if six {
			return "neighbour solicitation"
		}
		return "ARP request"
	case TCP:
		return fmt.Sprintf("TCP SYN to port %d", p.Port)
	case UDP:
		return fmt.Sprintf("UDP to port %d", p.Port)
	}
	return "DHCP DISCOVER"
}

// Ports are the first and the last port that the probe's TCP or UDP packets come
// from.
func (p *Probe) Ports() (first, last uint16) {
	if p.Kind == TCP {
		return p.Source, p.Source + uint16(p.Count-1)
	}
	return p.Source, p.Source
}

// mark is the token with a packet's number.
func (p *Probe) mark(n int) []byte { return be.AppendUint32(slices.Clone(p.Token[:]), uint32(n)) }

// number is a number that the answer to packet n repeats: TCP's sequence number,
// DHCP's transaction id.
func (p *Probe) number(n int) uint32 { return be.Uint32(p.Token[4:]) + uint32(n) }

// numbered is the packet with that number; false where none of the probe's has.
func (p *Probe) numbered(number uint32) (int, bool) {
	n := number - be.Uint32(p.Token[4:])
	return int(n), n < uint32(p.Count)
}

var be = binary.BigEndian
