package match

import (
	"fmt"
	"net/netip"
	"time"
)

// MaxHops is how many hops a path may have, those beside it included.
const MaxHops = 32

// Hop is one place of the path, told in the order of the way out. The zero
// value is a hop that sees every packet, with whatever tunnel around it.
type Hop struct {
	// Blind says that no packet can be seen here: a patch port, the fabric,
	// a device that is not there. Counters, if it has any, are not our matter.
	Blind bool
	// Aside says that the hop isn't on the path: another server's tap, say. A
	// packet that is seen here was flooded; one that isn't is where it belongs.
	Aside bool
	// Capture tells hops apart that share one device: a NIC that the path
	// passes twice, in two tunnels. Hops with the same number above 0 are fed
	// by See with any of them, and the first whose Encap fits has seen the
	// packet.
	Capture int
	// Wide says that the hop's capture lets packets through that are none of the
	// path's, because no filter can tell them apart there: behind SNAT, say. What
	// only such hops have seen has no row and is not counted.
	Wide bool
	// Clock is the host whose clock the hop's times come from; any number.
	Clock int
	// Passing says how packets on the way out pass the device.
	Passing Passing
	// Encap is what packets wear here.
	Encap Encap
	// Translate names addresses as they are here, with what they are at hop 0:
	// NAT, undone.
	Translate []Translation
	// MTU is the device's, in bytes; 0 stands for 1500. A larger packet can
	// only be there because its segmentation is left to a device further on,
	// so that other hops see other packets.
	MTU int
}

// Passing is how the packets of the way out pass a device, seen from its host.
type Passing uint8

const (
	EitherWay Passing = iota // nothing can be told: a bridge, a span port
	Entering                 // they come in: the tap of the server that sends them
	Leaving                  // they go out: the NIC towards the other host
)

// outgoing is the kernel's sll_pkttype of what its host sends (linux/if_packet.h).
const outgoing = 4

// Tunnel is what carries packets at a hop.
type Tunnel uint8

const (
	AnyTunnel Tunnel = iota // whatever there is, to the innermost packet
	NoTunnel                // none; a tunnel of the tenant's own is payload
	VXLAN
	GRE
	Geneve
)

// Encap is what belongs around the packets of the path at one hop. A packet of
// the path with anything else around it has gone [Astray].
type Encap struct {
	Tunnel Tunnel
	// VNI is the network identifier of VXLAN and Geneve, or GRE's key. 0: any.
	VNI uint32
	// Ends are the outer addresses that belong here, of both sides. None: any.
	// A copy between other ends was flooded.
	Ends []netip.Addr
	// VLAN is the id of the outermost tag. 0: any or none.
	VLAN uint16
}

// Translation is one address in two places.
type Translation struct{ Here, Origin netip.Addr }

// fit is how well a frame's clothes fit the hop.
type fit uint8

const (
	fits   fit = iota
	copied     // right network, but for another host: flooded
	astray     // not what belongs there
)

func (e *Encap) judge(f *frame) fit {
	switch {
	case e.VLAN != 0 && (!f.tagged || f.vlan != e.VLAN),
		e.Tunnel > NoTunnel && f.tunnel != e.Tunnel,
		e.VNI != 0 && f.vni != e.VNI:
		return astray
	case len(e.Ends) > 0 && f.tunnel > NoTunnel && !(contains(e.Ends, f.src) && contains(e.Ends, f.dst)):
		return copied
	}
	return fits
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for i := range list {
		if list[i] == a {
			return true
		}
	}
	return false
}

// Options say how to match; zero values have good defaults.
type Options struct {
	// Near and Far are the addresses of the path's ends, as hop 0 sees them.
	// They tell which way a packet goes.
	Near, Far []netip.Addr
	// AnyAddress and AnyPort say that NAT rewrites them in a way that no
	// Translate undoes, so they don't count.
	AnyAddress, AnyPort bool
	// Prefix is how many bytes of a packet, from its own IP header on, every
	// hop's capture keeps. Of a longer one no more is compared; a sighting with
	// less can't be matched. Default 80: that fits a snap length of 128 on a
	// tap, and of 192 on an underlay with IPv6 and Geneve's options.
	Prefix int
	// Settle is how long to wait for a packet at the hops that have not seen it
	// before it's called lost. Default 1 s.
	Settle time.Duration
	// Horizon is how late a packet may come and still be found. Default 10 s.
	Horizon time.Duration
	// Skew is how far two hosts' clocks may be apart after correction.
	// Default 5 ms.
	Skew time.Duration
	// Window is how far back Summary looks. Default 10 s.
	Window time.Duration
	// Rows is how many rows are kept: at least the packets of Settle, better
	// those of Window. Default 65,536.
	Rows int
	// Keep is how many bytes of each packet the row keeps for display.
	// Default 128; -1 for none.
	Keep int
	// Only tells by the bytes of a packet that are kept, see [Row].Data, whether it
	// is to have a row and to be counted. It must be quick and keeps nothing of
	// what it's given. nil: all are.
	Only func(frame []byte) bool
}

const (
	defaultMTU    = 1500
	defaultPrefix = 80
	maxPrefix     = 2048
	maxKeep       = 2048
	maxRows       = 1 << 22
)

func (o *Options) complete() error {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.Settle, time.Second)
	set(&o.Horizon, max(10*time.Second, o.Settle))
	set(&o.Skew, 5*time.Millisecond)
	set(&o.Window, 10*time.Second)
	if o.Prefix == 0 {
		o.Prefix = defaultPrefix
	}
	if o.Rows == 0 {
		o.Rows = 1 << 16
	}
	switch o.Keep {
	case 0:
		o.Keep = 128
	case -1:
		o.Keep = 0
	}
	switch {
	case o.Prefix < 28 || o.Prefix > maxPrefix:
		return fmt.Errorf("match: a prefix of %d bytes; 28 to %d can be compared", o.Prefix, maxPrefix)
	case o.Settle < 0 || o.Skew < 0 || o.Window < 0 || o.Horizon < o.Settle:
		return fmt.Errorf("match: settle %v, horizon %v, skew %v, window %v: none may be negative, nor the horizon nearer than settle",
			o.Settle, o.Horizon, o.Skew, o.Window)
	case o.Rows < 16 || o.Rows > maxRows:
		return fmt.Errorf("match: %d rows; 16 to %d can be kept", o.Rows, maxRows)
	case o.Keep < 0 || o.Keep > maxKeep:
		return fmt.Errorf("match: %d bytes of a packet; 0 to %d can be kept", o.Keep, maxKeep)
	}
	return nil
}
