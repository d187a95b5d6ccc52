package guest

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"
)

// The options and message types that the client uses (RFC 2132, RFC 3442).
const (
	optMask          = 1
	optRouter        = 3
	optDNS           = 6
	optHostName      = 12
	optMTU           = 26
	optRequested     = 50
	optLease         = 51
	optType          = 53
	optServer        = 54
	optParameters    = 55
	optMessage       = 56
	optEnd           = 255
	typeDiscover     = 1
	typeOffer        = 2
	typeRequest      = 3
	typeAck          = 5
	typeNak          = 6
	bootpLen         = 236 // up to the magic cookie, RFC 2131 section 2
	serverPort       = 67
	clientPort       = 68
	etherLen         = 14
	ipLen            = 20
	udpLen           = 8
	headersLen       = etherLen + ipLen + udpLen
	protocolUDP      = 17
	etherTypeIPv4    = 0x0800
	bootRequest      = 1
	bootReply        = 2
	hardwareEthernet = 1
)

var cookie = [4]byte{99, 130, 83, 99}

// message is a DHCP message as far as the client needs it.
type message struct {
	kind    byte
	xid     uint32
	mac     net.HardwareAddr
	yours   netip.Addr
	options map[byte][]byte
}

// frame is the message as a client sends it: broadcast, from no address.
func (m message) frame() []byte {
	body := make([]byte, bootpLen, bootpLen+64)
	body[0], body[1], body[2] = bootRequest, hardwareEthernet, 6
	binary.BigEndian.PutUint32(body[4:], m.xid)
	copy(body[28:34], m.mac)
	body = append(body, cookie[:]...)
	body = append(body, optType, 1, m.kind)
	for _, code := range []byte{optRequested, optServer, optHostName} {
		if v, ok := m.options[code]; ok {
			body = append(body, code, byte(len(v)))
			body = append(body, v...)
		}
	}
	body = append(body, optParameters, 4, optMask, optRouter, optDNS, optMTU, optEnd)

	buf := make([]byte, headersLen, headersLen+len(body))
	copy(buf[0:6], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	copy(buf[6:12], m.mac)
	binary.BigEndian.PutUint16(buf[12:], etherTypeIPv4)
	ip := buf[etherLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, protocolUDP
	binary.BigEndian.PutUint16(ip[2:], uint16(ipLen+udpLen+len(body)))
	copy(ip[16:20], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(ip[10:], ^sum(0, ip[:ipLen]))
	udp := buf[etherLen+ipLen:]
	binary.BigEndian.PutUint16(udp[0:], clientPort)
	binary.BigEndian.PutUint16(udp[2:], serverPort)
	binary.BigEndian.PutUint16(udp[4:], uint16(udpLen+len(body)))
	buf = append(buf, body...)
	// RFC 768: the checksum covers a pseudo header of addresses, protocol and length.
	pseudo := uint32(protocolUDP) + uint32(udpLen+len(body)) + 0xffff + 0xffff
	check := ^sum(pseudo, buf[etherLen+ipLen:])
	if check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(buf[etherLen+ipLen+6:], check)
	return buf
}

// sum is the ones' complement sum of RFC 1071.
func sum(start uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		start += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		start += uint32(b[0]) << 8
	}
	for start > 0xffff {
		start = start>>16 + start&0xffff
	}
	return uint16(start)
}

var errNotOurs = errors.New("not a DHCP reply")

// parse reads a server's message from a frame. Checksums are not looked at:
// within one machine they are often left for a NIC that never comes.
func parse(frame []byte) (message, error) {
	if len(frame) < headersLen+bootpLen+len(cookie) || binary.BigEndian.Uint16(frame[12:]) != etherTypeIPv4 {
		return message{}, errNotOurs
	}
	ip := frame[etherLen:]
	header := int(ip[0]&0x0f) * 4
	if ip[0]>>4 != 4 || ip[9] != protocolUDP || header < ipLen || len(ip) < header+udpLen+bootpLen+len(cookie) {
		return message{}, errNotOurs
	}
	udp := ip[header:]
	if binary.BigEndian.Uint16(udp[0:]) != serverPort || binary.BigEndian.Uint16(udp[2:]) != clientPort {
		return message{}, errNotOurs
	}
	body := udp[udpLen:]
	if body[0] != bootReply || body[2] != 6 || [4]byte(body[bootpLen:bootpLen+4]) != cookie {
		return message{}, errNotOurs
	}
	m := message{
		xid:     binary.BigEndian.Uint32(body[4:]),
		mac:     net.HardwareAddr(body[28:34]),
		yours:   netip.AddrFrom4([4]byte(body[16:20])),
		options: map[byte][]byte{},
	}
	for opts := body[bootpLen+4:]; len(opts) > 0 && opts[0] != optEnd; {
		if opts[0] == 0 { // padding
			opts = opts[1:]
			continue
		}
		if len(opts) < 2 || len(opts) < 2+int(opts[1]) {
			return message{}, errNotOurs
		}
		end := 2 + int(opts[1])
		m.options[opts[0]] = opts[2:end]
		opts = opts[end:]
	}
	if kind := m.options[optType]; len(kind) == 1 {
		m.kind = kind[0]
	}
	return m, nil
}

// Lease is what a DHCP server granted.
type Lease struct {
	Address netip.Prefix  `json:"address"`
	Gateway netip.Addr    `json:"gateway"`
	Server  netip.Addr    `json:"server"`
	DNS     netip.Addr    `json:"dns"`
	MTU     int           `json:"mtu"` // 0 where the server named none
	Time    time.Duration `json:"time"`
}

// lease reads an acknowledgement.
func (m message) lease() (Lease, error) {
	l := Lease{Gateway: addr(m.options[optRouter]), Server: addr(m.options[optServer]), DNS: addr(m.options[optDNS])}
	ones, bits := net.IPMask(m.options[optMask]).Size()
	if bits != 32 || !m.yours.IsValid() || m.yours.IsUnspecified() {
		return l, errors.New("the DHCP server's answer has no address or no netmask")
	}
	l.Address = netip.PrefixFrom(m.yours, ones)
	if v := m.options[optMTU]; len(v) == 2 {
		l.MTU = int(binary.BigEndian.Uint16(v))
	}
	if v := m.options[optLease]; len(v) == 4 {
		l.Time = time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	}
	return l, nil
}

func addr(b []byte) netip.Addr {
	if len(b) < 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b[:4]))
}
