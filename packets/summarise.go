package packets

// MaxRow is more than the longest row that Summarise makes, in bytes.
const MaxRow = 2048

// Summarise appends one row that says what p is to buf and returns it: who
// sent to whom, two blanks, and what it says, in words close to tcpdump's.
//
//	10.20.0.11 > 10.20.0.22  ICMP echo request 50 len 64 id 7
//	10.20.0.11.51000 > 10.20.0.22.443  TCP [P.] len 100 seq 1:101 ack 9 win 502
//	fa:16:3e:0a:11:01 > broadcast  vlan 100 ARP who has 10.20.0.1 tell 10.20.0.11
//	192.168.0.1 > 192.168.0.2  VXLAN 101  10.20.0.11 > 10.20.0.22  ICMP ...
//
// Lengths are those on the wire, sequence numbers are absolute, as with
// tcpdump -S. "[cut]" stands where the capture kept too little to say more, or
// where the rest is in another fragment; "[short]" where too little was sent.
// The row is printable ASCII whatever the packet holds. Summarise allocates
// nothing where buf has room; MaxRow bytes are always enough.
func Summarise(buf []byte, p *Packet) []byte {
	buf, _ = Describe(buf, p)
	return buf
}

// Classify says what a packet is. For a tunnel it is what the tunnel carries,
// as far as that can be read. Where the row is wanted too, use [Describe].
func Classify(p *Packet) Proto {
	_, proto := Describe(make([]byte, 0, MaxRow), p)
	return proto
}

// Describe is Summarise and Classify in one go.
func Describe(buf []byte, p *Packet) ([]byte, Proto) {
	r := row{buf: buf, start: len(buf)}
	r.packet(p)
	return r.buf, r.proto
}

func (r *row) packet(p *Packet) {
	r.partial = int(p.Length) > len(p.Data)
	if p.TPID != 0 {
		r.tags[0], r.tagsN = p.VLAN, 1
	}
	r.ethernet(p.Data, max(int(p.Length), len(p.Data)))
}
