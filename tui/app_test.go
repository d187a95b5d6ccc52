package tui_test

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"steth/openstack"
	"steth/tui"
	"steth/tui/tuitest"
)

var update = flag.Bool("update", false, "write the golden files afresh")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; go test ./tui -update writes it afresh after you have looked at it. Got:\n%s\nWant:\n%s", name, got, want)
	}
}

// loaded is an explorer with the sample cloud read and the agents dialled.
func loaded(t *testing.T, b *tuitest.Backend, w, h int, opt tui.Options) *tuitest.Driver {
	t.Helper()
	d := tuitest.Start(t, b, w, h, opt)
	d.UntilText("3 of 3")
	d.UntilText("Ports 14")
	return d
}

// onPort puts the cursor on the port of web-1.
func onPort(d *tuitest.Driver) {
	d.Type("203.0.113.24")
	d.Press("enter")
	d.UntilText("router r-blue")
	d.UntilText("8f2c1f6e-0c1d")
}

var sizes = []struct {
	name string
	w, h int
}{{"80x24", 80, 24}, {"120x35", 120, 35}, {"200x60", 200, 60}}

func TestScreens(t *testing.T) {
	scenes := []struct {
		name string
		go_  func(d *tuitest.Driver)
	}{
		{"explorer", func(d *tuitest.Driver) {}},
		{"find", func(d *tuitest.Driver) {
			d.Type("203.0.113.24")
			d.Press("enter")
			d.UntilText("port web-1")
		}},
		{"filter", func(d *tuitest.Driver) { d.Press("esc", "/"); d.Type("blue cmp") }},
		{"networks", func(d *tuitest.Driver) { d.Press(":"); d.Type("networks"); d.Press("enter") }},
		{"picker", func(d *tuitest.Driver) { d.Press("esc", "p") }},
		{"form", func(d *tuitest.Driver) {
			d.Press("esc", ":")
			d.Type("probe l3.ping")
			d.Press("enter")
			d.UntilText("count")
			d.Press("tab", "tab", "tab")
			d.Type("x")
			d.UntilText("not a whole number")
		}},
		{"fleet", func(d *tuitest.Driver) { d.Press("esc", ":"); d.Type("fleet"); d.Press("enter") }},
		{"help", func(d *tuitest.Driver) { d.Press("esc", "?") }},
		{"describe", func(d *tuitest.Driver) { d.Press("esc", "d") }},
		{"command", func(d *tuitest.Driver) { d.Press("esc", ":"); d.Type("p") }},
		{"question", func(d *tuitest.Driver) { d.Press("esc", "q") }},
		{"finding", func(d *tuitest.Driver) {
			d.Press("esc", "G", "k", "k", "p")
			d.Type("mtu")
			d.Press("enter")
			d.UntilText("1 finding")
			d.Press("[")
		}},
	}
	for _, size := range sizes {
		for _, s := range scenes {
			t.Run(s.name+"-"+size.name, func(t *testing.T) {
				t.Parallel()
				d := loaded(t, tuitest.New(0), size.w, size.h, tui.Options{Theme: "dark"})
				s.go_(d)
				d.Fits(size.w, size.h)
				golden(t, s.name+"-"+size.name+".txt", d.Screen()+"\n")
			})
		}
	}
}

func TestThemes(t *testing.T) {
	for _, theme := range []string{"dark", "light", "mono"} {
		t.Run(theme, func(t *testing.T) {
			t.Parallel()
			d := loaded(t, tuitest.New(0), 120, 35, tui.Options{Theme: theme})
			d.Press("esc")
			d.Fits(120, 35)
			golden(t, "theme-"+theme+".ansi", d.View().Content+"\n")
		})
	}
	t.Run("ascii", func(t *testing.T) {
		t.Parallel()
		d := loaded(t, tuitest.New(0), 120, 35, tui.Options{Theme: "mono", ASCII: true})
		d.Press("esc")
		for _, r := range d.View().Content {
			if r > 0x7e {
				t.Fatalf("%q on an ASCII screen:\n%s", r, d.Screen())
			}
		}
	})
}

func TestTooSmall(t *testing.T) {
	d := tuitest.Start(t, tuitest.New(0), 79, 24, tui.Options{})
	if got := d.Screen(); got != "Steth needs 80x24 cells; this terminal has 79x24" {
		t.Errorf("the screen: %q", got)
	}
	d.Resize(10, 3)
	d.Fits(10, 3)
	d.Resize(80, 24)
	d.UntilText("Ports 14")
}

func TestFirstFrame(t *testing.T) {
	b := tuitest.New(0)
	b.Gate = make(chan struct{}) // the cloud does not answer
	begun := time.Now()
	d := tuitest.Start(t, b, 120, 35, tui.Options{})
	screen := d.Screen()
	if took := time.Since(begun); took > 50*time.Millisecond {
		t.Errorf("the first frame took %v", took)
	}
	for _, want := range []string{"prod-eu1", "READ-ONLY", "find ▸ address"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the first frame lacks %q:\n%s", want, screen)
		}
	}
	if d.View().Cursor == nil {
		t.Error("the cursor does not stand in find")
	}
	close(b.Gate)
	d.UntilText("Ports 14")
}

func TestPingToWorkspaceAndFinding(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 160, 45, tui.Options{Theme: "dark"})
	onPort(d)
	d.Press("p")
	d.Type("ping")
	d.Press("enter")
	d.UntilText("enter runs")
	d.UntilText("10.20.0.11")
	d.Press("enter")
	d.UntilText("icmp_seq=18")
	d.UntilText("▶ 1")
	d.Press("ctrl+c") // stops the probe, not the console
	d.UntilText("2 of 20 requests to 10.20.0.11 were not answered")
	if d.Quit() {
		t.Fatal("ctrl+c on a live probe left the console")
	}
	d.Press("[")
	d.UntilText("✗ 1 finding")
	d.UntilText("l3.ping 2 of 20")
	for line := range strings.Lines(d.Screen()) {
		if strings.Contains(line, "▌web-1") && !strings.Contains(line, "✗") {
			t.Errorf("the port's WIRE does not show the finding: %q", line)
		}
	}
	// The same again on the same port needs no form.
	d.Press(".")
	d.Until("a second run", func() bool { return len(b.Runs()) == 2 })
}

func TestCaptureShortcut(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 45, tui.Options{})
	onPort(d)
	d.Press("c")
	d.UntilText("tap8f2c1f6e-0c")
	d.UntilText("device")
	d.Press("tab", "right") // the next device that is offered
	d.UntilText("qbr8f2c1f6e-0c")
	d.Press("enter")
	d.UntilText("ICMP echo request")
	d.UntilText("qbr8f2c1f6e-0c on cmp1")
}

func TestFormChecksWhatIsTyped(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	d.Press("esc", ":")
	d.Type("probe l3.ping")
	d.Press("enter")
	d.UntilText("enter runs")
	d.Press("ctrl+u")
	d.Type("10.0.0.1/24")
	d.UntilText("leave the mask away")
	d.Press("enter")
	if n := len(b.Runs()); n != 0 {
		t.Errorf("%d runs begun with a bad address", n)
	}
	d.Press("ctrl+u", "enter")
	d.UntilText("a value is needed")
	d.Press("esc")
	d.UntilGone("enter runs")
}

func TestLettersAreTextInFind(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Type("q:?jp")
	d.UntilText("find ▸ q:?jp")
	d.Press("esc")
	d.Press("esc", "esc") // never quits
	if d.Quit() {
		t.Fatal("esc left the console")
	}
	d.Press("s", "ctrl+u")
	d.Paste("fa:16:3e:0a:11:02")
	d.Press("enter")
	d.UntilText("port web-2 10.20.0.12")
}

func TestPasteOntoAListIsLookedFor(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Press("esc", "j")
	d.Paste("  10.20.0.22\r\n") // a whole line, with its end
	d.UntilText("port db-2 10.20.0.22")
	d.UntilText("▌db-2")
}

func TestEscLeavesAWorkspaceForTheExplorer(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	onPort(d)
	d.Press("c")
	d.UntilText("enter runs")
	d.UntilText("tap8f2c1f6e-0c")
	d.Press("enter")
	d.UntilText("ICMP echo request")
	d.Press("f", "esc") // first out of the zoom
	d.UntilText("ICMP echo request")
	d.Press("esc")
	d.UntilText("Ports 14")
	d.Press("-")
	d.UntilText("ICMP echo request")
	if d.Quit() {
		t.Error("esc left the console")
	}
}

func TestFindNothingAndFindMany(t *testing.T) {
	b := tuitest.New(0)
	b.Cloud = b.Cloud.With(openstack.Port{ID: "twin", NetworkID: "x", MAC: "fa:16:3e:99:99:99", Status: "ACTIVE", AdminUp: true, Host: "cmp1", Fixed: []openstack.Address{{IP: "10.20.0.11"}}})
	d := tuitest.Start(t, b, 120, 35, tui.Options{})
	d.UntilText("Ports 15")
	d.Type("192.0.2.1")
	d.Press("enter")
	d.UntilText("no address, MAC, name or id like this")
	d.Press("ctrl+u")
	d.Type("10.20.0.11")
	d.Press("enter")
	d.UntilText("2 found for 10.20.0.11")
	d.Press("down", "enter")
	d.UntilGone("2 found")
}

func TestReadOnly(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	d.Press("esc", "p")
	d.UntilText("needs :rw")
	d.Type("bw")
	d.Press("enter")
	d.UntilText("read-only  → :rw [TICKET] unlocks it")
	d.Press(":")
	d.Type("rw INC-1")
	d.Press("enter")
	d.UntilText("READ-WRITE")
	d.UntilText("INC-1")
	d.Press(":")
	d.Type("ro")
	d.Press("enter")
	d.UntilText("READ-ONLY")
}

func TestQuitAsksAndDefaultsToNo(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Press("ctrl+c")
	d.UntilText("Leave Steth?")
	d.Press("enter")
	d.UntilGone("Leave Steth?")
	if d.Quit() {
		t.Fatal("enter alone left the console")
	}
	d.Press("esc", "q", "y")
	d.Until("the end", d.Quit)
}

func TestQuitCommandAsksWhileSomethingRuns(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	onPort(d)
	d.Press("c")
	d.UntilText("enter runs")
	d.UntilText("tap8f2c1f6e-0c")
	d.Press("enter")
	d.UntilText("ICMP echo")
	d.Press(":")
	d.Type("q")
	d.Press("enter")
	d.UntilText("One probe runs")
	d.Press("n", "q")
	d.UntilText("Close this workspace?")
	d.Press("y")
	d.UntilGone("tabs")
}

func TestAPIDownAndBack(t *testing.T) {
	b := tuitest.New(0)
	var later atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(later.Load())) }
	d := loaded(t, b, 120, 35, tui.Options{})
	b.Fail(errors.New("keystone at 10.98.0.2:5000 does not answer: connection refused"))
	d.Press("esc", "j", "R")
	d.UntilText("✗ could not be read, asked again in")
	d.UntilText("connection refused")
	if !strings.Contains(d.Screen(), "web-1") {
		t.Errorf("what was known is gone:\n%s", d.Screen())
	}
	grey := "38;2;125;134;150m" // the dark theme's muted text
	if !strings.Contains(d.View().Content, grey+"web-1") {
		t.Error("what may no longer hold is not grey")
	}
	b.Fail(nil)
	later.Store(int64(time.Minute))
	d.UntilText("the API answers again")
	d.UntilGone("could not be read")
	d.Press(":")
	d.Type("log")
	d.Press("enter")
	d.UntilText("connection refused") // the log keeps it
	d.Press("esc")
	d.UntilGone("connection refused") // and it was read
}

// refused is an error that asking again does not mend.
type refused struct{ error }

func (refused) Permanent() bool { return true }

// TestAWrongPasswordIsNotTriedAgain: clouds lock an account that fails often.
func TestAWrongPasswordIsNotTriedAgain(t *testing.T) {
	b := tuitest.New(0)
	var now atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(now.Load())) }
	b.Fail(fmt.Errorf("read ports: %w", refused{errors.New("Keystone refused the password of ops")}))
	d := tuitest.Start(t, b, 120, 35, tui.Options{})
	d.UntilText("refused the password")
	d.UntilText("→ esc R asks again")
	b.Fail(nil)
	now.Store(int64(time.Hour))
	d.UntilText("13:04:31")
	if s := d.Screen(); strings.Contains(s, "Ports 14") || strings.Contains(s, "asked again in") {
		t.Errorf("it was asked again:\n%s", s)
	}
	d.Press("esc", "R")
	d.UntilText("Ports 14")
}

func TestRefreshKeepsTheCursor(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	onPort(d)
	b.Cloud = b.Cloud.With(openstack.Port{ID: "aaaa", Name: "aaaa-new", NetworkID: "x", Status: "ACTIVE", AdminUp: true})
	d.Press("R")
	d.UntilText("Ports 15")
	d.UntilText("▌web-1")
}

func TestDrillDownAndBack(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 45, tui.Options{})
	d.Press("esc", ":")
	d.Type("networks green")
	d.Press("enter", "enter")
	d.UntilText("of network green")
	screen := d.Screen()
	if !strings.Contains(screen, "cache-1") || strings.Contains(screen, " db-1 ") {
		t.Errorf("not the ports of green:\n%s", screen)
	}
	d.Press("esc")
	d.UntilText("▌green")
	d.Press("J")
	d.UntilText("related to green")
	d.Type("green-v4")
	d.Press("enter")
	d.UntilText("▌green-v4")
}

func TestMissingKindTellsWhy(t *testing.T) {
	b := tuitest.New(0)
	s := openstack.NewSnapshot()
	s.Missing[openstack.KindPort] = "ports: this user may not list them; ask for the reader role"
	b.Cloud = s
	d := tuitest.Start(t, b, 120, 35, tui.Options{})
	d.UntilText("? ports: this user may not list them; ask for the reader role")
	d.UntilText("Ports ?")
}

func TestCopyGoesThroughTmux(t *testing.T) {
	want := base64.StdEncoding.EncodeToString([]byte("8f2c1f6e-0c1d-4b67-9d00-000000000001"))
	for name, env := range map[string]string{"": "", "TMUX": "/tmp/tmux"} {
		d := loaded(t, tuitest.New(0), 120, 35, tui.Options{Getenv: func(k string) string {
			if k == name {
				return env
			}
			return ""
		}})
		onPort(d)
		d.Press("ctrl+y")
		d.Until("the clipboard", func() bool { return d.Raw() != "" })
		if !strings.Contains(d.Raw(), "\x1b]52;c;"+want) {
			t.Errorf("with %q: %q", name, d.Raw())
		}
		if wrapped := strings.Contains(d.Raw(), "\x1bPtmux;"); wrapped != (name == "TMUX") {
			t.Errorf("with %q wrapped: %v", name, wrapped)
		}
	}
}

func TestCommandLine(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Press("esc", ":")
	d.Type("flo")
	d.Press("tab", "enter")
	d.UntilText("203.0.113.24")
	d.Press(":", "up")
	d.UntilText(":floatingips")
	d.Press("esc", ":")
	d.Type("nonsense")
	d.Press("enter")
	d.UntilText(`there is no command "nonsense"`)
	d.Press(":")
	d.Type("theme light")
	d.Press("enter")
	if c := d.View().Content; !strings.Contains(c, "38;2;51;53;58") {
		t.Error("the theme did not change")
	}
}

func TestKeysOfTheConfiguration(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 45, tui.Options{Keys: map[string][]string{"probe": {"P"}, "raw": {"d"}, "nosuch": {"x"}}})
	d.UntilText("keys: d is both explorer.describe and explorer.raw")
	d.Press("esc", ":")
	d.Type("log")
	d.Press("enter")
	d.UntilText(`there is no "nosuch" to give keys to`)
	d.Press("esc")
	d.UntilText("P probe")
	d.Press("P")
	d.UntilText("type to filter")
}

func TestMouse(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	lines := strings.Split(d.Screen(), "\n")
	for y, l := range lines {
		if x := strings.Index(l, "Networks"); x >= 0 {
			d.Click(x+1, y)
		}
	}
	d.UntilText("vxlan")
	for y, l := range strings.Split(d.Screen(), "\n") {
		if strings.HasPrefix(l, " public") {
			d.Click(3, y)
		}
	}
	d.UntilText("▌public")
	if d.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is off")
	}
	d.Press("f2")
	if d.View().MouseMode != tea.MouseModeNone {
		t.Error("F2 did not give the mouse back")
	}
}

func TestHostileNames(t *testing.T) {
	b := tuitest.New(0)
	b.Cloud = b.Cloud.With(tuitest.Hostile()...)
	d := tuitest.Start(t, b, 100, 40, tui.Options{})
	d.UntilText("Ports 25")
	d.Press("esc")
	for range 10 {
		d.Press("tab")
		for range 8 {
			d.Press("j")
			d.Fits(100, 40)
		}
		d.Press("d")
		d.Fits(100, 40)
		d.Press("esc")
	}
}

// TestAnyKeysAnySize presses what comes and resizes: nothing may panic, and no
// line may be wider than the screen.
func TestAnyKeysAnySize(t *testing.T) {
	strokes := strings.Fields("j k g G ctrl+d ctrl+u enter esc esc tab shift+tab / ! n N space S w R d y J p c . ctrl+y Y : ? s - ] [ q n up down left right a 1 f x backspace f2 pgdown home end _ | < > T X ctrl+c n")
	for seed := range uint64(6) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			b := tuitest.New(0)
			b.Cloud = b.Cloud.With(tuitest.Hostile()...)
			d := tuitest.Start(t, b, 80, 24, tui.Options{})
			w, h := 80, 24
			for range 250 {
				if r.IntN(12) == 0 {
					w, h = 80+r.IntN(150), 24+r.IntN(50)
					d.Resize(w, h)
				}
				stroke := strokes[r.IntN(len(strokes))]
				d.Press(stroke)
				if d.Quit() {
					return
				}
				d.Fits(w, h)
				if t.Failed() {
					t.Fatalf("after %s at %dx%d, seed %d", stroke, w, h, seed)
				}
			}
		})
	}
}

func TestFiftyThousandPorts(t *testing.T) {
	b := tuitest.New(0)
	b.Cloud = tuitest.Large(50_000)
	d := tuitest.Start(t, b, 160, 45, tui.Options{})
	d.UntilText("Ports 50000")
	d.UntilText("port-1 ")
	d.Press("esc", "/")
	best := time.Hour // the machine may be busy with other things
	for _, r := range "port-49" {
		begun := time.Now()
		d.Send(tea.KeyPressMsg{Code: r, Text: string(r)})
		d.View()
		best = min(best, time.Since(begun))
	}
	if best > 50*time.Millisecond {
		t.Errorf("a letter of the filter takes %v", best)
	}
	d.UntilText("1111 of 50000")
	d.Press("enter", "G")
	d.UntilText("of 1111 ")
	d.Fits(160, 45)
}
