package main

import (
	"errors"
	"testing"
	"time"

	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui"
)

// TestRecordedRefuses asks of a recording what needs the cloud or its agents.
func TestRecordedRefuses(t *testing.T) {
	snap := openstack.NewSnapshot().With(openstack.Port{ID: "port-1", Fixed: []openstack.Address{{IP: "10.0.0.1"}}})
	b := newRecorded("x.pcapng", time.Unix(1, 0), snap)
	p := b.Probes(openstack.KindPort)[0]
	_, form := b.Form(t.Context(), p, probes.Target{})
	_, start := b.Start(p, probes.Target{}, nil)
	_, followed := b.Follow(follow.Plan{})
	for what, err := range map[string]error{"form": form, "start": start, "follow": followed, "unlock": b.Unlock("")} {
		if !errors.Is(err, errRecorded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if i := b.Info(); !i.ReadOnly || !i.Recorded.Equal(time.Unix(1, 0)) || i.Cloud != "x.pcapng" {
		t.Errorf("info %+v", i)
	}
	if f, err := b.Find(t.Context(), "10.0.0.1"); err != nil || len(f.Hits) != 1 {
		t.Errorf("found %+v: %v", f, err)
	}
	if s, err := b.Refresh(t.Context(), nil, nil); s != snap || err != nil {
		t.Errorf("another snapshot: %v", err)
	}
	if _, err := b.Path(t.Context(), tui.PathQuestion{From: "port-2"}); err == nil {
		t.Error("a path of what was not recorded")
	}
}
