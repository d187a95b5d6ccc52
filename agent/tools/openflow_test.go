package tools

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
)

// message is one of OpenFlow.
func message(version, kind byte, body ...byte) []byte {
	b := []byte{version, kind}
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(body)))
	return append(append(b, 0, 0, 0, 1), body...)
}

// speak is a switch that reads a message before each answer, and returns what it
// read.
func speak(t *testing.T, answers ...[]byte) (net.Conn, func() []string) {
	t.Helper()
	here, there := net.Pipe()
	var heard []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, a := range answers {
			_, kind, body, err := readOpenFlow(there)
			if err != nil {
				return
			}
			heard = append(heard, hex.EncodeToString([]byte{kind})+" "+hex.EncodeToString(body))
			if a != nil {
				if _, err := there.Write(a); err != nil {
					return
				}
			}
		}
		there.Close()
		_, _ = io.Copy(io.Discard, there)
	}()
	t.Cleanup(func() { here.Close(); <-done })
	return here, func() []string { here.Close(); <-done; return heard }
}

func TestPacketOut(t *testing.T) {
	frame := make([]byte, 14)
	const action = "ffff00100000" + "2320000efff800000000"
	for name, c := range map[string]struct {
		hello, barrier []byte
		packetOut      string
	}{
		"1.0":                                {message(1, 0), message(1, 19), "0d ffffffff" + "0007" + "0010" + action},
		"1.3, by its version":                {message(4, 0), message(4, 21), "0d ffffffff" + "00000007" + "0010" + "000000000000" + action},
		"1.3, by its bitmap":                 {message(6, 0, 0, 1, 0, 8, 0, 0, 0, 0x10), message(4, 21), "0d ffffffff" + "00000007" + "0010" + "000000000000" + action},
		"1.0 to 1.5, behind another element": {message(6, 0, 0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x7e), message(5, 21), "0d ffffffff" + "00000007" + "0010" + "000000000000" + action},
	} {
		t.Run(name, func(t *testing.T) {
			conn, heard := speak(t, c.hello, nil, c.barrier)
			flow, err := openOpenFlow(conn)
			if err != nil {
				t.Fatal(err)
			}
			if err := flow.packetOut(conn, 7, frame); err != nil {
				t.Fatal(err)
			}
			got := heard()
			if len(got) != 3 || got[1] != c.packetOut+hex.EncodeToString(frame) {
				t.Errorf("said %q\nwant %q", got, c.packetOut)
			}
		})
	}
}

func TestPacketOutRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answers [][]byte
		says    string
	}{
		"only 1.5":        {[][]byte{message(6, 0, 0, 1, 0, 8, 0, 0, 0, 0x40)}, "speaks none"},
		"no hello":        {[][]byte{message(4, 5)}, "not with a hello"},
		"nothing":         {[][]byte{}, "closed"},
		"a bad length":    {[][]byte{{4, 0, 0, 3, 0, 0, 0, 0}}, "3 bytes"},
		"an error":        {[][]byte{message(4, 0), nil, message(4, 1, 0, 2, 0, 4)}, "type 2 code 4"},
		"the end of it":   {[][]byte{message(4, 0), nil, nil}, "EOF"},
		"anything but it": {[][]byte{message(4, 0), nil, []byte(strings.Repeat(string(message(4, 12)), 70))}, "64 other things"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := speak(t, c.answers...)
			flow, err := openOpenFlow(conn)
			if err == nil {
				err = flow.packetOut(conn, 7, make([]byte, 60))
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzHello(f *testing.F) {
	f.Add(byte(6), []byte{0, 1, 0, 8, 0, 0, 0, 0x10})
	f.Add(byte(255), []byte{0, 9, 0, 5, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, version byte, body []byte) { theirVersions(version, body) })
}
