package tools

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// vlan100udp is tcpdump -ddd -y EN10MB "vlan 100 and udp" of libpcap 1.10.3.
const vlan100udp = `19
40 0 0 12
21 2 0 33024
21 1 0 34984
21 0 14 37120
40 0 0 14
84 0 0 4095
21 0 11 100
40 0 0 16
21 0 6 34525
48 0 0 24
21 6 0 17
21 0 6 44
48 0 0 58
21 3 4 17
21 0 3 2048
48 0 0 27
21 0 1 17
6 0 0 262144
6 0 0 0
`

func mustRead(t *testing.T, text string) program {
	t.Helper()
	p, err := readProgram(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// frameWith is an Ethernet frame with a UDP datagram, with a tag of id vlan
// unless that is 0.
func frameWith(vlan uint16, proto byte) []byte {
	b := make([]byte, 12)
	if vlan != 0 {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 0), vlan)
	}
	ip := make([]byte, 40)
	ip[0], ip[9] = 0x45, proto
	return append(append(b, 8, 0), ip...)
}

// vm runs p over frame. If vlan is not 0 the machine has a note of a tag that
// was taken off, as the kernel has it; x/net/bpf knows no ancillary data, so
// loads of it become constants.
func vm(t *testing.T, p program, frame []byte, vlan uint32) int {
	t.Helper()
	var ins []bpf.Instruction
	for _, in := range p {
		if in.Code == opLoadWord {
			v, ok := map[uint32]uint32{adVLANPresent: min(vlan, 1), adVLANTag: vlan, adVLANTPID: 0x8100}[in.K]
			if ok {
				ins = append(ins, bpf.LoadConstant{Dst: bpf.RegA, Val: v})
				continue
			}
		}
		ins = append(ins, bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}.Disassemble())
	}
	m, err := bpf.NewVM(ins)
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	n, err := m.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTaken(t *testing.T) {
	p := mustRead(t, vlan100udp).keep(128)
	taken, err := p.taken()
	if err != nil {
		t.Fatal(err)
	}
	both := byTag(0, taken, p)
	if err := both.check(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		frame []byte
		note  uint32
		want  int
	}{
		{"tag inside", frameWith(100, 17), 0, 128},
		{"another tag inside", frameWith(101, 17), 0, 0},
		{"no tag", frameWith(0, 17), 0, 0},
		{"tag taken off", frameWith(0, 17), 100, 128},
		{"tag with priority taken off", frameWith(0, 17), 5<<13 | 100, 128},
		{"another tag taken off", frameWith(0, 17), 101, 0},
		{"TCP with its tag taken off", frameWith(0, 6), 100, 0},
	} {
		if got := vm(t, both, tt.frame, tt.note); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestByTagFollowsVLAN(t *testing.T) {
	p := byTag(100, returns(1), returns(2))
	for note, want := range map[uint32]int{0: 2, 100: 1, 5<<13 | 100: 1, 101: 0} {
		if got := vm(t, p, frameWith(0, 17), note); got != want {
			t.Errorf("note %d: %d, want %d", note, got, want)
		}
	}
}

func TestButNot(t *testing.T) {
	p := returns(96).butNot(mustRead(t, vlan100udp))
	if got := vm(t, p, frameWith(100, 17), 0); got != 0 {
		t.Errorf("what was excluded: %d", got)
	}
	if got := vm(t, p, frameWith(100, 6), 0); got != 96 {
		t.Errorf("all else: %d", got)
	}
}

// TestTakenGrows covers loads that become two instructions, so that jumps over
// them must grow.
func TestTakenGrows(t *testing.T) {
	p := program{
		{Code: opLoadByte, K: 9},
		{Code: opJumpEqual, K: 0, Jt: 0, Jf: 5}, // to refusal
		{Code: opLoadByte, K: 14},
		{Code: opJumpEqual, K: 0xa0, Jt: 0, Jf: 3},
		{Code: opLoadLen},
		{Code: opJumpEqual, K: 58, Jt: 0, Jf: 1},
		{Code: opReturn, K: 7},
		{Code: opReturn, K: 0},
	}
	taken, err := p.taken()
	if err != nil {
		t.Fatal(err)
	}
	if err := taken.check(); err != nil {
		t.Fatal(err)
	}
	if got := vm(t, taken, frameWith(0, 17), 0xa064); got != 7 {
		t.Errorf("got %d\n%v", got, taken)
	}
	if got := vm(t, taken, frameWith(0, 17), 0x2064); got != 0 {
		t.Errorf("got %d\n%v", got, taken)
	}
}

func TestTakenRefuses(t *testing.T) {
	for name, in := range map[string]unix.SockFilter{
		"a word over the tag":   {Code: opLoadWord, K: 12},
		"a half into the tag":   {Code: opLoadHalf, K: 11},
		"an index into the tag": {Code: unix.BPF_LD | unix.BPF_B | unix.BPF_IND, K: 4},
	} {
		if _, err := (program{in, {Code: opReturn, K: 1}}).taken(); !errors.Is(err, errStraddles) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadProgramRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              "",
		"no instructions":      "0\n",
		"too many":             "5000\n6 0 0 1\n",
		"cut short":            "2\n6 0 0 1\n",
		"no end":               "1\n40 0 0 12\n",
		"a jump out":           "2\n21 3 0 1\n6 0 0 1\n",
		"a far jump out":       "2\n5 0 0 4294967295\n6 0 0 1\n",
		"numbers that are not": "1\n6 0 0 x\n",
		"a code too large":     "1\n65536 0 0 1\n",
	} {
		if p, err := readProgram(strings.NewReader(text)); err == nil {
			t.Errorf("%s gave %v", name, p)
		}
	}
}

func TestNamesVLAN(t *testing.T) {
	for text, want := range map[string]bool{
		"vlan": true, "VLAN 7": true, "not(vlan)": true, "icmp and vlan 5": true,
		"icmp": false, "host vlan.example": false, "host my-vlan": false, "vlans": false,
	} {
		if namesVLAN(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func FuzzTaken(f *testing.F) {
	f.Add(vlan100udp)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readProgram(strings.NewReader(text))
		if err != nil {
			return
		}
		taken, err := p.taken()
		if err != nil {
			return
		}
		if len(taken) <= maxProgram {
			if err := taken.check(); err != nil {
				t.Errorf("%v\n%v\n%v", err, p, taken)
			}
		}
	})
}
