package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"steth/agent/api"
)

// fakeSwitch is a directory whose database answers one question with what was
// recorded, and where br-phy.mgmt listens.
func fakeSwitch(t *testing.T, answer []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, answer := range map[string][]byte{ovsdbSocket: answer, "br-phy.mgmt": nil} {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				var req ovsdbRequest
				if json.NewDecoder(conn).Decode(&req) == nil && req.Method == "transact" {
					_, _ = conn.Write(answer)
				}
				conn.Close()
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
	}
	return dir
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asked runs the ovs tool on a fake switch.
func asked(t *testing.T, answer []byte, req api.OVSRequest) ([]api.OVSEvent, error) {
	t.Helper()
	node := &Node{OpenVSwitch: []string{"/no/such/directory", fakeSwitch(t, answer)}}
	if state := readySwitch(node); !state.Ready {
		t.Fatalf("not ready: %s", state.Reason)
	}
	var out []api.OVSEvent
	err := runOVS(t.Context(), node, req, eventSink(func(v any) { out = append(out, v.(api.OVSEvent)) }))
	return out, err
}

func portNamed(t *testing.T, events []api.OVSEvent, bridge, name string) api.OVSPort {
	t.Helper()
	for _, e := range events {
		if e.Bridge == nil || e.Bridge.Name != bridge {
			continue
		}
		if i := slices.IndexFunc(e.Bridge.Ports, func(p api.OVSPort) bool { return p.Interface == name }); i >= 0 {
			return e.Bridge.Ports[i]
		}
	}
	t.Fatalf("no port %s in %s", name, bridge)
	return api.OVSPort{}
}

func TestOVS(t *testing.T) {
	events, err := asked(t, recorded(t, "ovsdb-3.1-lab-cmp1.json"), api.OVSRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if s := events[0].Switch; s == nil || s.SystemID != "cmp1" || s.Pending != 0 || s.Down != "" || filepath.Base(s.Socket) != "db.sock" {
		t.Errorf("the switch: %+v", s)
	}
	rows := strings.Replace(string(recorded(t, "ovsdb-3.1-lab-cmp1.json")), `"ovs_version":["set",[]]`, `"ovs_version":"3.1.0","_":1`, 1)
	if version, err := asked(t, []byte(rows), api.OVSRequest{}); err != nil || version[0].Switch.Version != "3.1.0" {
		t.Errorf("where ovs-ctl wrote the version: %v", err)
	}
	var names []string
	for _, e := range events[1:] {
		names = append(names, fmt.Sprintf("%s %s %s %d", e.Bridge.Name, e.Bridge.Datapath, e.Bridge.FailMode, len(e.Bridge.Ports)))
	}
	if got, want := strings.Join(names, ", "), "br-int netdev secure 5, br-phy netdev standalone 2, br-tun netdev secure 4"; got != want {
		t.Errorf("bridges: %s\nwant     %s", got, want)
	}
	tap := portNamed(t, events, "br-int", "tap9a43e3c3-d1")
	if tap.Tag != 2 || tap.IfaceID != "9a43e3c3-d16d-56e1-b6df-6aa41dcfdb47" || tap.AttachedMAC != "fa:16:3e:aa:f5:e3" || tap.IfaceStatus != "active" ||
		tap.OFPort != 2 || tap.Admin != "up" || tap.LinkState != "up" || tap.MTU == 0 || tap.Stats.RxPackets == 0 || tap.Type != "" || tap.Error != "" {
		t.Errorf("a tap: %+v", tap)
	}
	if w := tap.Wired; w == nil || w.Tag != 2 || w.Network != "cf5036e3-9c65-50b8-9c10-304f73d107ea" || w.Type != "vxlan" || w.SegmentID != 102 {
		t.Errorf("what the agent noted: %+v", w)
	}
	if p := portNamed(t, events, "br-int", "patch-tun"); p.Type != "patch" || p.Peer != "patch-int" || p.Wired != nil || p.Stats.TxPackets == 0 {
		t.Errorf("a patch port: %+v", p)
	}
	if p := portNamed(t, events, "br-tun", "vxlan-0a63000c"); p.Type != "vxlan" || p.LocalIP != "10.99.0.11" || p.RemoteIP != "10.99.0.12" || p.Key != "flow" {
		t.Errorf("a tunnel: %+v", p)
	}
}

// TestOVSOfNeutron reads what Neutron's own agent made: release 21, networks of
// type vxlan and vlan, bridges that it controls.
func TestOVSOfNeutron(t *testing.T) {
	events, err := asked(t, recorded(t, "ovsdb-3.1-neutron-21-cmp1.json"), api.OVSRequest{})
	if err != nil {
		t.Fatal(err)
	}
	connected := map[string]bool{}
	for _, e := range events[1:] {
		for _, c := range e.Bridge.Controllers {
			connected[e.Bridge.Name] = c.Connected
		}
	}
	if len(connected) != 3 || !connected["br-int"] || !connected["br-tun"] || !connected["br-ex"] {
		t.Errorf("controllers: %v", connected)
	}
	if w := portNamed(t, events, "br-int", "tap24a0c90e-df").Wired; w == nil || *w != (api.OVSWiring{Tag: 1, Network: "5715b705-ff9e-487d-981d-a93ef1fc1c91", Type: "vxlan", Physical: "None", SegmentID: 1137}) {
		t.Errorf("vxlan: %+v", w)
	}
	if w := portNamed(t, events, "br-int", "tapf436865c-50").Wired; w == nil || w.Tag != 2 || w.Type != "vlan" || w.Physical != "public" || w.SegmentID != 150 {
		t.Errorf("vlan: %+v", w)
	}
	if p := portNamed(t, events, "br-int", "int-br-ex"); p.Wired != nil || p.Peer != "phy-br-ex" {
		t.Errorf("a patch port: %+v", p)
	}
}

func TestOVSFaults(t *testing.T) {
	events, err := asked(t, recorded(t, "ovsdb-3.1-faults.json"), api.OVSRequest{})
	if err != nil {
		t.Fatal(err)
	}
	p := portNamed(t, events, "br-int", "tapnosuch")
	if p.OFPort != -1 || p.Error != "could not open network device tapnosuch (No such device)" || p.Tag != 4095 || p.VLANMode != "trunk" || !slices.Equal(p.Trunks, []int{7, 4095}) || p.Wired != nil {
		t.Errorf("a port without its device: %+v", p)
	}
	for _, e := range events {
		if b := e.Bridge; b != nil && b.Name == "br-tun" && (len(b.Controllers) != 1 || b.Controllers[0].Target != "tcp:127.0.0.1:6633" || b.Controllers[0].Connected) {
			t.Errorf("controllers: %+v", b.Controllers)
		}
	}
	if p := portNamed(t, events, "br-tun", "secret0"); p.Key != "5" {
		t.Errorf("a tunnel with a key: %+v", p)
	}
	b, err := cbor.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("swordfish")) {
		t.Error("a secret of IPsec is told")
	}
	one, err := asked(t, recorded(t, "ovsdb-3.1-faults.json"), api.OVSRequest{Bridge: "br-phy"})
	if err != nil || len(one) != 2 || one[1].Bridge.Name != "br-phy" || one[1].Bridge.Protocols != nil {
		t.Errorf("one bridge: %+v, %v", one, err)
	}
	if _, err := asked(t, recorded(t, "ovsdb-3.1-faults.json"), api.OVSRequest{Bridge: "br-none"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a bridge that isn't there: %v", err)
	}
}

func TestOVSBadAnswers(t *testing.T) {
	ok := `{"rows":[]}`
	for name, c := range map[string]struct {
		answer string
		kind   error
		says   string
	}{
		"closed":          {"", ErrUnavailable, "EOF"},
		"not JSON":        {"hello", ErrUnavailable, "invalid character"},
		"an error":        {`{"id":1,"error":{"error":"unknown database"},"result":null}`, ErrUnavailable, "unknown database"},
		"too few tables":  {`{"id":1,"error":null,"result":[` + ok + `]}`, ErrUnavailable, "no answer about table Bridge"},
		"unknown column":  {`{"id":1,"error":null,"result":[{"error":"unknown column","details":"cur_cfg"},null]}`, ErrUnavailable, "table Open_vSwitch: unknown column cur_cfg"},
		"another's":       {`{"id":7,"error":null,"result":[]}`, ErrUnavailable, "not asked"},
		"after an echo":   {`{"id":"echo","method":"echo","params":[]}{"id":1,"error":null,"result":[` + strings.Repeat(ok+",", 4) + ok + `]}`, nil, ""},
		"no map":          {`{"id":1,"error":null,"result":[{"rows":[{"external_ids":["set",[]]}]}]}`, ErrUnavailable, "is not a map"},
		"a set of sets":   {`{"id":1,"error":null,"result":[{"rows":[{"ovs_version":["set",[["set",[]]]]}]}]}`, ErrUnavailable, "table Open_vSwitch"},
		"a tag of string": {`{"id":1,"error":null,"result":[` + ok + `,` + ok + `,{"rows":[{"tag":"x"}]}]}`, ErrUnavailable, "table Port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := asked(t, []byte(c.answer), api.OVSRequest{})
			if c.kind == nil && err != nil || c.kind != nil && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	t.Run("endless", func(t *testing.T) {
		err := readOVSDB(t.Context(), readWriter{io.MultiReader(strings.NewReader(`{"result":"`), endless{})}, nil, nil)
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%v", err)
		}
	})
}

// readWriter reads what was made before and forgets what is written.
type readWriter struct{ io.Reader }

func (readWriter) Write(p []byte) (int, error) { return len(p), nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestOVSNotThere(t *testing.T) {
	node := &Node{OpenVSwitch: []string{t.TempDir()}}
	if state := readySwitch(node); state.Ready || !state.Absent || !strings.HasPrefix(state.Reason, "Open vSwitch does not run here: no db.sock in "+node.OpenVSwitch[0]) {
		t.Errorf("%+v", state)
	}
	if err := runOVS(t.Context(), node, api.OVSRequest{}, nil); !errors.Is(err, ErrNotReady) {
		t.Errorf("%v", err)
	}
}

// TestContained: processes are looked through once in a while, whoever asks, and
// at once where the one that was found is gone.
func TestContained(t *testing.T) {
	var c Contained
	looked, runs, alive := 0, false, false
	look := func() (switchSockets, bool) { looked++; return switchSockets{pid: looked}, runs }
	ask := func(want bool, times int) {
		t.Helper()
		if _, ok := c.find(look, func(switchSockets) bool { return alive }); ok != want || looked != times {
			t.Errorf("found is %v, want %v; looked %d times, want %d", ok, want, looked, times)
		}
	}
	ask(false, 1)
	ask(false, 1)
	c.until, runs, alive = time.Now().Add(-1), true, true
	ask(true, 2)
	ask(true, 2)
	alive = false
	ask(true, 3)
	runs = false
	ask(false, 4)
	ask(false, 4)
}

// TestOVSCancelled: a database that does not answer holds nobody who left.
func TestOVSCancelled(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, ovsdbSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the caller left")
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			var req ovsdbRequest
			_ = json.NewDecoder(conn).Decode(&req)
			cancel(left)
			_, _ = conn.Read(make([]byte, 1)) // until the tool closes
		}
	}()
	if err := runOVS(ctx, &Node{OpenVSwitch: []string{dir}}, api.OVSRequest{}, nil); !errors.Is(err, left) {
		t.Errorf("%v", err)
	}
}

// TestOVSParts: a bridge with thousands of ports fits events of the wire, 1 MiB
// each, and no port is lost.
func TestOVSParts(t *testing.T) {
	long := strings.Repeat("x", 512)
	port := api.OVSPort{Name: long, Interface: long, Error: long, IfaceID: long, Peer: long, Trunks: slices.Repeat([]int{4095}, 4096), Stats: api.OVSStats{
		RxPackets: 1 << 60, TxPackets: 1 << 60, RxBytes: 1 << 60, TxBytes: 1 << 60, RxErrors: 1 << 60, TxErrors: 1 << 60, RxDropped: 1 << 60, TxDropped: 1 << 60,
	}, Wired: &api.OVSWiring{Network: long, SegmentID: 1 << 24}}
	total := 0
	all := parts(api.OVSBridge{Name: "br-int", Ports: slices.Repeat([]api.OVSPort{port}, 1000)})
	for _, b := range all {
		b, err := cbor.Marshal(api.OVSEvent{Bridge: &b})
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 1<<20 {
			t.Errorf("an event takes %d bytes", len(b))
		}
	}
	for _, b := range all {
		total += len(b.Ports)
	}
	if total != 1000 || len(all) < 2 {
		t.Errorf("%d ports in %d parts", total, len(all))
	}
	if empty := parts(api.OVSBridge{Name: "br-none"}); len(empty) != 1 {
		t.Errorf("a bridge without ports: %+v", empty)
	}
}

// FuzzOVSDB feeds answers of a database that may be anything.
func FuzzOVSDB(f *testing.F) {
	for _, name := range []string{"ovsdb-3.1-lab-cmp1.json", "ovsdb-3.1-faults.json", "ovsdb-3.1-neutron-21-cmp1.json"} {
		f.Add(recorded(f, name))
	}
	f.Add([]byte(`{"id":1,"error":null,"result":[{"rows":[{"ovs_version":["set",["1"]],"external_ids":["map",[["a","b"]]]}]},{"rows":[{"ports":["uuid","a"]}]},{"rows":[{"_uuid":["uuid","a"],"interfaces":["uuid","a"],"other_config":["map",[["tag","x"]]]}]},{"rows":[{"_uuid":["uuid","a"]}]},{"rows":[]}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		var rows ovsRows
		if err := rows.read(t.Context(), readWriter{bytes.NewReader(answer)}); err != nil {
			return
		}
		rows.about("db.sock")
		for _, b := range rows.bridges() {
			for _, part := range parts(b) {
				if _, err := cbor.Marshal(part); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
