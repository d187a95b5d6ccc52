package evidence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"steth/internal/safetext"
	"steth/openstack"
	"steth/packets"
	"steth/probes/follow"
)

// ErrNoPath says that a file is a capture without the sidecar of a path.
var ErrNoPath = errors.New("no sidecar of a path is beside it")

// Path is a path that was saved: what its sidecar tells, and the packets of its
// captures, which are read once and one after the other. It is the
// [follow.Source] of its own recording.
type Path struct {
	Recording follow.Recording
	Inventory *openstack.Snapshot

	file   *os.File
	reader *packets.Reader
	first  *packets.Packet // was read ahead; nil once it was given
	of     int
	err    error // in place of the first packet
}

// OpenPath opens a saved path by either of its files. It is [ErrNoPath] where
// name is a pcapng file alone. What is in the files may come from anybody. The
// caller closes it.
func OpenPath(name string) (*Path, error) {
	capture, side := name, Sidecar(name)
	if base, ok := strings.CutSuffix(name, sidecarEnding); ok {
		capture, side = base+captureEnding, name
		if _, err := os.Stat(capture); err != nil {
			if _, err := os.Stat(base); err == nil {
				capture = base
			}
		}
	}
	f, err := os.Open(capture)
	if err != nil {
		return nil, err
	}
	p, err := open(f, capture, side)
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

func open(f *os.File, capture, side string) (*Path, error) {
	s, err := os.Open(side)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w (%s)", capture, ErrNoPath, side)
	}
	if err != nil {
		return nil, err
	}
	told, err := readSidecar(s)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", side, err)
	}
	p := &Path{Recording: told.Recording, Inventory: told.Inventory.snapshot(), file: f}
	if p.reader, err = packets.NewReader(f); err != nil {
		return nil, fmt.Errorf("%s: %w", capture, err)
	}
	p.ahead()
	if err := p.match(); err != nil {
		return nil, fmt.Errorf("%s is not the sidecar of %s: %w", side, capture, err)
	}
	return p, nil
}

// ahead reads the first packet, and with it the interfaces.
func (p *Path) ahead() {
	var first packets.Packet
	if p.of, p.err = p.reader.Next(&first); p.err == nil {
		p.first = &first
	}
}

// match tells whether the file's interfaces are those of the recording, in its
// order. Of a file that was cut off before its first packet they may be fewer.
func (p *Path) match() error {
	found, want := p.reader.Interfaces(), p.Recording.Captures
	cut := p.err != nil && !errors.Is(p.err, io.EOF)
	if len(found) > len(want) || len(found) < len(want) && !cut {
		return fmt.Errorf("the file has %d interfaces, and %d were recorded", len(found), len(want))
	}
	for i, c := range want[:len(found)] {
		is := place(found[i])
		if should := (packets.Interface{Host: c.Host, Netns: c.Netns, Device: c.Device}); is != should {
			return fmt.Errorf("interface %d of the file is %s, and %s was recorded", i+1, called(is), called(should))
		}
	}
	return nil
}

// place is where an interface was, safe to print.
func place(i packets.Interface) packets.Interface {
	return packets.Interface{Host: safetext.Clean(i.Host), Netns: safetext.Clean(i.Netns), Device: safetext.Clean(i.Device)}
}

func called(i packets.Interface) string {
	return strings.TrimPrefix(i.Netns+"/"+i.Device, "/") + " on " + i.Host
}

// Next gives the next packet, see [packets.Reader.Next].
func (p *Path) Next(to *packets.Packet) (capture int, err error) {
	switch {
	case p.first != nil:
		*to, p.first = *p.first, nil
		return p.of, nil
	case p.err != nil:
		return 0, p.err
	}
	return p.reader.Next(to)
}

// Close closes the file.
func (p *Path) Close() error { return p.file.Close() }
