// Package pktgen sends frames on a device at a given rate or as fast as one
// processor can. It is the load of tests and benchmarks; no program that is
// installed uses it.
package pktgen

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Load says what to send. Count or Time must bound it.
type Load struct {
	Netns  string // path of the namespace's file; "" for that of the process
	Device string
	Frame  []byte
	// Stamp is where in the frame a number that counts up from 0 is written, 8
	// bytes, big endian; 0 leaves all frames alike.
	Stamp int
	Rate  int // frames a second; 0: as fast as possible
	Count uint64
	Time  time.Duration
}

// batch is how many frames one call of the kernel sends.
const batch = 64

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// Send sends the load and returns how many frames the device took. It uses a
// packet(7) socket that goes past the queueing discipline.
func Send(ctx context.Context, load Load) (sent uint64, err error) {
	if load.Count == 0 && load.Time == 0 {
		return 0, fmt.Errorf("send on %s: a load needs a count or a time", load.Device)
	}
	if len(load.Frame) == 0 || load.Stamp > 0 && load.Stamp+8 > len(load.Frame) {
		return 0, fmt.Errorf("send on %s: a frame of %d bytes has no room for a number at %d", load.Device, len(load.Frame), load.Stamp)
	}
	fd, err := open(load)
	if err != nil {
		return 0, fmt.Errorf("send on %s: %w", load.Device, err)
	}
	defer unix.Close(fd)

	msgs := make([]mmsghdr, batch)
	iovs := make([]unix.Iovec, batch)
	frames := make([][]byte, batch)
	for i := range msgs {
		frames[i] = append([]byte(nil), load.Frame...)
		iovs[i].Base = &frames[i][0]
		iovs[i].SetLen(len(frames[i]))
		msgs[i].hdr.Iov = &iovs[i]
		msgs[i].hdr.Iovlen = 1
	}
	begin := time.Now()
	for ctx.Err() == nil {
		due, more := load.due(time.Since(begin), sent)
		if !more {
			break
		}
		if due == 0 {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		if load.Stamp > 0 {
			for i := range due {
				binary.BigEndian.PutUint64(frames[i][load.Stamp:], sent+i)
			}
		}
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(due), 0, 0, 0)
		switch errno {
		case 0:
			sent += uint64(n)
		case unix.ENOBUFS, unix.EAGAIN, unix.EINTR:
		default:
			return sent, fmt.Errorf("send on %s: %w", load.Device, errno)
		}
	}
	runtime.KeepAlive(frames)
	return sent, nil
}

// due says how many frames to send now, at most a batch, and whether there are
// more to send at all.
func (l Load) due(passed time.Duration, sent uint64) (due uint64, more bool) {
	if l.Time > 0 && passed >= l.Time || l.Count > 0 && sent >= l.Count {
		return 0, false
	}
	due = batch
	if l.Rate > 0 {
		if until := uint64(passed.Seconds() * float64(l.Rate)); until > sent {
			due = min(due, until-sent)
		} else {
			due = 0
		}
	}
	if l.Count > 0 {
		due = min(due, l.Count-sent)
	}
	return due, true
}

// open opens the socket in the load's namespace. A socket stays where it was
// opened, so the thread goes back at once.
func open(load Load) (fd int, err error) {
	runtime.LockOSThread()
	if load.Netns != "" {
		here, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return -1, err
		}
		defer here.Close()
		there, err := os.Open(load.Netns)
		if err != nil {
			return -1, err
		}
		defer there.Close()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			return -1, fmt.Errorf("enter %s: %w", load.Netns, err)
		}
		defer func() {
			if unix.Setns(int(here.Fd()), unix.CLONE_NEWNET) == nil {
				runtime.UnlockOSThread() // otherwise the thread ends with its goroutine
			}
		}()
	} else {
		defer runtime.UnlockOSThread()
	}
	ifi, err := net.InterfaceByName(load.Device)
	if err != nil {
		return -1, err
	}
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
