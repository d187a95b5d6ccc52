package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var mac = net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}

// answer is a server's reply, made from a client's frame: addresses, ports and
// the operation turned round, options replaced.
func answer(yours netip.Addr, options ...byte) []byte {
	f := message{kind: typeDiscover, xid: 0x01020304, mac: mac}.frame()
	f = f[:headersLen+bootpLen+4]
	binary.BigEndian.PutUint16(f[etherLen+ipLen:], serverPort)
	binary.BigEndian.PutUint16(f[etherLen+ipLen+2:], clientPort)
	f[headersLen] = bootReply
	copy(f[headersLen+16:], yours.AsSlice())
	return append(f, options...)
}

func TestAsk(t *testing.T) {
	m := message{kind: typeRequest, xid: 0x01020304, mac: mac, options: map[byte][]byte{
		optRequested: {10, 20, 0, 11}, optServer: {10, 20, 0, 2}, optHostName: []byte("web1"),
	}}
	f := m.frame()
	if got := binary.BigEndian.Uint16(f[12:]); got != etherTypeIPv4 || f[0] != 0xff || net.HardwareAddr(f[6:12]).String() != mac.String() {
		t.Errorf("Ethernet header % x", f[:etherLen])
	}
	ip := f[etherLen : etherLen+ipLen]
	if sum(0, ip) != 0xffff {
		t.Errorf("IP checksum is wrong: % x", ip)
	}
	if n := int(binary.BigEndian.Uint16(ip[2:])); n != len(f)-etherLen {
		t.Errorf("IP length %d of %d", n, len(f)-etherLen)
	}
	udp := f[etherLen+ipLen:]
	pseudo := uint32(protocolUDP) + uint32(len(udp)) + 2*0xffff
	if sum(pseudo, udp) != 0xffff {
		t.Error("UDP checksum is wrong")
	}
	body := string(udp[udpLen:])
	for what, want := range map[string]string{
		"type": "\x35\x01\x03", "requested address": "\x32\x04\x0a\x14\x00\x0b", "server": "\x36\x04\x0a\x14\x00\x02", "name": "\x0c\x04web1",
	} {
		if !strings.Contains(body[bootpLen:], want) {
			t.Errorf("no %s in % x", what, body[bootpLen:])
		}
	}
	if body[len(body)-1] != optEnd {
		t.Error("no end of options")
	}
}

func TestLease(t *testing.T) {
	frame := answer(netip.MustParseAddr("10.20.0.11"),
		optType, 1, typeAck, 0, 0, optMask, 4, 255, 255, 255, 0, optRouter, 4, 10, 20, 0, 1, optDNS, 4, 10, 20, 0, 2,
		optServer, 4, 10, 20, 0, 2, optMTU, 2, 0x05, 0xaa, optLease, 4, 0, 1, 0x51, 0x80, optEnd)
	m, err := parse(frame)
	if err != nil || m.kind != typeAck || m.xid != 0x01020304 || m.mac.String() != mac.String() {
		t.Fatalf("parse() = %+v, %v", m, err)
	}
	l, err := m.lease()
	want := Lease{
		Address: netip.MustParsePrefix("10.20.0.11/24"), Gateway: netip.MustParseAddr("10.20.0.1"), Server: netip.MustParseAddr("10.20.0.2"),
		DNS: netip.MustParseAddr("10.20.0.2"), MTU: 1450, Time: 24 * time.Hour,
	}
	if err != nil || l != want {
		t.Errorf("lease() = %+v, %v", l, err)
	}
}

func TestOtherFrames(t *testing.T) {
	good := answer(netip.MustParseAddr("10.20.0.11"), optType, 1, typeAck, optEnd)
	change := func(at int, to byte) []byte {
		f := append([]byte(nil), good...)
		f[at] = to
		return f
	}
	for name, f := range map[string][]byte{
		"empty":           nil,
		"cut":             good[:headersLen+100],
		"ARP":             change(13, 6),
		"TCP":             change(etherLen+9, 6),
		"from elsewhere":  change(etherLen+ipLen+1, 99),
		"a request":       change(headersLen, bootRequest),
		"another cookie":  change(headersLen+bootpLen, 0),
		"long IP header":  change(etherLen, 0x4f),
		"option over end": answer(netip.Addr{}, optType, 9, 1),
		"option cut":      answer(netip.Addr{}, optType),
	} {
		if m, err := parse(f); !errors.Is(err, errNotOurs) {
			t.Errorf("%s: parse() = %+v, %v", name, m, err)
		}
	}
	m, err := parse(answer(netip.MustParseAddr("10.20.0.11"), optType, 1, typeAck, optEnd))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.lease(); err == nil {
		t.Error("a lease without a netmask is taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer(netip.MustParseAddr("10.20.0.11"), optType, 1, typeAck, 0, optMask, 4, 255, 255, 255, 0, optEnd))
	f.Add(message{kind: typeDiscover, mac: mac}.frame())
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := parse(frame)
		if err != nil {
			return
		}
		if l, err := m.lease(); err == nil && !l.Address.IsValid() {
			t.Errorf("lease without an address: %+v", l)
		}
	})
}

func TestServeHTTP(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	done := make(chan error, 1)
	go func() { done <- ServeHTTP(ctx, address, "server web1") }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var text []byte
	for deadline := time.Now().Add(5 * time.Second); text == nil && time.Now().Before(deadline); {
		resp, err := client.Get("http://" + address)
		if err != nil {
			continue
		}
		text, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if !strings.Contains(string(text), "This is server web1") {
		t.Errorf("answered %q", text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ServeHTTP() = %v", err)
	}
}
