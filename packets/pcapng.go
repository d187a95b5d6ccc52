package packets

// Blocks and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockSimple     = 3
	blockStatistics = 5
	blockPacket     = 6

	byteOrder = 0x1a2b3c4d

	optEnd           = 0
	optComment       = 1
	shbApplication   = 4
	ifName           = 2
	ifDescription    = 3
	ifResolution     = 9
	ifFilter         = 11
	ifOffset         = 14
	epbFlags         = 2
	isbReceived      = 4
	isbDropped       = 5
	filterIsText     = 0 // the first byte of if_filter
	nanoseconds      = 9 // if_tsresol: 10^-9
	linkEthernet     = 1
	tagSize          = 4
	defaultTimescale = 6 // microseconds, where if_tsresol is missing
)

// Interface is one place where packets were captured. In the file, host,
// namespace and device stand in the description for people, and in the comment
// for [Reader].
type Interface struct {
	Name   string // as Wireshark shows it; "": Device
	Host   string
	Netns  string // "": the host's own
	Device string
	Filter string // tcpdump's words
	Snap   int    // bytes kept of each packet; 0: all
}

// describe is the sentence for people.
func (i *Interface) describe() string {
	s := i.Device
	if i.Netns != "" {
		s += " in " + i.Netns
	}
	if i.Host != "" {
		s += " on " + i.Host
	}
	return s
}

// flags are a packet's direction and kind of reception as pcapng has them;
// kind reads them back.
func flags(kind uint8) uint32 {
	const inbound, outbound = 1, 2
	const unicast, multicast, broadcast, promiscuous = 1 << 2, 2 << 2, 3 << 2, 4 << 2
	switch kind {
	case 0:
		return inbound | unicast
	case 1:
		return inbound | broadcast
	case 2:
		return inbound | multicast
	case 3:
		return inbound | promiscuous
	case 4:
		return outbound
	}
	return 0
}

func kind(flags uint32) uint8 {
	if flags&3 == 2 {
		return 4
	}
	switch flags >> 2 & 7 {
	case 2:
		return 2
	case 3:
		return 1
	case 4:
		return 3
	}
	return 0
}
