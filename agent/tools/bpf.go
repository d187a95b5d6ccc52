package tools

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// program is a filter for the kernel's classic BPF machine, see the kernel's
// Documentation/networking/filter.rst. What it returns is how many bytes of the
// packet to keep; 0 refuses the packet.
type program []unix.SockFilter

// maxProgram is the kernel's BPF_MAXINSNS.
const maxProgram = 4096

// Ancillary data that a program reads as if it were at these offsets
// (linux/filter.h, SKF_AD_OFF and its followers).
const (
	adVLANTag     = 0xfffff000 + 44 // skb->vlan_tci
	adVLANPresent = 0xfffff000 + 48
	adVLANTPID    = 0xfffff000 + 60 // since Linux 4.1
)

// Operation codes in the words of linux/bpf_common.h.
const (
	opLoadWord  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opLoadHalf  = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
	opLoadByte  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	opLoadLen   = unix.BPF_LD | unix.BPF_W | unix.BPF_LEN
	opAddK      = unix.BPF_ALU | unix.BPF_ADD | unix.BPF_K
	opAndK      = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opShiftK    = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K
	opJump      = unix.BPF_JMP | unix.BPF_JA
	opJumpEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opReturn    = unix.BPF_RET | unix.BPF_K
)

// Where the first VLAN tag of an Ethernet frame stands, in bytes.
const (
	tagTPID = 12
	tagTCI  = 14
	tagEnd  = 16
	tagSize = 4
)

// returns is the program that answers every packet with n.
func returns(n uint32) program { return program{{Code: opReturn, K: n}} }

// readProgram reads what tcpdump -ddd prints: a count, then one instruction a line.
func readProgram(r io.Reader) (program, error) {
	in := bufio.NewReader(r)
	var n int
	if _, err := fmt.Fscan(in, &n); err != nil {
		return nil, fmt.Errorf("read the length of a compiled filter: %w", err)
	}
	if n < 1 || n > maxProgram {
		return nil, fmt.Errorf("a compiled filter of %d instructions", n)
	}
	p := make(program, n)
	for i := range p {
		if _, err := fmt.Fscan(in, &p[i].Code, &p[i].Jt, &p[i].Jf, &p[i].K); err != nil {
			return nil, fmt.Errorf("read instruction %d of a compiled filter: %w", i, err)
		}
	}
	return p, p.check()
}

// check tells whether every jump ends inside the program, as the kernel does.
func (p program) check() error {
	if len(p) > maxProgram {
		return fmt.Errorf("the filter needs %d instructions and the kernel takes %d", len(p), maxProgram)
	}
	for i, in := range p {
		furthest := i
		switch {
		case in.Code == opJump:
			if in.K >= uint32(len(p)) {
				return errors.New("a jump out of the filter")
			}
			furthest = i + 1 + int(in.K)
		case in.Code&0x07 == unix.BPF_JMP:
			furthest = i + 1 + int(max(in.Jt, in.Jf))
		case in.Code&0x07 == unix.BPF_RET:
		default:
			furthest = i + 1
		}
		if furthest >= len(p) {
			return errors.New("a jump out of the filter")
		}
	}
	return nil
}

// keep returns p with every acceptance keeping snap bytes.
func (p program) keep(snap uint32) program {
	out := append(program(nil), p...)
	for i := range out {
		if out[i].Code == opReturn && out[i].K != 0 {
			out[i].K = snap
		}
	}
	return out
}

// butNot refuses what drop accepts and asks p about all else.
func (p program) butNot(drop program) program {
	out := append(program(nil), drop...)
	for i := range out {
		if out[i].Code != opReturn {
			continue
		}
		if out[i].K != 0 {
			out[i].K = 0
		} else {
			out[i] = unix.SockFilter{Code: opJump, K: uint32(len(drop) - i - 1)}
		}
	}
	return append(out, p...)
}

// byTag asks tagged about packets whose VLAN tag the kernel took off, and plain
// about all others. With vlan not 0 the tag taken off must have that id.
func byTag(vlan int, tagged, plain program) program {
	out := program{
		{Code: opLoadWord, K: adVLANPresent},
		{Code: opJumpEqual, K: 0, Jt: 0, Jf: 1},
		{Code: opJump, K: uint32(len(tagged))},
	}
	if vlan != 0 {
		out[2].K += 4
		out = append(out,
			unix.SockFilter{Code: opLoadWord, K: adVLANTag},
			unix.SockFilter{Code: opAndK, K: 0xfff},
			unix.SockFilter{Code: opJumpEqual, K: uint32(vlan), Jt: 1, Jf: 0},
			unix.SockFilter{Code: opReturn, K: 0},
		)
	}
	return append(append(out, tagged...), plain...)
}

// errStraddles is what taken answers for a load that it can't divide.
var errStraddles = errors.New("it reads bytes across a VLAN tag that the kernel keeps beside the packet")

// taken turns a program about a frame with its VLAN tag in place into one about
// the same frame after the kernel took the tag off: reads of the tag become
// reads of the kernel's note of it, and reads behind it move by its size.
func (p program) taken() (program, error) {
	var out program
	at := make([]int, len(p)+1) // where instruction i of p begins in out
	for i, in := range p {
		at[i] = len(out)
		moved, err := withoutTag(in)
		if err != nil {
			return nil, err
		}
		out = append(out, moved...)
	}
	at[len(p)] = len(out)
	for i, in := range p {
		last := at[i+1] - 1 // a jump is never the first of several
		if in.Code == opJump {
			out[last].K = uint32(at[i+1+int(in.K)] - last - 1)
		} else if in.Code&0x07 == unix.BPF_JMP {
			t, f := at[i+1+int(in.Jt)]-last-1, at[i+1+int(in.Jf)]-last-1
			if max(t, f) > 255 {
				return nil, errors.New("it is too long")
			}
			out[last].Jt, out[last].Jf = uint8(t), uint8(f)
		}
	}
	return out, nil
}

// withoutTag is taken for one instruction.
func withoutTag(in unix.SockFilter) ([]unix.SockFilter, error) {
	size := uint32(4)
	switch in.Code & 0x18 {
	case unix.BPF_H:
		size = 2
	case unix.BPF_B:
		size = 1
	}
	switch class, mode := in.Code&0x07, in.Code&0xe0; {
	case class != unix.BPF_LD && class != unix.BPF_LDX:
		return []unix.SockFilter{in}, nil
	case mode == unix.BPF_LEN:
		if class == unix.BPF_LDX {
			return nil, errors.New("it asks for the length in a way that steth does not know")
		}
		return []unix.SockFilter{in, {Code: opAddK, K: tagSize}}, nil
	case mode == unix.BPF_MSH:
		size = 1
	case mode != unix.BPF_ABS && mode != unix.BPF_IND:
		return []unix.SockFilter{in}, nil
	}
	switch {
	case in.K >= adVLANTag&^0xfff: // the kernel's own data
		return []unix.SockFilter{in}, nil
	case in.K >= tagEnd:
		in.K -= tagSize
		return []unix.SockFilter{in}, nil
	case in.Code&0xe0 != unix.BPF_ABS:
		// Where an index that is not known here leads to can't be told.
		return nil, errStraddles
	case in.K+size <= tagTPID:
		return []unix.SockFilter{in}, nil
	}
	switch {
	case in.Code == opLoadHalf && in.K == tagTPID:
		return []unix.SockFilter{{Code: opLoadWord, K: adVLANTPID}}, nil
	case in.Code == opLoadHalf && in.K == tagTCI:
		return []unix.SockFilter{{Code: opLoadWord, K: adVLANTag}}, nil
	case in.Code == opLoadByte && in.K == tagTCI:
		return []unix.SockFilter{{Code: opLoadWord, K: adVLANTag}, {Code: opShiftK, K: 8}}, nil
	case in.Code == opLoadByte && in.K == tagTCI+1:
		return []unix.SockFilter{{Code: opLoadWord, K: adVLANTag}, {Code: opAndK, K: 0xff}}, nil
	}
	return nil, errStraddles
}

// String is the program as tcpdump -d would print it, for errors and tests.
func (p program) String() string {
	s := ""
	for i, in := range p {
		s += fmt.Sprintf("(%03d) %v\n", i, bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}.Disassemble())
	}
	return s
}
