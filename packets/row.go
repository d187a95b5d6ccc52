package packets

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// row is one row in the making. Its methods each take a header apart and
// append what it says; they are given the bytes that were captured from there
// on, and the number of bytes that were on the wire from there on.
//
// What a packet says is hostile: lengths are checked before they are used,
// chains of headers are bounded, and only printable ASCII is appended.
type row struct {
	buf   []byte
	start int // where the row begins in buf
	proto Proto
	depth int // tunnels that were entered
	tags  [maxTags]uint16
	tagsN int
	// partial says that the capture didn't keep all of the packet: what is
	// missing is nobody's fault.
	partial bool
	// open says that the packet goes on in other fragments: its headers may
	// tell of more bytes than there are.
	open bool
}

const (
	maxTags   = 4    // VLAN tags of one frame
	maxDepth  = 4    // a tunnel in a tunnel in a tunnel
	maxChain  = 8    // IPv6 extension headers
	maxName   = 64   // bytes of a row that a name may fill
	maxJumps  = 16   // compression pointers in one DNS name
	maxAnswer = 3    // DNS answers shown
	maxList   = 1024 // bytes of a row that lists in a packet may fill
)

var be = binary.BigEndian

func (r *row) text(s string)  { r.buf = append(r.buf, s...) }
func (r *row) uint(n uint64)  { r.buf = strconv.AppendUint(r.buf, n, 10) }
func (r *row) int(n int)      { r.buf = strconv.AppendInt(r.buf, int64(n), 10) }
func (r *row) len(n int)      { r.text(" len "); r.int(max(n, 0)) }
func (r *row) byte(c byte)    { r.buf = append(r.buf, c) }
func (r *row) hex(n uint64)   { r.text("0x"); r.buf = strconv.AppendUint(r.buf, n, 16) }
func (r *row) ip6(b []byte)   { r.buf = netip.AddrFrom16([16]byte(b)).AppendTo(r.buf) }
func (r *row) port(n uint16)  { r.byte('.'); r.uint(uint64(n)) }
func (r *row) bad(why string) { r.text(why); r.proto = Malformed }

// full says, with three dots, that a list must end here.
func (r *row) full() bool {
	if len(r.buf)-r.start < maxList {
		return false
	}
	r.text("...")
	return true
}

// cut appends that there are too few bytes to say more: as far as the capture
// kept them, or as they were sent.
func (r *row) cut(at string) {
	r.text(at)
	if r.partial || r.open {
		r.text(" [cut]")
	} else {
		r.text(" [short]")
	}
}

func (r *row) ip4(b []byte) {
	for i, octet := range b[:4] {
		if i > 0 {
			r.byte('.')
		}
		if octet >= 100 {
			r.byte('0' + octet/100)
		}
		if octet >= 10 {
			r.byte('0' + octet/10%10)
		}
		r.byte('0' + octet%10)
	}
}

// ip appends an address of either family.
func (r *row) ip(b []byte) {
	if len(b) == 4 {
		r.ip4(b)
	} else {
		r.ip6(b)
	}
}

func (r *row) mac(b []byte) {
	const digits = "0123456789abcdef"
	if [6]byte(b) == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} {
		r.text("broadcast")
		return
	}
	for i, octet := range b[:6] {
		if i > 0 {
			r.byte(':')
		}
		r.byte(digits[octet>>4])
		r.byte(digits[octet&15])
	}
}

// name appends bytes of a stranger: what isn't printable ASCII becomes \DDD,
// as names are written in zone files (RFC 1035, 5.1).
func (r *row) name(b []byte) {
	start := len(r.buf)
	for _, c := range b {
		if len(r.buf)-start >= maxName {
			r.text("...")
			return
		}
		r.char(c)
	}
}

func (r *row) char(c byte) {
	if c > 0x20 && c < 0x7f && c != '\\' {
		r.byte(c)
		return
	}
	r.byte('\\')
	r.byte('0' + c/100)
	r.byte('0' + c/10%10)
	r.byte('0' + c%10)
}

// between closes the part of a row that says who sent to whom: two blanks, and
// the VLAN tags of the frame.
func (r *row) between() {
	r.text("  ")
	if r.tagsN > 0 {
		r.vlans()
	}
}

func (r *row) vlans() {
	for _, tag := range r.tags[:r.tagsN] {
		r.text("vlan ")
		r.uint(uint64(tag & 0xfff))
		r.byte(' ')
		if priority := tag >> 13; priority != 0 {
			r.text("p ")
			r.uint(uint64(priority))
			r.byte(' ')
		}
		if tag&0x1000 != 0 { // may be dropped (IEEE 802.1Q, 9.6)
			r.text("DEI ")
		}
	}
	r.tagsN = 0
}

// nobody stands for who sent to whom where that can't be read.
func (r *row) nobody() {
	if r.depth == 0 {
		r.between()
	} else { // the blanks stand there already
		r.vlans()
	}
}
