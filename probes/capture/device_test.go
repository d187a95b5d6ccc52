package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"steth/agent/api"
	"steth/packets"
	"steth/probes"
	"steth/rpc"
)

// recorded is a stream of messages that came before.
type recorded struct {
	all []rpc.Message
	end error
}

func (r *recorded) Next() (rpc.Message, error) {
	if len(r.all) == 0 {
		return rpc.Message{}, r.end
	}
	m := r.all[0]
	r.all = r.all[1:]
	return m, nil
}

func (r *recorded) Close() error { return nil }

func event(t *testing.T, e api.CaptureEvent) rpc.Message {
	t.Helper()
	b, err := cbor.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return rpc.Message{Event: b}
}

func TestFollow(t *testing.T) {
	var frame []byte
	for i := range 3 {
		frame = api.AppendPacket(frame, api.Packet{Time: int64(i), Length: 60, VLAN: 7, TPID: 0x8100, Data: []byte{1, 2, byte(i)}})
	}
	s := &recorded{all: []rpc.Message{
		event(t, api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 1, Snap: 128}),
		{Data: frame},
		event(t, api.CaptureEvent{Kind: api.CaptureStats, Kernel: 4, Queue: 5}),
		{Data: frame[:len(frame)/3]},
	}, end: io.EOF}
	var got []packets.Packet
	c, err := Follow(s, func(p packets.Packet) error {
		got = append(got, p)
		return nil
	}, func(Counts) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Started: true, Packets: 4, Kernel: 4, Queue: 5, Snap: 128}); c != want {
		t.Errorf("counts are %+v, want %+v", c, want)
	}
	if got[2].Time != 2 || got[2].VLAN != 7 || got[2].TPID != 0x8100 || got[2].Length != 60 || got[2].Data[2] != 2 {
		t.Errorf("third packet is %+v", got[2])
	}
}

func TestFollowRefusesOtherLinks(t *testing.T) {
	s := &recorded{all: []rpc.Message{event(t, api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 12})}, end: io.EOF}
	if c, err := Follow(s, func(packets.Packet) error { return nil }, func(Counts) {}); err == nil || c.Started {
		t.Errorf("a capture of plain IP was taken: %+v", c)
	}
}

func TestFollowEnds(t *testing.T) {
	full := errors.New("disk full")
	for name, c := range map[string]struct {
		s    *recorded
		take error
		want error
	}{
		"cut":      {&recorded{end: rpc.ErrUnexpectedEnd}, nil, rpc.ErrUnexpectedEnd},
		"bad data": {&recorded{all: []rpc.Message{{Data: []byte{1}}}, end: io.EOF}, nil, api.ErrBadPacket},
		"taker":    {&recorded{all: []rpc.Message{{Data: api.AppendPacket(nil, api.Packet{})}}, end: io.EOF}, full, full},
		"stopped":  {&recorded{end: context.Canceled}, nil, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Follow(c.s, func(packets.Packet) error { return c.take }, func(Counts) {})
			if !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
		})
	}
}

func TestJudgeDevice(t *testing.T) {
	for name, c := range map[string]struct {
		counts  Counts
		filter  string
		verdict probes.Verdict
		reason  string
	}{
		"seen":    {Counts{Packets: 12}, "", probes.OK, "12 packets seen on tap0 of cmp1, none dropped"},
		"nothing": {Counts{}, "icmp", probes.Warn, `no packets that fit "icmp" seen on tap0 of cmp1`},
		"dropped": {Counts{Packets: 12, Kernel: 3, Queue: 1}, "", probes.Warn, "12 packets seen on tap0 of cmp1, and 4 more dropped by the capture (kernel 3, agent 1)"},
		// Nothing seen but something dropped proves nothing.
		"only drops": {Counts{Queue: 1}, "", probes.Warn, "0 packets seen on tap0 of cmp1, and 1 more dropped by the capture (kernel 0, agent 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			f := judgeDevice("tap0", "cmp1", c.filter, c.counts)
			if f.Verdict != c.verdict || f.Reason != c.reason {
				t.Errorf("got  %s %q\nwant %s %q", f.Verdict, f.Reason, c.verdict, c.reason)
			}
		})
	}
}

// endless is a hostile agent: it says the same again and again.
type endless struct{ event []byte }

func (e endless) Next() (rpc.Message, error) { return rpc.Message{Event: e.event}, nil }
func (endless) Close() error                 { return nil }

func TestReadLinksOfAHostileAgent(t *testing.T) {
	encode := func(ns api.Namespace) []byte {
		raw, err := cbor.Marshal(ns)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, event := range map[string][]byte{
		"namespaces without links":  encode(api.Namespace{Name: "a"}),
		"the smallest links":        append([]byte{0xa1, 0x05, 0x99, 0xff, 0xff}, bytes.Repeat([]byte{0xa0}, 0xffff)...),
		"one namespace's long name": encode(api.Namespace{Name: strings.Repeat("n", 1<<20-64)}),
	} {
		all, err := ReadLinks(endless{event}, func(api.Namespace) {})
		if err == nil || !strings.Contains(err.Error(), "does not end") || len(all) == 0 {
			t.Errorf("%s: %d namespaces, %v", name, len(all), err)
		}
	}
}
