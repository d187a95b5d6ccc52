package packets

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

var le = binary.LittleEndian

// maxSnap is what stands for no limit, as with tcpdump.
const maxSnap = 262144

// bufferSize is what a Writer gathers before it writes, in bytes.
const bufferSize = 256 << 10

// Writer writes a pcapng file that Wireshark opens as it is: one section, all
// interfaces at its head, times in nanoseconds. It is for one goroutine. After
// an error every method returns that error.
type Writer struct {
	out    io.Writer
	buf    []byte
	newest []int64 // time of the newest packet of each interface
	err    error
}

// NewWriter begins a file with one interface description for each of ifs.
func NewWriter(w io.Writer, ifs []Interface) (*Writer, error) {
	out := &Writer{out: w, buf: make([]byte, 0, bufferSize), newest: make([]int64, len(ifs))}

	at := out.begin(blockSection)
	out.buf = le.AppendUint32(out.buf, byteOrder)
	out.buf = le.AppendUint16(out.buf, 1) // version 1.0
	out.buf = le.AppendUint16(out.buf, 0)
	out.buf = le.AppendUint64(out.buf, math.MaxUint64) // length of the section: not known
	out.option(shbApplication, "steth")
	out.end(at)

	// libpcap, and so tcpdump, reads only files whose interfaces all have the
	// same snap length; what each really had is in its comment.
	snap := 0
	for _, i := range ifs {
		if i.Snap == 0 || i.Snap > maxSnap {
			snap = maxSnap
		}
		snap = max(snap, min(i.Snap+tagSize, maxSnap))
	}
	for i := range ifs {
		if err := out.describe(&ifs[i], uint32(snap)); err != nil {
			return nil, fmt.Errorf("describe interface %d of a pcapng file: %w", i, err)
		}
	}
	return out, out.flushAt(bufferSize / 2)
}

func (w *Writer) describe(i *Interface, snap uint32) error {
	if i.Snap < 0 || i.Snap > math.MaxInt32 {
		return fmt.Errorf("snap length %d", i.Snap)
	}
	comment := make([]byte, 0, 128)
	for _, v := range [...]struct{ key, value string }{{"host=", i.Host}, {" netns=", i.Netns}, {" device=", i.Device}, {" snap=", strconv.Itoa(i.Snap)}} {
		comment = strconv.AppendQuote(append(comment, v.key...), v.value)
	}
	at := w.begin(blockInterface)
	w.buf = le.AppendUint16(w.buf, linkEthernet)
	w.buf = le.AppendUint16(w.buf, 0)
	w.buf = le.AppendUint32(w.buf, snap)
	options := [...]struct {
		code  uint16
		value string
	}{
		{optComment, string(comment)},
		{ifName, cmp.Or(i.Name, i.Device)},
		{ifDescription, i.describe()},
		{ifFilter, string(rune(filterIsText)) + i.Filter},
		{ifResolution, string(rune(nanoseconds))},
	}
	for _, o := range options {
		if len(o.value) > math.MaxUint16 {
			return errors.New("a name or a filter of more than 65,535 bytes")
		}
		if o.value == "" || o.code == ifFilter && i.Filter == "" {
			continue
		}
		w.option(o.code, o.value)
	}
	w.end(at)
	return nil
}

// Write adds a packet of interface iface, an index of NewWriter's ifs. The
// VLAN tag that the kernel took off is put back.
func (w *Writer) Write(iface int, p *Packet) error {
	if w.err != nil {
		return w.err
	}
	if iface < 0 || iface >= len(w.newest) {
		return fmt.Errorf("write a packet of interface %d: the file has %d", iface, len(w.newest))
	}
	w.newest[iface] = max(w.newest[iface], p.Time)

	const addresses = 12
	tag := 0
	if p.TPID != 0 && len(p.Data) >= addresses {
		tag = tagSize
	}
	size := len(p.Data) + tag
	padding := -size & 3
	const fixed = 28       // of the block, before the data
	const trailer = 12 + 4 // flags, end of options, length
	total := fixed + size + padding + trailer

	b := w.buf
	b = le.AppendUint32(b, blockPacket)
	b = le.AppendUint32(b, uint32(total))
	b = le.AppendUint32(b, uint32(iface))
	b = le.AppendUint32(b, uint32(uint64(p.Time)>>32))
	b = le.AppendUint32(b, uint32(p.Time))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(max(int64(p.Length), int64(len(p.Data)))+int64(tag)))
	if tag > 0 {
		b = append(b, p.Data[:addresses]...)
		b = binary.BigEndian.AppendUint16(b, p.TPID)
		b = binary.BigEndian.AppendUint16(b, p.VLAN)
		b = append(b, p.Data[addresses:]...)
	} else {
		b = append(b, p.Data...)
	}
	b = append(b, "\x00\x00\x00"[:padding]...)
	b = le.AppendUint16(b, epbFlags)
	b = le.AppendUint16(b, 4)
	b = le.AppendUint32(b, flags(p.Type))
	b = le.AppendUint32(b, optEnd)
	w.buf = le.AppendUint32(b, uint32(total))
	return w.flushAt(bufferSize / 2)
}

// Stats adds the counters of an interface: how many packets passed its filter,
// and how many of these were lost before they could be written.
func (w *Writer) Stats(iface int, received, dropped uint64) error {
	if w.err != nil {
		return w.err
	}
	if iface < 0 || iface >= len(w.newest) {
		return fmt.Errorf("write counters of interface %d: the file has %d", iface, len(w.newest))
	}
	at := w.begin(blockStatistics)
	w.buf = le.AppendUint32(w.buf, uint32(iface))
	w.buf = le.AppendUint32(w.buf, uint32(uint64(w.newest[iface])>>32))
	w.buf = le.AppendUint32(w.buf, uint32(w.newest[iface]))
	for _, o := range [...]struct {
		code  uint16
		value uint64
	}{{isbReceived, received}, {isbDropped, dropped}} {
		w.buf = le.AppendUint16(w.buf, o.code)
		w.buf = le.AppendUint16(w.buf, 8)
		w.buf = le.AppendUint64(w.buf, o.value)
	}
	w.end(at)
	return w.flushAt(bufferSize / 2)
}

// Flush hands everything to the underlying writer. The file is whole then; it
// needs no other end.
func (w *Writer) Flush() error { return w.flushAt(0) }

// flushAt writes the buffer out when it holds more than limit bytes.
func (w *Writer) flushAt(limit int) error {
	if w.err != nil || len(w.buf) <= limit {
		return w.err
	}
	if _, err := w.out.Write(w.buf); err != nil {
		w.err = fmt.Errorf("write pcapng: %w", err)
	}
	w.buf = w.buf[:0]
	return w.err
}

// begin starts a block; end closes it with its length, which stands at both ends.
func (w *Writer) begin(kind uint32) (at int) {
	at = len(w.buf)
	w.buf = le.AppendUint32(w.buf, kind)
	w.buf = le.AppendUint32(w.buf, 0)
	return at
}

func (w *Writer) end(at int) {
	w.buf = le.AppendUint32(w.buf, optEnd)
	size := uint32(len(w.buf) - at + 4)
	w.buf = le.AppendUint32(w.buf, size)
	le.PutUint32(w.buf[at+4:], size)
}

func (w *Writer) option(code uint16, value string) {
	w.buf = le.AppendUint16(w.buf, code)
	w.buf = le.AppendUint16(w.buf, uint16(len(value)))
	w.buf = append(w.buf, value...)
	w.buf = append(w.buf, "\x00\x00\x00"[:-len(value)&3]...)
}
