package tools

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"steth/agent/api"
)

// TestAllIsWhatTheAPIPromises holds the two lists together.
func TestAllIsWhatTheAPIPromises(t *testing.T) {
	rows, all := api.Tools(), All()
	if len(rows) != len(all) {
		t.Errorf("api.Tools has %d rows, All has %d tools", len(rows), len(all))
	}
	for i := range min(len(rows), len(all)) {
		if all[i].Tool != rows[i] {
			t.Errorf("tool %d is %+v, api.Tools has %+v", i, all[i].Tool, rows[i])
		}
	}
}

func TestParse(t *testing.T) {
	_, err := ping().Parse(func(any) error { return nil })
	if !errors.Is(err, ErrArgument) {
		t.Errorf("an empty request: %v", err)
	}
	why := errors.New("malformed")
	if _, err := ping().Parse(func(any) error { return why }); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	job, err := links().Parse(func(any) error { return nil })
	if _, ok := job.Request.(api.LinksRequest); !ok || err != nil {
		t.Errorf("%T, %v", job.Request, err)
	}
}

func TestHello(t *testing.T) {
	node := &Node{Name: "cmp1", Version: "1", Limits: api.Limits{Jobs: 3}, Jobs: func() int { return 2 }, ClockOffset: 1 << 60}
	var got api.Hello
	err := runHello(context.Background(), node, api.HelloRequest{Sent: 7}, eventSink(func(v any) { got = v.(api.Hello) }))
	if err != nil || got.Sent != 7 || got.Node != "cmp1" || got.Jobs != 2 || got.Limits.Jobs != 3 || len(got.Tools) != len(All()) || got.Kernel == "" {
		t.Errorf("%v, %+v", err, got)
	}
	if got.Clock < 1<<60 {
		t.Errorf("the clock ignores the offset: %d", got.Clock)
	}
}

type eventSink func(any)

func (s eventSink) Event(v any) error { s(v); return nil }
func (eventSink) Data([]byte) error   { return errors.New("no data is expected") }
func (eventSink) AddDropped(uint64)   {}

func TestNetnsByName(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "qdhcp-dead"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	node := &Node{Namespaces: []string{"/no/such/directory", dir}}
	ns, err := node.netnsByName("qdhcp-dead")
	if err != nil || !strings.Contains(ns.dead, "without a namespace") {
		t.Errorf("a dead file: %+v, %v", ns, err)
	}
	if _, err := ns.open(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("entering a dead file: %v", err)
	}
	for _, name := range []string{"qdhcp-none", "pid:2147483647"} {
		if _, err := node.netnsByName(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	own, err := node.netnsByName("")
	if err != nil || own.inode == 0 {
		t.Errorf("its own: %+v, %v", own, err)
	}
	dead := 0
	for _, ns := range node.allNetns() {
		if ns.dead != "" {
			dead++
		}
	}
	if all := node.allNetns(); all[0].inode != own.inode || all[0].name != "" || dead != 1 {
		t.Errorf("all: %+v", all)
	}
}
