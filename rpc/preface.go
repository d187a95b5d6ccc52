package rpc

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// The versions of the protocol that this program speaks.
const (
	lowestVersion  = 1
	highestVersion = 1
)

// magic is the first thing either side says. The line feed and the zero catch
// text protocols and whatever mangles lines.
const magic = "STETH\r\n\x00"

// The kinds of sessions, as they stand in the preface.
const (
	sessionControl byte = 1
	sessionBulk    byte = 2
)

const (
	clientPrefaceSize = len(magic) + 2 + 2 + 1 + len(ConsoleID{})
	serverPrefaceSize = len(magic) + 2 + 2 + 2 + 2
)

// clientPreface is what a console says first.
type clientPreface struct {
	lowest, highest uint16
	kind            byte
	console         ConsoleID
}

func (p clientPreface) append(b []byte) []byte {
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, p.lowest)
	b = binary.BigEndian.AppendUint16(b, p.highest)
	b = append(b, p.kind)
	return append(b, p.console[:]...)
}

func readClientPreface(r io.Reader) (clientPreface, error) {
	var p clientPreface
	b, err := readMagic(r, clientPrefaceSize, "a console of Steth")
	if err != nil {
		return p, err
	}
	p.lowest = binary.BigEndian.Uint16(b)
	p.highest = binary.BigEndian.Uint16(b[2:])
	p.kind = b[4]
	copy(p.console[:], b[5:])
	return p, nil
}

// serverPreface is what an agent answers. A code other than OK refuses the
// session, and the connection is closed after it.
type serverPreface struct {
	lowest, highest uint16
	code            Code
	message         string
}

func (p serverPreface) append(b []byte) []byte {
	message := cutMessage(p.message)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, p.lowest)
	b = binary.BigEndian.AppendUint16(b, p.highest)
	b = binary.BigEndian.AppendUint16(b, uint16(p.code))
	b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	return append(b, message...)
}

func readServerPreface(r io.Reader) (serverPreface, error) {
	var p serverPreface
	b, err := readMagic(r, serverPrefaceSize, "an agent of Steth")
	if err != nil {
		return p, err
	}
	p.lowest = binary.BigEndian.Uint16(b)
	p.highest = binary.BigEndian.Uint16(b[2:])
	p.code = Code(binary.BigEndian.Uint16(b[4:]))
	size := binary.BigEndian.Uint16(b[6:])
	if size > maxMessage {
		return p, Errorf(ResourceExhausted, "preface: a message of %d bytes is over the limit of %d", size, maxMessage)
	}
	message := make([]byte, size)
	if _, err := io.ReadFull(r, message); err != nil {
		return p, fmt.Errorf("read preface: %w", unexpected(err))
	}
	p.message = cutMessage(string(message))
	return p, nil
}

// readMagic reads a preface of size bytes, checks the magic before it waits for
// more, and returns what follows it.
func readMagic(r io.Reader, size int, whose string) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b[:len(magic)]); err != nil {
		return nil, fmt.Errorf("read preface: %w", err)
	}
	if string(b[:len(magic)]) != magic {
		return nil, Errorf(VersionMismatch, "the peer is not %s: it began with %q", whose, b[:len(magic)])
	}
	if _, err := io.ReadFull(r, b[len(magic):]); err != nil {
		return nil, fmt.Errorf("read preface: %w", unexpected(err))
	}
	return b[len(magic):], nil
}

// commonVersion returns the highest version that both sides speak.
func commonVersion(lowest, highest uint16, whose string) (uint16, error) {
	version := min(highest, highestVersion)
	if lowest > highest || version < lowest || version < lowestVersion {
		return 0, Errorf(VersionMismatch, "this side speaks versions %d to %d of the protocol, the %s %d to %d: install the same release on both",
			lowestVersion, highestVersion, whose, lowest, highest)
	}
	return version, nil
}

// greet is the console's side of the preface.
func greet(conn net.Conn, console ConsoleID, bulk bool) error {
	mine := clientPreface{lowest: lowestVersion, highest: highestVersion, kind: sessionControl, console: console}
	if bulk {
		mine.kind = sessionBulk
	}
	if _, err := conn.Write(mine.append(nil)); err != nil {
		return fmt.Errorf("write preface: %w", err)
	}
	theirs, err := readServerPreface(conn)
	if err != nil {
		return err
	}
	if _, err := commonVersion(theirs.lowest, theirs.highest, "agent"); err != nil {
		return err
	}
	if theirs.code != OK {
		return &Error{Code: theirs.code, Message: theirs.message}
	}
	return nil
}

// answer is the agent's last word of the preface: nil admits the console.
func answer(conn net.Conn, refusal error) error {
	mine := serverPreface{lowest: lowestVersion, highest: highestVersion, code: CodeOf(refusal)}
	if refusal != nil {
		mine.message = refusal.Error()
	}
	if _, err := conn.Write(mine.append(nil)); err != nil {
		return fmt.Errorf("write preface: %w", err)
	}
	return nil
}
