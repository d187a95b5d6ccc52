package openstack

import (
	"errors"
	"testing"
)

func TestFindInASnapshot(t *testing.T) {
	s := NewSnapshot().With(
		Port{ID: "8f2c1f6e-0c1d-4b67-9d00-000000000001", MAC: "fa:16:3e:0a:11:01", DeviceID: "server-1", Host: "cmp1", Fixed: []Address{{IP: "10.20.0.11"}}},
		Server{ID: "server-1", Name: "web-1", Host: "cmp1"}, Node{Host: "cmp1"},
	)
	for text, want := range map[string]Kind{
		"10.20.0.11": KindPort, "FA-16-3E-0A-11-01": KindPort, "tap8f2c1f6e-0c": KindPort, "web-1": KindServer, "cmp1": KindNode,
	} {
		f, err := s.Find(text)
		if err != nil || f.Hits[0].ObjectKind() != want || len(f.Trail) == 0 || f.Snapshot != s {
			t.Errorf("%s: %+v %v", text, f, err)
		}
	}
	if f, err := s.Find("db-1"); !errors.Is(err, ErrNotFound) || f.Snapshot != s {
		t.Errorf("db-1: %+v %v", f, err)
	}
	if _, err := s.Find(" "); err == nil {
		t.Error("nothing was found to be something")
	}
}
