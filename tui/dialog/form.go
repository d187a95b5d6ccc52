package dialog

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/probes"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// formWait bounds how long a form waits for what the agents have to offer.
const formWait = 5 * time.Second

// Form asks for the arguments of a probe. Each field is checked as it is
// typed; where there are choices, left and right go through them.
type Form struct {
	env     *page.Env
	pick    page.Pick
	fields  []*field
	focus   int
	ready   bool
	trouble string // why choices are missing
	top     int    // the first field that shows
	lines   []int  // where the fields were drawn, from top on
	tried   bool   // enter was pressed: errors of untouched fields show too
	hasty   bool   // enter was pressed before the fields were there
	cancel  context.CancelFunc
}

type field struct {
	arg     probes.Arg
	input   *part.Input
	touched bool
}

type formReady struct {
	form *Form
	args []probes.Arg
	err  error
}

// NewForm makes the form and the command that asks what can be chosen.
func NewForm(env *page.Env, pick page.Pick) (*Form, tea.Cmd) {
	ctx, cancel := context.WithTimeout(context.Background(), formWait)
	f := &Form{env: env, pick: pick, cancel: cancel}
	return f, func() tea.Msg {
		defer cancel()
		args, err := env.Backend.Form(ctx, pick.Probe, pick.Target)
		return formReady{f, args, err}
	}
}

// Update implements [Dialog].
func (f *Form) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case formReady:
		if msg.form == f {
			return f.fill(msg)
		}
		return nil, false
	case tea.KeyPressMsg:
		return f.key(msg)
	case tea.MouseClickMsg:
		if i := slices.Index(f.lines, msg.Y); i >= 0 {
			f.goTo(f.top + i)
		}
		return nil, false
	}
	if cur := f.current(); cur != nil && cur.input.Update(msg) {
		cur.touched = true
	}
	return nil, false
}

// fill builds the fields. A probe without arguments needs no form.
func (f *Form) fill(msg formReady) (tea.Cmd, bool) {
	f.ready = true
	if msg.err != nil {
		f.trouble = msg.err.Error()
	}
	args := msg.args
	if args == nil {
		args = f.pick.Probe.Args()
	}
	for _, a := range args {
		in := part.NewInput(placeholder(a))
		value := a.Default
		if v, ok := f.pick.Set[a.Name]; ok {
			value = v
		}
		in.Set(value)
		f.fields = append(f.fields, &field{arg: a, input: in})
	}
	if len(f.fields) == 0 && msg.err == nil {
		return f.start(), true
	}
	f.goTo(f.firstOpen())
	if f.hasty && msg.err == nil {
		return f.submit()
	}
	return nil, false
}

// submit runs the probe, or goes to the first field that doesn't check.
func (f *Form) submit() (tea.Cmd, bool) {
	f.tried = true
	for i, fd := range f.fields {
		if fd.arg.Check(fd.input.Value()) != nil {
			f.goTo(i)
			return nil, false
		}
	}
	return f.start(), true
}

// firstOpen is the first field that needs a value, else the first.
func (f *Form) firstOpen() int {
	for i, fd := range f.fields {
		if fd.arg.Required && fd.input.Value() == "" {
			return i
		}
	}
	return 0
}

func placeholder(a probes.Arg) string {
	switch {
	case a.Required:
		return "needed"
	case len(a.Choices) > 0:
		return "none"
	}
	return ""
}

func (f *Form) current() *field {
	if f.focus < len(f.fields) {
		return f.fields[f.focus]
	}
	return nil
}

func (f *Form) goTo(i int) {
	if len(f.fields) == 0 {
		return
	}
	for _, fd := range f.fields {
		fd.input.Blur()
	}
	f.focus = (i + len(f.fields)) % len(f.fields)
	f.fields[f.focus].input.Focus()
}

func (f *Form) key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	cur := f.current()
	switch msg.String() {
	case "esc", "ctrl+c":
		f.cancel()
		return nil, true
	case "tab", "down":
		f.goTo(f.focus + 1)
		return nil, false
	case "shift+tab", "up":
		f.goTo(f.focus - 1)
		return nil, false
	case "enter":
		if !f.ready {
			f.hasty = true
			return nil, false
		}
		return f.submit()
	case "left", "right":
		if cur != nil && f.cycle(cur, msg.String() == "right") {
			return nil, false
		}
	case "space":
		if cur != nil && cur.arg.Type == probes.Bool {
			f.cycle(cur, true)
			return nil, false
		}
	}
	if cur != nil && cur.input.Update(msg) {
		cur.touched = true
	}
	return nil, false
}

// cycle goes to the next choice. Where free text is allowed too, it does so
// only while the value is one of the choices or empty, so that the arrows can
// still edit what was typed.
func (f *Form) cycle(fd *field, forward bool) bool {
	choices := choicesOf(fd.arg)
	if len(choices) == 0 {
		return false
	}
	at := slices.Index(choices, fd.input.Value())
	if at < 0 && !fd.arg.Closed && fd.input.Value() != "" {
		return false
	}
	switch {
	case at < 0:
		at = 0
	case forward:
		at = (at + 1) % len(choices)
	default:
		at = (at + len(choices) - 1) % len(choices)
	}
	fd.input.Set(choices[at])
	return true
}

func choicesOf(a probes.Arg) []string {
	if a.Type == probes.Bool {
		return []string{"false", "true"}
	}
	return a.Choices
}

// start leaves out what equals the usual default of the probe, so that the
// shell command stays short, and keeps what was fitted to the target.
func (f *Form) start() tea.Cmd {
	set := map[string]string{}
	for _, fd := range f.fields {
		set[fd.arg.Name] = fd.input.Value()
	}
	return page.Say(page.Start{Probe: f.pick.Probe, Target: f.pick.Target, Also: f.pick.Also, Set: set})
}

// View implements [Dialog].
func (f *Form) View(width, height int) Box {
	th := f.env.Theme
	inner := min(width-8, 96)
	lines := wrapped(th, th.Muted, f.pick.Probe.Ask, inner)
	lines = append(lines, blank(th, inner))
	label := 6
	for _, fd := range f.fields {
		label = max(label, part.TextWidth(fd.arg.Name))
	}
	label = min(label, inner/3)
	var cursor *Point
	if !f.ready {
		lines = append(lines, part.NewLine(inner, th).Put(th.Muted, "asking what can be chosen here"+th.Glyphs.Ellipsis).String())
	}
	room := height - len(lines) - 6 // the frame, what is under the focused field, the trouble
	f.top = max(min(f.top, f.focus), f.focus-room+1, 0)
	f.lines = f.lines[:0]
	for i := f.top; i < min(f.top+room, len(f.fields)); i++ {
		f.lines = append(f.lines, len(lines)+1)
		line, under, x := f.draw(f.fields[i], i == f.focus, label, inner)
		if lines = append(lines, line); i == f.focus {
			cursor = &Point{x + 2, len(lines)}
			lines = append(lines, under)
		}
	}
	if f.trouble != "" {
		lines = append(lines, blank(th, inner))
		lines = append(lines, wrapped(th, th.Warn, th.Glyphs.Suspicious+" "+f.trouble, inner)...)
	}
	foot := "enter runs   tab next   esc leaves"
	if cur := f.current(); cur != nil && cur.choosable() {
		foot = "enter runs   tab next   left right choose   esc leaves"
	}
	box := frame(th, f.pick.Probe.Name+"  "+page.Whom(f.pick.Target, f.pick.Also), foot, lines, inner)
	box.Cursor = cursor
	return box
}

// valueRoom is how wide a value may be before its help gives way.
const valueRoom = 26

// choosable tells whether left and right have something to go through.
func (fd *field) choosable() bool {
	c := choicesOf(fd.arg)
	return len(c) > 1 || len(c) == 1 && c[0] != fd.input.Value()
}

// wrong is what is wrong with the value. Before anything was typed an empty
// field is not scolded.
func (f *Form) wrong(fd *field) error {
	if !fd.touched && !f.tried {
		return nil
	}
	return fd.arg.Check(fd.input.Value())
}

// draw draws a field: name, value, and what it is; and what stands under it
// while it has the focus: what is wrong, or what can be chosen. x is the
// cursor's column.
func (f *Form) draw(fd *field, focused bool, label, inner int) (line, under string, x int) {
	th := f.env.Theme
	l := part.NewLine(inner, th)
	err := f.wrong(fd)
	name, value := th.Muted, th.Text
	if focused {
		l.Ground = th.SelectedGround
		name, value = th.Accent, th.Strong
		l.Put(th.Accent, th.Glyphs.Bar)
	}
	if err != nil {
		value = th.Bad
	}
	l.To(2).Cell(part.Spans{{Style: name, Text: fd.arg.Name}}, label).Skip(2)
	choosable := fd.choosable()
	if choosable {
		l.Put(th.Muted, th.Glyphs.Left+" ")
	} else {
		l.Skip(2)
	}
	x = l.Used() + f.value(l, fd, focused, value)
	if choosable {
		l.Put(th.Muted, " "+th.Glyphs.Right)
	}
	note := fd.arg.Notes[fd.input.Value()] // says more than the help, where there is one
	helped := l.Used() <= label+4+valueRoom
	switch {
	case helped && err != nil && !focused:
		l.To(label+6+valueRoom).Put(th.Bad, reason(fd, err))
	case helped && note != "":
		l.To(label+6+valueRoom).Put(th.Muted, note)
	case helped:
		l.To(label+6+valueRoom).Put(th.Muted, fd.arg.Help)
	case err == nil && note != "":
		l.Skip(3).Put(th.Muted, note)
	}
	u := part.NewLine(inner, th).Skip(label + 6)
	switch {
	case err != nil:
		u.Put(th.Bad, reason(fd, err))
	case len(fd.arg.Choices) > 1:
		u.Spans(around(th, fd))
	case !helped:
		u.Put(th.Muted, fd.arg.Help)
	}
	return l.String(), u.String(), x
}

// reason is an error without the field's name, which stands beside it.
func reason(fd *field, err error) string { return strings.TrimPrefix(err.Error(), fd.arg.Name+": ") }

// value draws the value and returns the cursor's place in it.
func (f *Form) value(l *part.Line, fd *field, focused bool, style themes.Style) int {
	th := f.env.Theme
	text := fd.input.Value()
	switch {
	case text == "":
		l.Put(th.Muted, fd.input.Placeholder)
		return 0
	case !focused:
		l.Put(style, text)
		return 0
	}
	room := max(min(part.TextWidth(text)+1, l.Left()-3), 1)
	drawn, x := fd.input.View(room, themes.Style{Prefix: l.Ground.Prefix + style.Prefix, Suffix: "\x1b[m"}, th)
	l.Raw(strings.TrimSuffix(drawn, " "), min(part.TextWidth(text), room))
	return x
}

// around lists the choices, from the one that is chosen on.
func around(th *themes.Theme, fd *field) part.Spans {
	at := max(slices.Index(fd.arg.Choices, fd.input.Value()), 0)
	var out part.Spans
	for i := range fd.arg.Choices {
		k := (at + i) % len(fd.arg.Choices)
		style := th.Muted
		if i == 0 && fd.arg.Choices[k] == fd.input.Value() {
			style = th.Accent
		}
		out = append(out, part.Span{Style: style, Text: fd.arg.Choices[k] + "  "})
	}
	return out
}
