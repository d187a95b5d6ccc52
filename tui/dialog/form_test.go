package dialog

import (
	"errors"
	"testing"

	tea "charm.land/bubbletea/v2"

	"steth/probes"
	"steth/tui/page"
)

// TestEnterBeforeTheFieldsAreThere types faster than the agents answer.
func TestEnterBeforeTheFieldsAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		args []probes.Arg
		err  error
		runs bool
	}{
		"runs when all is filled in":  {[]probes.Arg{{Name: "to", Type: probes.IP, Default: "10.0.0.5", Required: true}}, nil, true},
		"waits for what is needed":    {[]probes.Arg{{Name: "to", Type: probes.IP, Required: true}}, nil, false},
		"waits when something failed": {[]probes.Arg{{Name: "count", Type: probes.Int, Default: "5"}}, errors.New("no agent"), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Form{pick: page.Pick{Probe: &probes.Probe{Name: "l3.ping"}}}
			if _, done := f.Update(tea.KeyPressMsg{Code: tea.KeyEnter}); done {
				t.Fatal("it ran without its fields")
			}
			cmd, done := f.Update(formReady{f, c.args, c.err})
			if done != c.runs || (cmd != nil) != c.runs {
				t.Errorf("done is %v, want %v", done, c.runs)
			}
		})
	}
}
