package catalog

import (
	"regexp"
	"strings"
	"testing"
)

// TestEveryProbeSaysWhatItIs checks what the picker, the help and the docs print.
func TestEveryProbeSaysWhatItIs(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+\.[a-z0-9-]+$`)
	for _, p := range All().All() {
		if !name.MatchString(p.Name) {
			t.Errorf("%s is not group.name", p.Name)
		}
		if !strings.HasSuffix(p.Ask, "?") || len(p.Ask) > 90 {
			t.Errorf("%s asks %q, which is not one line that ends with a question mark", p.Name, p.Ask)
		}
		if len(p.Kinds) == 0 || len(p.Codes) == 0 {
			t.Errorf("%s has no kinds or no reason codes", p.Name)
		}
		for _, a := range p.Args() {
			if err := a.Check(a.Default); err != nil && a.Default != "" {
				t.Errorf("%s: its own default is refused: %v", p.Name, err)
			}
		}
	}
}
