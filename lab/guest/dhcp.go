package guest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Acquire gets a lease on a device by DISCOVER, OFFER, REQUEST and ACK (RFC
// 2131, section 3.1), repeating each with growing pauses until the context ends.
// The device needs no address; it must be up.
func Acquire(ctx context.Context, device, hostName string) (Lease, error) {
	ifi, err := net.InterfaceByName(device)
	if err != nil {
		return Lease{}, fmt.Errorf("ask for a lease: %w", err)
	}
	conn, err := packetSocket(ifi.Index)
	if err != nil {
		return Lease{}, fmt.Errorf("ask for a lease on %s: %w", device, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	c := client{conn: conn, mac: ifi.HardwareAddr, hostName: hostName}
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 8*time.Second) {
		l, err := c.exchange(ctx, pause)
		switch {
		case err == nil:
			return l, nil
		case ctx.Err() != nil:
			return Lease{}, fmt.Errorf("no lease on %s: %w", device, context.Cause(ctx))
		case !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, errRefused):
			return Lease{}, fmt.Errorf("ask for a lease on %s: %w", device, err)
		}
	}
}

// packetSocket opens a socket for whole IPv4 frames of one device.
func packetSocket(index int) (*os.File, error) {
	const ipv4 = unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8 // network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, ipv4)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ipv4, Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return os.NewFile(uintptr(fd), "packet"), nil
}

type client struct {
	conn     *os.File
	mac      net.HardwareAddr
	hostName string
}

var errRefused = errors.New("refused by the DHCP server")

// exchange is one round of the four messages, each answer awaited for that long.
func (c client) exchange(ctx context.Context, wait time.Duration) (Lease, error) {
	m := message{kind: typeDiscover, xid: rand.Uint32(), mac: c.mac, options: map[byte][]byte{optHostName: []byte(c.hostName)}}
	offer, err := c.ask(ctx, m, typeOffer, wait)
	if err != nil {
		return Lease{}, err
	}
	m.kind = typeRequest
	m.options[optRequested] = offer.yours.AsSlice()
	m.options[optServer] = offer.options[optServer]
	ack, err := c.ask(ctx, m, typeAck, wait)
	if err != nil {
		return Lease{}, err
	}
	return ack.lease()
}

func (c client) ask(ctx context.Context, m message, want byte, wait time.Duration) (message, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return message{}, err
	}
	if ctx.Err() != nil { // after the deadline is set, so that a cancel is never overwritten
		return message{}, context.Cause(ctx)
	}
	if _, err := c.conn.Write(m.frame()); err != nil {
		return message{}, err
	}
	buf := make([]byte, 2048)
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			return message{}, err
		}
		got, err := parse(buf[:n])
		if err != nil || got.xid != m.xid || got.mac.String() != c.mac.String() {
			continue
		}
		switch got.kind {
		case want:
			return got, nil
		case typeNak:
			return message{}, fmt.Errorf("%w: %q", errRefused, got.options[optMessage])
		}
	}
}
