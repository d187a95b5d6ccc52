package rpc

import (
	"net"
	"net/netip"
	"sync"
)

// porch holds the connections that have not proved who they are. It has room
// for so many; one more pushes out the oldest of the address that holds the
// most, so that a crowd from one place only ever pushes out itself.
type porch struct {
	room int

	mu      sync.Mutex
	waiting []*visitor // oldest first
}

type visitor struct {
	conn net.Conn
	from string
}

func newPorch(room int) *porch { return &porch{room: room} }

// enter lets conn in and returns what must be called when it leaves.
func (p *porch) enter(conn net.Conn) (leave func()) {
	v := &visitor{conn: conn, from: origin(conn.RemoteAddr())}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, v)
	if len(p.waiting) > p.room {
		out := p.crowded()
		p.remove(out)
		out.conn.Close() // its handshake fails and it leaves
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.remove(v)
	}
}

// crowded returns the oldest visitor of the address that has the most.
func (p *porch) crowded() *visitor {
	count := map[string]int{}
	for _, v := range p.waiting {
		count[v.from]++
	}
	most := p.waiting[0]
	for _, v := range p.waiting[1:] {
		if count[v.from] > count[most.from] {
			most = v
		}
	}
	return most
}

func (p *porch) remove(v *visitor) {
	for i, w := range p.waiting {
		if w == v {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
}

// origin is a peer's address without its port: for IPv6 the /64, since one
// machine has that many.
func origin(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		return addr.String()
	}
	ip = ip.Unmap()
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
