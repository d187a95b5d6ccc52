package packets

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func hexadecimal(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

// address names an IPv4, IPv6 or Ethernet address by its length.
func address(b []byte) string {
	if ip, ok := netip.AddrFromSlice(b); ok {
		return ip.String()
	}
	return net.HardwareAddr(b).String()
}

func protocolName(n uint8) string {
	r := row{}
	r.protocol(n)
	if name := string(r.buf); !strings.HasPrefix(name, "IP protocol") {
		return name + " (" + strconv.Itoa(int(n)) + ")"
	}
	return strconv.Itoa(int(n))
}

func recordName(n layers.DNSType) string {
	var r row
	r.recordType(uint16(n))
	return string(r.buf)
}

func bridgeName(b []byte) string {
	var r row
	r.bridge(b)
	return string(r.buf)
}

// layerName is what people call a layer that gopacket calls otherwise.
func layerName(t gopacket.LayerType) string {
	switch t {
	case layers.LayerTypeDot1Q:
		return "802.1Q"
	case layers.LayerTypeICMPv4:
		return "ICMP"
	case layers.LayerTypeICMPv6:
		return "ICMP6"
	case layers.LayerTypeICMPv6Echo:
		return "ICMP6 echo"
	case layers.LayerTypeICMPv6NeighborSolicitation:
		return "Neighbour solicitation"
	case layers.LayerTypeICMPv6NeighborAdvertisement:
		return "Neighbour advertisement"
	case layers.LayerTypeICMPv6RouterSolicitation:
		return "Router solicitation"
	case layers.LayerTypeICMPv6RouterAdvertisement:
		return "Router advertisement"
	case layers.LayerTypeDHCPv4:
		return "DHCP"
	case layers.LayerTypeDHCPv6:
		return "DHCP6"
	case layers.LayerTypeLinkLayerDiscovery:
		return "LLDP"
	case layers.LayerTypeLinkLayerDiscoveryInfo:
		return "LLDP information"
	}
	return t.String()
}

// printable is s with \DDD for every byte that isn't printable ASCII, cut to a
// length that a person reads.
func printable(s string) string {
	var r row
	for i := range len(s) {
		if len(r.buf) >= maxValue {
			r.text("...")
			break
		}
		if s[i] == ' ' {
			r.byte(' ')
		} else {
			r.char(s[i])
		}
	}
	return string(r.buf)
}

// reflect appends the simple values of a layer that gopacket decodes and this
// package doesn't know better.
func (d *dissection) reflect(l gopacket.Layer) {
	v := reflect.Indirect(reflect.ValueOf(l))
	if v.Kind() != reflect.Struct {
		d.payload(l.LayerContents())
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Anonymous {
			continue
		}
		switch v.Field(i).Kind() {
		case reflect.Bool, reflect.String, reflect.Slice, reflect.Struct, reflect.Array,
			reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			switch {
			case v.Field(i).IsZero():
			case plain(f.Type, 0):
				d.add(words(f.Name), 0, 0, fmt.Sprint(v.Field(i).Interface()))
			case v.Field(i).Kind() == reflect.Slice:
				d.num(words(f.Name), 0, 0, uint64(v.Field(i).Len()))
			}
		}
	}
	d.num("bytes", 0, len(l.LayerContents()), uint64(len(l.LayerContents())))
}

// plain tells whether values of a type can be printed for people: nothing in
// them is a pointer, which would be printed as a number that is never the same.
func plain(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return depth < 4 && plain(t.Elem(), depth+1)
	case reflect.Struct:
		for i := range t.NumField() {
			if depth >= 4 || !plain(t.Field(i).Type, depth+1) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	}
	return true
}

// words turns a name of Go into one for people: VirtualRtrID is "virtual rtr ID".
func words(name string) string {
	var b strings.Builder
	for i, c := range name {
		upper := c >= 'A' && c <= 'Z'
		alone := i+1 >= len(name) || name[i+1] >= 'a' && name[i+1] <= 'z'
		before := i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z'
		if upper && i > 0 && (before || alone && i+1 < len(name)) {
			b.WriteByte(' ')
		}
		if upper && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z' {
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
