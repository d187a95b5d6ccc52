package path

import (
	"testing"
	"time"

	"steth/themes"
	"steth/tui/backend"
	"steth/tui/keys"
	"steth/tui/page"
)

// offline is a backend of which the page needs no more.
type offline struct{ backend.Backend }

func (offline) Agents() []backend.Agent { return nil }

// BenchmarkFrame draws the page over 60,000 packets at four hops: a frame in
// which rows changed, and one in which the sums are read anew.
func BenchmarkFrame(b *testing.B) {
	s, hosts := watched(b, 4, func() time.Time { return noon }, echo(0, 4, noon.Add(-time.Minute))...)
	for i := range 60_000 {
		e := echo(i, 4, noon.Add(-time.Minute+time.Duration(i)*100*time.Microsecond))
		hosts.Tell(e...)
	}
	for !hosts.Told() {
		time.Sleep(10 * time.Millisecond)
	}
	theme, err := themes.Get("dark", false)
	if err != nil {
		b.Fatal(err)
	}
	table, _ := keys.New(keys.Default(), nil)
	env := &page.Env{Theme: &theme, Keys: table, Now: func() time.Time { return noon }, Backend: offline{}}
	p := Show(b.Context(), env, s)
	p.View(160, 40)
	for name, sums := range map[string]bool{"rows": false, "sums": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p.read = time.Now(); sums {
					p.read, p.shown, p.pause = time.Time{}, 0, 0
				}
				p.View(160, 40)
			}
		})
	}
}
