package api

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRolesAreALadder(t *testing.T) {
	roles := Roles()
	for i, have := range roles {
		for j, need := range roles {
			if got := have.Allows(need); got != (i >= j) {
				t.Errorf("%s allows %s: %v", have, need, got)
			}
		}
	}
	for _, bad := range []Role{"", "root", "Admin"} {
		if bad.Valid() || bad.Allows(RoleViewer) || RoleAdmin.Allows(bad) {
			t.Errorf("role %q counts", bad)
		}
	}
}

func TestToolsNeedKnownRoles(t *testing.T) {
	var names []string
	for _, tool := range Tools() {
		if !tool.Role.Valid() || tool.What == "" || slices.Contains(names, tool.Name) {
			t.Errorf("tool %+v", tool)
		}
		names = append(names, tool.Name)
		if found, ok := FindTool(tool.Name); !ok || found != tool {
			t.Errorf("%s is not found", tool.Name)
		}
	}
	if _, ok := FindTool("shell"); ok {
		t.Error("a tool called shell is found")
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"eth0", "tap8f2c1f6e-0c", "br-int", "ovs-system", "a", "fifteen-letters"} {
		if err := CheckDevice(good); err != nil {
			t.Errorf("device %q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "sixteen-letters-", "-i", "a/b", "a b", "a:b", ".", "..", "tap\n", "ü"} {
		if CheckDevice(bad) == nil {
			t.Errorf("device %q is taken", bad)
		}
	}
	for _, good := range []string{"", "qdhcp-8f2c1f6e-0c1d-4b67-9d2e-000000000000", "pid:17"} {
		if err := CheckNetns(good); err != nil {
			t.Errorf("namespace %q: %v", good, err)
		}
	}
	for _, bad := range []string{".", "..", "../../etc/passwd", "a/b", "-n", "pid:1/../2", strings.Repeat("a", 256)} {
		if CheckNetns(bad) == nil {
			t.Errorf("namespace %q is taken", bad)
		}
	}
}

func TestRequestsCheckTheirFields(t *testing.T) {
	ping := PingRequest{To: "10.0.0.1", Count: 1, Interval: time.Second, Timeout: time.Second}
	server := IperfServerRequest{Bind: "10.0.0.1", Seconds: 10}
	client := IperfClientRequest{To: "10.0.0.1", Port: 5201, Seconds: 10, Protocol: IperfTCP, Parallel: 1}
	capture := CaptureRequest{Device: "tap0"}
	inject := InjectRequest{Device: "tap0", Frames: [][]byte{make([]byte, 60)}, Count: 1, Interval: time.Millisecond}
	type request interface{ Validate() error }
	for _, good := range []request{ping, server, client, capture, inject, HelloRequest{}, LinksRequest{}} {
		if err := good.Validate(); err != nil {
			t.Errorf("%T %+v: %v", good, good, err)
		}
	}
	with := func(change func(p *PingRequest)) request { p := ping; change(&p); return p }
	for field, bad := range map[string]request{
		"to":        with(func(p *PingRequest) { p.To = "-f" }),
		"count":     with(func(p *PingRequest) { p.Count = 0 }),
		"interval":  with(func(p *PingRequest) { p.Interval = time.Millisecond }),
		"timeout":   with(func(p *PingRequest) { p.Timeout = time.Hour }),
		"size":      with(func(p *PingRequest) { p.Size = 65_508 }),
		"ttl":       with(func(p *PingRequest) { p.TTL = 256 }),
		"from":      with(func(p *PingRequest) { p.From = "-I" }),
		"namespace": with(func(p *PingRequest) { p.Netns = "a/b" }),
		"bind":      IperfServerRequest{Bind: "", Seconds: 1},
		"seconds":   IperfServerRequest{Bind: "::1", Seconds: 3601},
		"port":      func() request { c := client; c.Port = 0; return c }(),
		"protocol":  func() request { c := client; c.Protocol = "sctp"; return c }(),
		"parallel":  func() request { c := client; c.Parallel = 33; return c }(),
		"bits":      func() request { c := client; c.Bits = -1; return c }(),
		"vlan":      CaptureRequest{Device: "tap0", VLAN: 4095},
		"snap":      CaptureRequest{Device: "tap0", Snap: 70_000},
		"filter":    CaptureRequest{Device: "tap0", Filter: strings.Repeat("x", 4097)},
		"device":    CaptureRequest{Device: "-r"},
		"frames":    func() request { i := inject; i.Frames = [][]byte{make([]byte, 13)}; return i }(),
	} {
		err := bad.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%T with a bad %s: error is %v", bad, field, err)
		}
	}
}

func TestPacketRecords(t *testing.T) {
	want := []Packet{
		{Time: 1, Length: 60, Data: []byte{1, 2, 3}},
		{Time: -1, Length: 9000, VLAN: 0xffff, TPID: 0x88a8, Type: 4},
		{Time: 1 << 62, Length: 1, Data: bytes.Repeat([]byte{9}, 1000)},
	}
	var frame []byte
	for _, p := range want {
		frame = AppendPacket(frame, p)
	}
	for i := range want {
		var got Packet
		var err error
		if got, frame, err = NextPacket(frame); err != nil {
			t.Fatal(err)
		}
		if got.Time != want[i].Time || got.Length != want[i].Length || got.VLAN != want[i].VLAN ||
			got.TPID != want[i].TPID || got.Type != want[i].Type || !bytes.Equal(got.Data, want[i].Data) {
			t.Errorf("record %d is %+v, want %+v", i, got, want[i])
		}
	}
	if len(frame) != 0 {
		t.Errorf("%d bytes are left", len(frame))
	}
}

func FuzzNextPacket(f *testing.F) {
	f.Add(AppendPacket(nil, Packet{Data: []byte{1}}))
	f.Add(AppendPacket(nil, Packet{})[:PacketHeader-1])
	f.Fuzz(func(t *testing.T, frame []byte) {
		for rest := frame; len(rest) > 0; {
			p, left, err := NextPacket(rest)
			if err != nil {
				return
			}
			if again := AppendPacket(nil, p); len(left) != len(rest)-len(again) {
				t.Fatalf("a record of %d bytes took %d", len(again), len(rest)-len(left))
			}
			rest = left
		}
	})
}
