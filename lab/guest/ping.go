package guest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// pingSize is the payload of the ping program, so that the lab's pings look
// like everyone's.
const pingSize = 56

// ping sends one echo request and waits for its reply.
func ping(ctx context.Context, to netip.Addr, seq int, wait time.Duration) error {
	conn, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return fmt.Errorf("ping %v: %w", to, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	id := os.Getpid() & 0xffff
	echo := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: seq & 0xffff, Data: make([]byte, pingSize)}}
	raw, err := echo.Marshal(nil)
	if err == nil {
		err = conn.SetReadDeadline(time.Now().Add(wait))
	}
	if err == nil {
		_, err = conn.WriteTo(raw, &net.IPAddr{IP: to.AsSlice()})
	}
	buf := make([]byte, 1500)
	for err == nil {
		var n int
		if n, _, err = conn.ReadFrom(buf); err != nil {
			break
		}
		reply, parseErr := icmp.ParseMessage(1, buf[:n]) // 1: the protocol number of ICMP
		if parseErr != nil || reply.Type != ipv4.ICMPTypeEchoReply {
			continue
		}
		if body, ok := reply.Body.(*icmp.Echo); ok && body.ID == id && body.Seq == seq&0xffff {
			return nil
		}
	}
	return fmt.Errorf("ping %v: %w", to, err)
}
