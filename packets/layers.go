package packets

// Layer is one header of a packet.
type Layer struct {
	Name   string
	Fields []Field
}

// Field is one value of a header.
type Field struct {
	Name, Value    string
	Offset, Length int // in Packet.Data, in bytes; Length is 0 where it isn't known
}

// Layers takes a packet apart.
func Layers(p *Packet) []Layer { return nil }
