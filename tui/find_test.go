package tui_test

import (
	"strings"
	"testing"

	"steth/openstack"
	"steth/tui"
	"steth/tui/tuitest"
)

// TestANameOfSeveralIsChosenFrom: a security group that has just the name does
// not hide the servers whose names begin with it.
func TestANameOfSeveralIsChosenFrom(t *testing.T) {
	b := tuitest.New(0)
	b.Cloud = b.Cloud.With(openstack.SecurityGroup{ID: "5ec00000-0000-4000-8000-0000000000e0", Name: "web"})
	d := loaded(t, b, 120, 35, tui.Options{})
	d.Type("web")
	d.Press("enter")
	d.UntilText("3 found for web")
	screen := d.Screen()
	server, group := strings.Index(screen, "server           web-1"), strings.Index(screen, "security group   web")
	if server < 0 || group < server {
		t.Errorf("servers do not come first:\n%s", screen)
	}
	d.Press("down", "enter")
	d.UntilText("▌web-2")
	d.Press("s")
	d.Type("WEB-1") // one only: no question
	d.Press("enter")
	d.UntilText("▌web-1")
}

func TestTheTrailOfASearchShowsWhereItLed(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 35, tui.Options{})
	onPort(d)
	line := func() string { return strings.Split(d.Screen(), "\n")[1] }
	d.Press("j")
	d.Until("no trail elsewhere", func() bool { return !strings.Contains(line(), "router r-blue") })
	d.Press("k")
	d.Until("the trail again", func() bool { return strings.Contains(line(), "port web-1 10.20.0.11") })
	for w := 160; w >= 80; w-- {
		d.Resize(w, 35)
		trail := strings.TrimSpace(strings.Split(line(), "API answered")[0])
		if strings.HasSuffix(trail, "→") || strings.HasSuffix(trail, "→ …") || strings.HasSuffix(trail, "→  …") {
			t.Errorf("at %d columns the trail leads nowhere: %q", w, trail)
		}
	}
}
