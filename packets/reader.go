package packets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

const (
	maxBlock      = 16 << 20 // bytes; larger ones are not packets of a network
	maxInterfaces = 1 << 16
	chunk         = 64 << 10 // by which a block's buffer grows while it arrives
)

// errBlock is a block that contradicts itself.
var errBlock = errors.New("a block is broken")

// Reader reads a pcapng file, ours or Wireshark's: sections of either byte
// order, Ethernet interfaces with any resolution of time. Blocks that it
// doesn't know are passed over. It is for one goroutine.
type Reader struct {
	in     *bufio.Reader
	order  binary.ByteOrder
	ifs    []source
	base   int // of ifs, where the section's interfaces begin
	buffer []byte
	head   [12]byte // here, because what goes to io.ReadFull escapes
}

// source is an interface and how it tells time.
type source struct {
	Interface
	link       uint16
	resolution byte
	offset     int64 // seconds
	snap       uint32
	received   uint64
	dropped    uint64
}

// NewReader reads the head of a file.
func NewReader(r io.Reader) (*Reader, error) {
	out := &Reader{in: bufio.NewReaderSize(r, chunk)}
	head, err := out.in.Peek(4)
	if err != nil || le.Uint32(head) != blockSection {
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("this is not a pcapng file")
		}
		return nil, fmt.Errorf("read pcapng: %w", err)
	}
	return out, nil
}

// Interfaces are those that were described so far, of all sections. Those of
// our own files are all known once the first packet was read.
func (r *Reader) Interfaces() []Interface {
	out := make([]Interface, len(r.ifs))
	for i := range r.ifs {
		out[i] = r.ifs[i].Interface
	}
	return out
}

// Stats are the newest counters of an interface that were read so far.
func (r *Reader) Stats(iface int) (received, dropped uint64) {
	if iface < 0 || iface >= len(r.ifs) {
		return 0, 0
	}
	return r.ifs[iface].received, r.ifs[iface].dropped
}

// Next reads the next packet into p and returns its interface, an index of
// Interfaces. The error is io.EOF after the last one. VLAN tags stand in the
// data, as on the wire. p.Data is valid until the next call.
func (r *Reader) Next(p *Packet) (iface int, err error) {
	for {
		kind, body, err := r.block()
		if err == io.EOF {
			return 0, io.EOF
		}
		if err != nil {
			return 0, fmt.Errorf("read pcapng: %w", err)
		}
		switch kind {
		case blockSection:
			r.base = len(r.ifs)
		case blockInterface:
			err = r.describe(body)
		case blockStatistics:
			err = r.statistics(body)
		case blockPacket:
			if iface, err = r.packet(body, p); err == nil {
				return iface, nil
			}
		case blockSimple:
			if iface, err = r.simple(body, p); err == nil {
				return iface, nil
			}
		}
		if err != nil {
			return 0, fmt.Errorf("read pcapng: %w", err)
		}
	}
}

// block reads one block and returns what stands between its two lengths.
func (r *Reader) block() (kind uint32, body []byte, err error) {
	head := r.head[:]
	if _, err := io.ReadFull(r.in, head[:8]); err != nil {
		return 0, nil, err // io.EOF between blocks is the good end
	}
	rest := 0
	if le.Uint32(head) == blockSection { // the same in both byte orders
		if _, err := io.ReadFull(r.in, head[8:]); err != nil {
			return 0, nil, unexpected(err)
		}
		switch {
		case le.Uint32(head[8:]) == byteOrder:
			r.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]) == byteOrder:
			r.order = binary.BigEndian
		default:
			return 0, nil, errBlock
		}
		rest = 4
	}
	if r.order == nil {
		return 0, nil, errBlock
	}
	kind, size := r.order.Uint32(head), r.order.Uint32(head[4:])
	if size < 12+uint32(rest) || size%4 != 0 {
		return 0, nil, errBlock
	}
	if size > maxBlock {
		return 0, nil, fmt.Errorf("a block has %d bytes, more than %d", size, maxBlock)
	}
	// The length is a stranger's word: the buffer grows only as bytes arrive.
	want := int(size) - 8 - rest
	r.buffer = r.buffer[:0]
	for len(r.buffer) < want {
		n := min(want-len(r.buffer), chunk)
		r.buffer = slices.Grow(r.buffer, n)[:len(r.buffer)+n]
		if _, err := io.ReadFull(r.in, r.buffer[len(r.buffer)-n:]); err != nil {
			return 0, nil, unexpected(err)
		}
	}
	body = r.buffer[:want-4]
	if r.order.Uint32(r.buffer[want-4:]) != size {
		return 0, nil, errBlock
	}
	return kind, body, nil
}

// unexpected is an end of the file within a block.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// option takes the first option off b. It is optEnd when there are no more.
func (r *Reader) option(b []byte) (code uint16, value, rest []byte, err error) {
	if len(b) < 4 {
		return optEnd, nil, nil, nil
	}
	code, size := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
	if code == optEnd {
		return optEnd, nil, nil, nil
	}
	if b = b[4:]; len(b) < size {
		return 0, nil, nil, errBlock
	}
	return code, b[:size], b[min(size+(-size&3), len(b)):], nil
}

func (r *Reader) describe(b []byte) error {
	if len(b) < 8 || len(r.ifs) >= maxInterfaces {
		return errBlock
	}
	s := source{link: r.order.Uint16(b), snap: r.order.Uint32(b[4:]), resolution: defaultTimescale}
	s.Snap = int(min(s.snap, math.MaxInt32))
	for b = b[8:]; ; {
		code, value, rest, err := r.option(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case code == optEnd:
			if s.Device == "" {
				s.Device = s.Name
			}
			r.ifs = append(r.ifs, s)
			return nil
		case code == optComment:
			s.place(string(value))
		case code == ifName:
			s.Name = string(value)
		case code == ifFilter && len(value) > 0 && value[0] == filterIsText:
			s.Filter = string(value[1:])
		case code == ifResolution && len(value) == 1:
			s.resolution = value[0]
		case code == ifOffset && len(value) == 8:
			s.offset = int64(r.order.Uint64(value))
		}
	}
}

// place reads the comment that Writer makes. Other comments are left alone.
func (s *source) place(comment string) {
	var values [4]string
	for i, key := range [...]string{"host=", " netns=", " device=", " snap="} {
		rest, ok := strings.CutPrefix(comment, key)
		if !ok {
			return
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return
		}
		if values[i], err = strconv.Unquote(quoted); err != nil {
			return
		}
		comment = rest[len(quoted):]
	}
	s.Host, s.Netns, s.Device = values[0], values[1], values[2]
	if snap, err := strconv.ParseUint(values[3], 10, 31); err == nil {
		s.Snap = int(snap)
	}
}

func (r *Reader) statistics(b []byte) error {
	if len(b) < 12 {
		return errBlock
	}
	s, _, err := r.source(r.order.Uint32(b))
	if err != nil {
		return err
	}
	for b = b[12:]; ; {
		code, value, rest, err := r.option(b)
		if err != nil {
			return err
		}
		b = rest
		switch {
		case code == optEnd:
			return nil
		case code == isbReceived && len(value) == 8:
			s.received = r.order.Uint64(value)
		case code == isbDropped && len(value) == 8:
			s.dropped = r.order.Uint64(value)
		}
	}
}

func (r *Reader) packet(b []byte, p *Packet) (iface int, err error) {
	if len(b) < 20 {
		return 0, errBlock
	}
	s, iface, err := r.source(r.order.Uint32(b))
	if err != nil {
		return 0, err
	}
	if s.link != linkEthernet {
		return 0, fmt.Errorf("interface %d has link type %d; only Ethernet (1) can be read", iface, s.link)
	}
	size := int64(r.order.Uint32(b[12:]))
	if size > int64(len(b)-20) {
		return 0, errBlock
	}
	*p = Packet{
		Time:   s.nanoseconds(uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:]))),
		Length: r.order.Uint32(b[16:]),
		Data:   b[20 : 20+size : 20+size],
	}
	for b = b[min(20+size+(-size&3), int64(len(b))):]; ; {
		code, value, rest, err := r.option(b)
		if err != nil || code == optEnd {
			return iface, err
		}
		b = rest
		if code == epbFlags && len(value) == 4 {
			p.Type = kind(r.order.Uint32(value))
		}
	}
}

// simple reads a packet without time and interface: it is of the section's first.
func (r *Reader) simple(b []byte, p *Packet) (iface int, err error) {
	if len(b) < 4 {
		return 0, errBlock
	}
	s, iface, err := r.source(0)
	if err != nil {
		return 0, err
	}
	if s.link != linkEthernet {
		return 0, fmt.Errorf("interface %d has link type %d; only Ethernet (1) can be read", iface, s.link)
	}
	length := r.order.Uint32(b)
	size := min(int64(length), int64(len(b)-4))
	if s.snap > 0 {
		size = min(size, int64(s.snap))
	}
	*p = Packet{Length: length, Data: b[4 : 4+size : 4+size]}
	return iface, nil
}

// source finds the interface with a number of the running section.
func (r *Reader) source(n uint32) (*source, int, error) {
	if int64(n) >= int64(len(r.ifs)-r.base) {
		return nil, 0, fmt.Errorf("interface %d was not described", n)
	}
	i := r.base + int(n)
	return &r.ifs[i], i, nil
}

// nanoseconds turns a count of the interface's units into Unix time.
func (s *source) nanoseconds(t uint64) int64 {
	var n uint64
	if power := uint(s.resolution & 0x7f); s.resolution&0x80 != 0 { // 2^-power seconds
		high, low := bits.Mul64(t, 1e9)
		switch {
		case power < 64:
			n = high<<(64-power) | low>>power
		default:
			n = high >> (power - 64)
		}
	} else {
		n = t
		for ; power < 9; power++ {
			n *= 10
		}
		for ; power > 9 && n > 0; power-- {
			n /= 10
		}
	}
	return int64(n) + s.offset*1e9
}
