package packets

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Layer is one header of a packet.
type Layer struct {
	Name           string
	Fields         []Field
	Offset, Length int // in Packet.Data, in bytes; Length is 0 where it isn't there
}

// Field is one value of a header. Value is printable ASCII.
type Field struct {
	Name, Value    string
	Offset, Length int // in Packet.Data, in bytes; Length is 0 where it isn't known
}

const (
	maxLayers = 64  // of one packet; a tunnel has about five
	maxFields = 128 // of one layer
	maxValue  = 200 // bytes of a value
)

// Layers takes a packet apart, the outermost header first, for a person who
// looks at one packet. It is thousands of times dearer than [Summarise].
// What can't be decoded is a layer that says why; Layers never panics,
// though gopacket's decoders may.
func Layers(p *Packet) []Layer {
	d := dissection{size: len(p.Data)}
	if p.TPID != 0 {
		d.open("VLAN tag", 0)
		d.add("taken off by", 0, 0, "the kernel")
		d.add("TPID", 0, 0, hexadecimal(uint64(p.TPID)))
		d.tag(p.VLAN, -1)
	}
	d.decode(p.Data, layers.LayerTypeEthernet, 0)
	return d.layers
}

// dissection is a list of layers in the making.
type dissection struct {
	layers []Layer
	at     int // where the open layer begins in Packet.Data
	size   int // of Packet.Data
}

func (d *dissection) open(name string, at int) {
	d.layers = append(d.layers, Layer{Name: name, Offset: min(at, d.size)})
	d.at = at
}

// extend says how many bytes the open layer has.
func (d *dissection) extend(length int) {
	l := &d.layers[len(d.layers)-1]
	l.Length = max(0, min(length, d.size-l.Offset))
}

// add appends a field to the open layer. Offset counts from its beginning.
func (d *dissection) add(name string, offset, length int, value string) {
	l := &d.layers[len(d.layers)-1]
	if len(l.Fields) >= maxFields {
		return
	}
	if offset += d.at; length <= 0 || offset+length > d.size { // a header may claim more than there is
		offset, length = 0, 0
	}
	l.Fields = append(l.Fields, Field{Name: name, Value: printable(value), Offset: offset, Length: length})
}

func (d *dissection) num(name string, offset, length int, value uint64) {
	d.add(name, offset, length, strconv.FormatUint(value, 10))
}

func (d *dissection) hex(name string, offset, length int, value uint64) {
	d.add(name, offset, length, hexadecimal(value))
}

// decode appends the layers of data, which stands at at in the packet.
func (d *dissection) decode(data []byte, first gopacket.LayerType, at int) {
	defer func() {
		if r := recover(); r != nil {
			d.open("Not decoded", at)
			d.add("reason", 0, 0, fmt.Sprint("the decoder failed: ", r))
		}
	}()
	packet := gopacket.NewPacket(data, first, gopacket.DecodeOptions{NoCopy: true})
	for _, l := range packet.Layers() {
		if len(d.layers) >= maxLayers {
			d.open("Not decoded", at)
			d.add("reason", 0, 0, "too many headers")
			return
		}
		if fail, ok := l.(*gopacket.DecodeFailure); ok {
			d.open("Not decoded", at)
			d.add("reason", 0, 0, fail.Error().Error())
			d.add("bytes", 0, len(data)-at, strconv.Itoa(len(fail.LayerContents())))
			d.extend(len(fail.LayerContents()))
			return
		}
		d.open(layerName(l.LayerType()), at)
		d.fields(l)
		d.extend(len(l.LayerContents()))
		at += len(l.LayerContents())
		if udp, ok := l.(*layers.UDP); ok && udp.DstPort == portVXLANOld && len(udp.Payload) > 8 {
			d.decode(udp.Payload, layers.LayerTypeVXLAN, at)
			return
		}
	}
	if packet.Metadata().Truncated {
		d.open("Cut", at)
		d.add("reason", 0, 0, "the capture kept only the beginning of the packet")
	}
}

// fields appends what is in a layer. Layers without a reader of their own get
// their simple values by reflection, without places.
func (d *dissection) fields(l gopacket.Layer) {
	switch l := l.(type) {
	case *layers.Ethernet:
		d.add("destination", 0, 6, l.DstMAC.String())
		d.add("source", 6, 6, l.SrcMAC.String())
		if l.Length > 0 {
			d.num("length", 12, 2, uint64(l.Length))
		} else {
			d.hex("type", 12, 2, uint64(l.EthernetType))
		}
	case *layers.Dot1Q:
		if len(l.Contents) >= 4 {
			d.tag(be.Uint16(l.Contents), 0)
		}
		d.hex("type", 2, 2, uint64(l.Type))
	case *layers.ARP:
		d.arp(l)
	case *layers.IPv4:
		d.ipv4(l)
	case *layers.IPv6:
		d.num("traffic class", 0, 2, uint64(l.TrafficClass))
		d.hex("flow label", 1, 3, uint64(l.FlowLabel))
		d.num("payload length", 4, 2, uint64(l.Length))
		d.add("next header", 6, 1, protocolName(uint8(l.NextHeader)))
		d.num("hop limit", 7, 1, uint64(l.HopLimit))
		d.add("source", 8, 16, l.SrcIP.String())
		d.add("destination", 24, 16, l.DstIP.String())
	case *layers.TCP:
		d.tcp(l)
	case *layers.UDP:
		d.num("source port", 0, 2, uint64(l.SrcPort))
		d.num("destination port", 2, 2, uint64(l.DstPort))
		d.num("length", 4, 2, uint64(l.Length))
		d.hex("checksum", 6, 2, uint64(l.Checksum))
	case *layers.ICMPv4:
		d.add("type", 0, 1, l.TypeCode.String())
		d.num("code", 1, 1, uint64(l.TypeCode.Code()))
		d.hex("checksum", 2, 2, uint64(l.Checksum))
		d.num("id", 4, 2, uint64(l.Id))
		d.num("sequence", 6, 2, uint64(l.Seq))
	case *layers.ICMPv6:
		d.add("type", 0, 1, l.TypeCode.String())
		d.num("code", 1, 1, uint64(l.TypeCode.Code()))
		d.hex("checksum", 2, 2, uint64(l.Checksum))
	case *layers.ICMPv6Echo:
		d.num("id", 0, 2, uint64(l.Identifier))
		d.num("sequence", 2, 2, uint64(l.SeqNumber))
	case *layers.ICMPv6NeighborSolicitation:
		d.add("target", 4, 16, l.TargetAddress.String())
		d.discovery(l.Options, 20)
	case *layers.ICMPv6NeighborAdvertisement:
		d.hex("flags", 0, 1, uint64(l.Flags))
		d.add("target", 4, 16, l.TargetAddress.String())
		d.discovery(l.Options, 20)
	case *layers.ICMPv6RouterAdvertisement:
		d.num("hop limit", 0, 1, uint64(l.HopLimit))
		d.hex("flags", 1, 1, uint64(l.Flags))
		d.num("lifetime, s", 2, 2, uint64(l.RouterLifetime))
		d.num("reachable time, ms", 4, 4, uint64(l.ReachableTime))
		d.num("retransmission timer, ms", 8, 4, uint64(l.RetransTimer))
		d.discovery(l.Options, 12)
	case *layers.VXLAN:
		d.hex("flags", 0, 1, uint64(l.Contents[0]))
		d.num("VNI", 4, 3, uint64(l.VNI))
	case *layers.Geneve:
		d.num("options length", 0, 1, uint64(l.OptionsLength))
		d.hex("protocol", 2, 2, uint64(l.Protocol))
		d.num("VNI", 4, 3, uint64(l.VNI))
		at := 8
		for _, o := range l.Options {
			d.add("option", at, int(o.Length), fmt.Sprintf("class 0x%04x type 0x%02x: %x", o.Class, o.Type, o.Data))
			at += int(o.Length)
		}
	case *layers.GRE:
		d.gre(l)
	case *layers.DHCPv4:
		d.dhcp(l)
	case *layers.DNS:
		d.dns(l)
	case *layers.STP:
		d.stp(l.Contents)
	case *layers.LinkLayerDiscovery:
		d.lldp(l)
	case *layers.LinkLayerDiscoveryInfo: // the same once more
		d.add("system", 0, 0, l.SysName)
		d.add("description", 0, 0, l.SysDescription)
		d.add("port description", 0, 0, l.PortDescription)
	case *gopacket.Payload:
		d.payload(*l)
	case gopacket.Payload:
		d.payload(l)
	default:
		d.reflect(l)
	}
}

// tag appends the parts of a VLAN tag; at is below 0 when it isn't in the data.
func (d *dissection) tag(tci uint16, at int) {
	length := 2
	if at < 0 {
		at, length = 0, 0
	}
	d.num("priority", at, min(length, 1), uint64(tci>>13))
	d.num("drop eligible", at, min(length, 1), uint64(tci>>12&1))
	d.num("VLAN", at, length, uint64(tci&0xfff))
}

func (d *dissection) arp(l *layers.ARP) {
	d.num("hardware", 0, 2, uint64(l.AddrType))
	d.hex("protocol", 2, 2, uint64(l.Protocol))
	operation := strconv.Itoa(int(l.Operation))
	switch l.Operation {
	case layers.ARPRequest:
		operation = "request"
	case layers.ARPReply:
		operation = "reply"
	}
	d.add("operation", 6, 2, operation)
	at := 8
	for _, a := range [...]struct {
		name string
		b    []byte
	}{
		{"sender MAC", l.SourceHwAddress},
		{"sender address", l.SourceProtAddress},
		{"target MAC", l.DstHwAddress},
		{"target address", l.DstProtAddress},
	} {
		d.add(a.name, at, len(a.b), address(a.b))
		at += len(a.b)
	}
}

func (d *dissection) ipv4(l *layers.IPv4) {
	d.num("header length", 0, 1, uint64(l.IHL)*4)
	d.num("DSCP", 1, 1, uint64(l.TOS>>2))
	d.num("ECN", 1, 1, uint64(l.TOS&3))
	d.num("total length", 2, 2, uint64(l.Length))
	d.num("id", 4, 2, uint64(l.Id))
	d.add("flags", 6, 1, cmp.Or(l.Flags.String(), "none"))
	d.num("fragment offset", 6, 2, uint64(l.FragOffset)*8)
	d.num("TTL", 8, 1, uint64(l.TTL))
	d.add("protocol", 9, 1, protocolName(uint8(l.Protocol)))
	d.hex("checksum", 10, 2, uint64(l.Checksum))
	d.add("source", 12, 4, l.SrcIP.String())
	d.add("destination", 16, 4, l.DstIP.String())
	at := 20
	for _, o := range l.Options {
		size := max(int(o.OptionLength), 1)
		d.add("option", at, size, fmt.Sprintf("type %d: %x", o.OptionType, o.OptionData))
		at += size
	}
}

func (d *dissection) tcp(l *layers.TCP) {
	d.num("source port", 0, 2, uint64(l.SrcPort))
	d.num("destination port", 2, 2, uint64(l.DstPort))
	d.num("sequence", 4, 4, uint64(l.Seq))
	d.num("acknowledgement", 8, 4, uint64(l.Ack))
	d.num("header length", 12, 1, uint64(l.DataOffset)*4)
	r := row{}
	r.flags(l.Contents[13], l.Contents[12]&1 != 0)
	d.add("flags", 12, 2, string(r.buf))
	d.num("window", 14, 2, uint64(l.Window))
	d.hex("checksum", 16, 2, uint64(l.Checksum))
	d.num("urgent", 18, 2, uint64(l.Urgent))
	at := 20
	for _, o := range l.Options {
		size := max(int(o.OptionLength), 1)
		if o.OptionType <= layers.TCPOptionKindNop {
			size = 1
		}
		value := o.OptionType.String()
		switch {
		case o.OptionType == layers.TCPOptionKindMSS && len(o.OptionData) == 2:
			value += " " + strconv.Itoa(int(be.Uint16(o.OptionData)))
		case o.OptionType == layers.TCPOptionKindWindowScale && len(o.OptionData) == 1:
			value += " " + strconv.Itoa(int(o.OptionData[0]))
		case len(o.OptionData) > 0:
			value += " " + hex.EncodeToString(o.OptionData)
		}
		d.add("option", at, size, value)
		at += size
	}
}

// discovery appends the options of neighbour discovery (RFC 4861, 4.6).
func (d *dissection) discovery(options layers.ICMPv6Options, at int) {
	for _, o := range options {
		name, value := "option "+strconv.Itoa(int(o.Type)), hex.EncodeToString(o.Data)
		switch {
		case o.Type == 1 && len(o.Data) == 6:
			name, value = "source MAC", address(o.Data)
		case o.Type == 2 && len(o.Data) == 6:
			name, value = "target MAC", address(o.Data)
		case o.Type == 5 && len(o.Data) == 6:
			name, value = "MTU", strconv.FormatUint(uint64(be.Uint32(o.Data[2:])), 10)
		case o.Type == 3 && len(o.Data) == 30:
			name, value = "prefix", address(o.Data[14:])+"/"+strconv.Itoa(int(o.Data[0]))
		}
		d.add(name, at, len(o.Data)+2, value)
		at += len(o.Data) + 2
	}
}

func (d *dissection) gre(l *layers.GRE) {
	d.hex("flags", 0, 2, uint64(be.Uint16(l.Contents)))
	d.hex("protocol", 2, 2, uint64(l.Protocol))
	at := 4
	if l.ChecksumPresent || l.RoutingPresent {
		d.hex("checksum", at, 2, uint64(l.Checksum))
		at += 4
	}
	if l.KeyPresent {
		d.num("key", at, 4, uint64(l.Key))
		at += 4
	}
	if l.SeqPresent {
		d.num("sequence", at, 4, uint64(l.Seq))
	}
}

func (d *dissection) dhcp(l *layers.DHCPv4) {
	d.num("operation", 0, 1, uint64(l.Operation))
	d.hex("xid", 4, 4, uint64(l.Xid))
	d.num("seconds", 8, 2, uint64(l.Secs))
	d.hex("flags", 10, 2, uint64(l.Flags))
	d.add("client address", 12, 4, l.ClientIP.String())
	d.add("your address", 16, 4, l.YourClientIP.String())
	d.add("next server", 20, 4, l.NextServerIP.String())
	d.add("relay agent", 24, 4, l.RelayAgentIP.String())
	d.add("client MAC", 28, len(l.ClientHWAddr), l.ClientHWAddr.String())
	at := dhcpOptions
	for _, o := range l.Options {
		size := int(o.Length) + 2
		if o.Type == layers.DHCPOptPad || o.Type == layers.DHCPOptEnd {
			size = 1
		}
		value := hex.EncodeToString(o.Data)
		switch {
		case o.Type == layers.DHCPOptMessageType && len(o.Data) == 1:
			value = dhcpKind(o.Data[0])
		case o.Type == layers.DHCPOptHostname, o.Type == layers.DHCPOptDomainName, o.Type == layers.DHCPOptMessage:
			value = string(o.Data)
		case len(o.Data) == 4:
			value = address(o.Data)
		}
		d.add("option "+strconv.Itoa(int(o.Type))+" "+o.Type.String(), at, size, value)
		at += size
	}
}

func (d *dissection) dns(l *layers.DNS) {
	d.num("id", 0, 2, uint64(l.ID))
	kind := "query"
	if l.QR {
		kind = "answer"
	}
	d.add("kind", 2, 1, kind)
	d.add("operation", 2, 1, l.OpCode.String())
	d.add("status", 3, 1, l.ResponseCode.String())
	d.add("truncated", 2, 1, strconv.FormatBool(l.TC))
	for _, q := range l.Questions {
		d.add("question", 0, 0, recordName(q.Type)+" "+string(q.Name))
	}
	for _, s := range [...]struct {
		name    string
		records []layers.DNSResourceRecord
	}{{"answer", l.Answers}, {"authority", l.Authorities}, {"additional", l.Additionals}} {
		for _, r := range s.records {
			d.add(s.name, 0, 0, fmt.Sprintf("%s, %d s: %s", r.Name, r.TTL, r.String()))
		}
	}
}

// stp appends a configuration message (IEEE 802.1D, 9.3).
func (d *dissection) stp(b []byte) {
	if len(b) < 4 {
		return
	}
	d.num("version", 2, 1, uint64(b[2]))
	d.hex("type", 3, 1, uint64(b[3]))
	if len(b) < 35 {
		return
	}
	d.hex("flags", 4, 1, uint64(b[4]))
	d.add("root", 5, 8, bridgeName(b[5:]))
	d.num("root path cost", 13, 4, uint64(be.Uint32(b[13:])))
	d.add("bridge", 17, 8, bridgeName(b[17:]))
	d.hex("port", 25, 2, uint64(be.Uint16(b[25:])))
	for i, name := range [...]string{"message age, s/256", "max age, s/256", "hello time, s/256", "forward delay, s/256"} {
		d.num(name, 27+2*i, 2, uint64(be.Uint16(b[27+2*i:])))
	}
}

// lldp appends the type-length-values of LLDP (IEEE 802.1AB, 8), of which the
// first three are always chassis, port and time to live.
func (d *dissection) lldp(l *layers.LinkLayerDiscovery) {
	var r row
	r.identifier(append([]byte{byte(l.ChassisID.Subtype)}, l.ChassisID.ID...), chassisMAC, chassisIP)
	d.add("chassis", 2, len(l.ChassisID.ID)+1, string(r.buf))
	at := 2 + len(l.ChassisID.ID) + 1
	r = row{}
	r.identifier(append([]byte{byte(l.PortID.Subtype)}, l.PortID.ID...), portMAC, portIP)
	d.add("port", at+2, len(l.PortID.ID)+1, string(r.buf))
	at += 2 + len(l.PortID.ID) + 1
	d.num("TTL, s", at+2, 2, uint64(l.TTL))
	at += 4
	for _, v := range l.Values {
		d.add(v.Type.String(), at+2, len(v.Value), string(v.Value))
		at += 2 + len(v.Value)
	}
}

func (d *dissection) payload(b []byte) {
	d.num("bytes", 0, len(b), uint64(len(b)))
	const shown = 16
	d.add("begins with", 0, min(len(b), shown), hex.EncodeToString(b[:min(len(b), shown)]))
}
