package tools

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// Ring is the size of a capture's ring, which the kernel fills and the agent
// empties. The zero value stands for [DefaultRing].
type Ring struct {
	Bytes int // of memory for each capture, rounded up to whole blocks
	Block int // bytes of a block: a power of two, at least 128 KiB
}

// DefaultRing holds the bursts of 200,000 packets a second for half a second.
// Blocks much larger than a packet keep the work for a block small beside that
// for its packets; many of them keep slow traffic, which closes a block each
// blockTimeout however empty it is, from filling the ring.
func DefaultRing() Ring { return Ring{Bytes: 32 << 20, Block: 256 << 10} }

// blockTimeout is when the kernel hands over a block that isn't full, and so
// the longest that a single packet waits.
const blockTimeout = 20 * time.Millisecond

// ring is a TPACKET_V3 ring of a packet socket, see the kernel's
// Documentation/networking/packet_mmap.rst. One goroutine reads it.
type ring struct {
	file *os.File
	conn syscall.RawConn
	mem  []byte
	size Ring
	next int // block that the kernel closes next

	woken atomic.Bool
}

// openRing opens a ring on dev in the namespace of the calling thread. Packets
// come from its return on, and none that prog refuses.
func openRing(dev device, prog program, size Ring) (*ring, error) {
	def := DefaultRing()
	if size.Bytes <= 0 {
		size.Bytes = def.Bytes
	}
	if size.Block <= 0 {
		size.Block = def.Block
	}
	blocks := max(2, (size.Bytes+size.Block-1)/size.Block)
	size.Bytes = blocks * size.Block

	fd, err := openPacketSocket()
	if err != nil {
		return nil, err
	}
	r := &ring{file: os.NewFile(uintptr(fd), "packet socket on "+dev.name), size: size}
	if err := r.setUp(fd, dev, prog, blocks); err != nil {
		r.close()
		return nil, failf(ErrUnavailable, "capture on %s: %w", dev.name, err)
	}
	return r, nil
}

func (r *ring) setUp(fd int, dev device, prog program, blocks int) error {
	// The filter is there before the socket is bound, so that nothing slips by.
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
		return fmt.Errorf("attach the filter: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ask for TPACKET_V3: %w", err)
	}
	const frame = 2048 // TPACKET_V3 ignores it but for a check of sizes
	req := unix.TpacketReq3{
		Block_size:     uint32(r.size.Block),
		Block_nr:       uint32(blocks),
		Frame_size:     frame,
		Frame_nr:       uint32(r.size.Bytes / frame),
		Retire_blk_tov: uint32(blockTimeout / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("make a ring of %d MiB: %w", r.size.Bytes>>20, err)
	}
	var err error
	if r.mem, err = unix.Mmap(fd, 0, r.size.Bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map the ring: %w", err)
	}
	if !dev.hears { // like tcpdump; the kernel takes it back when the socket closes
		promisc := unix.PacketMreq{Ifindex: int32(dev.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &promisc); err != nil {
			return fmt.Errorf("ask for all packets: %w", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: dev.index}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if r.conn, err = r.file.SyscallConn(); err != nil {
		return fmt.Errorf("wait for packets: %w", err)
	}
	return nil
}

func networkOrder(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return *(*uint16)(unsafe.Pointer(&b))
}

func (r *ring) close() {
	r.file.Close()
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
}

// errWoken is what take returns after wake.
var errWoken = errors.New("woken")

// wake ends a wait in take, now and for good. Any goroutine may call it.
func (r *ring) wake() {
	r.woken.Store(true)
	_ = r.file.SetReadDeadline(time.Unix(1, 0)) // fails only when the ring is closed
}

// wait waits until closed is true, until the time is over when it is not 0, or
// for wake.
func (r *ring) wait(closed func() bool, atMost time.Duration) error {
	var deadline time.Time
	if atMost != 0 {
		deadline = time.Now().Add(atMost)
	}
	if err := r.file.SetReadDeadline(deadline); err != nil {
		return err
	}
	if r.woken.Load() { // wake may have come before the new deadline
		return errWoken
	}
	err := r.conn.Read(func(uintptr) bool { return closed() })
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
		if r.woken.Load() {
			err = errWoken
		}
	}
	return err
}

// take hands the packets of the next block that the kernel has closed to each,
// and gives the block back. A packet's Data is valid until each returns; when
// each returns false the rest of the block is left. When no block is closed it
// calls idle and waits for one, but not longer than blockTimeout when idle
// returns true. After wake it returns errWoken.
func (r *ring) take(each func(api.Packet) bool, idle func() (again bool)) error {
	block := r.mem[r.next*r.size.Block:][:r.size.Block]
	head := (*unix.TpacketHdrV1)(unsafe.Pointer(&block[unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr)]))
	closed := func() bool { return atomic.LoadUint32(&head.Block_status)&unix.TP_STATUS_USER != 0 }
	if !closed() {
		atMost := time.Duration(0)
		if idle() {
			atMost = blockTimeout
		}
		if err := r.wait(closed, atMost); err != nil {
			return err
		}
		if !closed() {
			return nil
		}
	}
	at := int(head.Offset_to_first_pkt)
	for range head.Num_pkts {
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[at]))
		if !each(readPacket(block[at:], h)) {
			break
		}
		at += int(h.Next_offset)
	}
	atomic.StoreUint32(&head.Block_status, unix.TP_STATUS_KERNEL)
	if r.next++; r.next == r.size.Bytes/r.size.Block {
		r.next = 0
	}
	return nil
}

// Where the kernel puts the address of a packet: a sockaddr_ll behind the
// header, both aligned to 16 bytes; sll_pkttype is its byte 10.
const packetType = (unix.SizeofTpacket3Hdr+15)&^15 + 10

func readPacket(b []byte, h *unix.Tpacket3Hdr) api.Packet {
	p := api.Packet{
		Time:   int64(h.Sec)*int64(time.Second) + int64(h.Nsec),
		Length: h.Len,
		Type:   b[packetType],
		Data:   b[h.Mac:][:h.Snaplen],
	}
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 {
		p.VLAN = uint16(h.Hv1.Vlan_tci)
		p.TPID = unix.ETH_P_8021Q
		if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			p.TPID = h.Hv1.Vlan_tpid
		}
	}
	return p
}

// ringStats are the kernel's counters since they were last read.
type ringStats struct{ passed, dropped, freezes uint64 }

func (r *ring) stats() (s ringStats, err error) {
	ctlErr := r.conn.Control(func(fd uintptr) {
		var st *unix.TpacketStatsV3
		if st, err = unix.GetsockoptTpacketStatsV3(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			s = ringStats{uint64(st.Packets), uint64(st.Drops), uint64(st.Freeze_q_cnt)}
		}
	})
	return s, errors.Join(ctlErr, err)
}

// gone tells whether the device has disappeared: the kernel then unbinds the
// socket. A device that is only down stays.
func (r *ring) gone() (gone bool) {
	_ = r.conn.Control(func(fd uintptr) {
		sa, err := unix.Getsockname(int(fd))
		ll, ok := sa.(*unix.SockaddrLinklayer)
		gone = err == nil && ok && ll.Ifindex <= 0
	})
	return gone
}
