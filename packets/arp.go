package packets

import "bytes"

// arp reads RFC 826, and what is built as it: reverse (RFC 903) and inverse
// (RFC 2390).
func (r *row) arp(kind uint16, b []byte) {
	r.proto = ARP
	name := "ARP"
	if kind == typeRARP {
		name = "RARP"
	}
	if len(b) < 28 {
		r.cut(name)
		return
	}
	r.text(name)
	if be.Uint16(b[2:]) != typeIPv4 || b[4] != 6 || b[5] != 4 {
		r.bad(" for other than IPv4 over Ethernet")
		return
	}
	sender, senderIP, target, targetIP := b[8:14], b[14:18], b[18:24], b[24:28]
	switch op := be.Uint16(b[6:]); op {
	case 1:
		if bytes.Equal(senderIP, targetIP) {
			r.text(" announcement of ")
			r.ip4(senderIP)
			return
		}
		r.text(" who has ")
		r.ip4(targetIP)
		if [6]byte(target) != [6]byte{} { // the asker knows it and checks
			r.text(" (")
			r.mac(target)
			r.byte(')')
		}
		r.text(" tell ")
		r.ip4(senderIP)
	case 2:
		r.byte(' ')
		r.ip4(senderIP)
		r.text(" is at ")
		r.mac(sender)
	case 3, 8:
		if op == 8 {
			r.text(" inverse")
		}
		r.text(" who is ")
		r.mac(target)
		r.text(" tell ")
		r.mac(sender)
	case 4:
		r.byte(' ')
		r.mac(target)
		r.text(" is at ")
		r.ip4(targetIP)
	case 9:
		r.text(" inverse ")
		r.mac(sender)
		r.text(" is at ")
		r.ip4(senderIP)
	default:
		r.text(" operation ")
		r.uint(uint64(op))
	}
}
