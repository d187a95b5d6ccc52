package tools

import (
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"steth/agent/api"
)

// TestFit: what is told of a huge namespace fits one event of the wire, 1 MiB.
func TestFit(t *testing.T) {
	link := api.Link{
		Index: 1 << 30, Name: strings.Repeat("n", 15), Kind: "openvswitch", MAC: "fa:16:3e:00:00:01", MTU: 65_535, Up: true, Oper: "lowerlayerdown",
		Master: strings.Repeat("m", 15), Peer: 1 << 30, PeerNetns: "qrouter-00000000-0000-0000-0000-000000000000", Alias: strings.Repeat("a", 255),
		Addresses: []string{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128"}, CarrierChanges: 1 << 31, VNI: 1 << 24,
		Stats: api.LinkStats{RxPackets: 1 << 60, TxPackets: 1 << 60, RxBytes: 1 << 60, TxBytes: 1 << 60, RxErrors: 1 << 60, TxErrors: 1 << 60, RxDropped: 1 << 60, TxDropped: 1 << 60},
	}
	all := slices.Repeat([]api.Link{link}, 5000)
	n := fit(all)
	if n == 0 || n == len(all) {
		t.Fatalf("%d of %d links", n, len(all))
	}
	b, err := cbor.Marshal(api.Namespace{Links: all[:n]})
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 1<<20 {
		t.Errorf("%d links take %d bytes", n, len(b))
	}
	if got := fit(all[:3]); got != 3 {
		t.Errorf("%d of 3 links", got)
	}
}
