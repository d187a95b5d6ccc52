package probes

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"steth/openstack"
)

// Spec is what [Define] makes a probe of. A is a struct whose fields are the
// arguments, with tags:
//
//	arg       the name, as on the command line
//	help      what it is, with its unit
//	type      an ArgType where the Go type does not tell it
//	default   the value where none is given
//	min, max  bounds of a number, seconds for a duration
//	choices   allowed values, separated by commas; no others are taken
//	required  "true" where an empty value is refused
//
// Fields are string, int, int64, bool or time.Duration.
type Spec[A any] struct {
	Name  string
	Ask   string
	Kinds []openstack.Kind
	Sends bool
	Live  bool
	Codes []Code
	// Fill sets defaults and choices that depend on the target. It may ask
	// agents, within ctx. An error is shown in the form, which still opens.
	Fill func(ctx context.Context, env Env, target Target, form Form) error
	Run  func(ctx context.Context, job *Job, args A) (Finding, error)
}

// Form is the arguments of a probe while they are fitted to a target.
type Form []Arg

// Default sets the default of the argument called name.
func (f Form) Default(name, value string) {
	if a := f.arg(name); a != nil && value != "" {
		a.Default = value
	}
}

// Choices sets what is offered for the argument called name.
func (f Form) Choices(name string, values []string) {
	if a := f.arg(name); a != nil {
		a.Choices = values
	}
}

// Note says in a few words what a choice of the argument called name is.
func (f Form) Note(name, choice, note string) {
	a := f.arg(name)
	if a == nil {
		return
	}
	if a.Notes == nil {
		a.Notes = map[string]string{}
	}
	a.Notes[choice] = note
}

func (f Form) arg(name string) *Arg {
	for i := range f {
		if f[i].Name == name {
			return &f[i]
		}
	}
	return nil
}

// Define makes a probe. It panics on a Spec that is wrong in itself, which a
// test of the package finds before any user does.
func Define[A any](s Spec[A]) *Probe {
	var zero A
	args := argsOf(reflect.TypeOf(zero))
	p := &Probe{Name: s.Name, Ask: s.Ask, Kinds: s.Kinds, Sends: s.Sends, Live: s.Live, Codes: s.Codes, args: args}
	if s.Fill != nil {
		p.fill = func(ctx context.Context, env Env, target Target, form []Arg) error {
			return s.Fill(ctx, env, target, form)
		}
	}
	p.run = func(ctx context.Context, job *Job, set map[string]string) (Finding, error) {
		var a A
		if err := decode(reflect.ValueOf(&a).Elem(), set); err != nil {
			return Finding{}, err
		}
		return s.Run(ctx, job, a)
	}
	return p
}

// Args are the arguments with the defaults that hold for every target.
func (p *Probe) Args() []Arg { return slices.Clone(p.args) }

// Form gives the arguments with defaults and choices for a target. On an error
// the arguments are still usable; they lack what could not be asked.
func (p *Probe) Form(ctx context.Context, env Env, target Target) ([]Arg, error) {
	form := p.Args()
	if p.fill == nil {
		return form, nil
	}
	err := p.fill(ctx, env, target, form)
	return form, err
}

// About tells whether p can be asked about kind.
func (p *Probe) About(kind openstack.Kind) bool { return slices.Contains(p.Kinds, kind) }

// Command is the shell command that runs p for target with set. Arguments that
// have their usual default are left out.
func (p *Probe) Command(target Target, set map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "steth probe run %s --%s %s", p.Name, target.Kind, Quote(target.ID))
	if p.Sends {
		b.WriteString(" --rw")
	}
	for _, a := range p.args {
		if v, ok := set[a.Name]; ok && v != a.Default {
			fmt.Fprintf(&b, " --set %s", Quote(a.Name+"="+v))
		}
	}
	return b.String()
}

// Quote makes s one word of a POSIX shell.
func Quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// complete checks set and adds the defaults.
func (p *Probe) complete(set map[string]string) (map[string]string, error) {
	full := make(map[string]string, len(p.args))
	for _, a := range p.args {
		v, ok := set[a.Name]
		if !ok {
			v = a.Default
		}
		if err := a.Check(v); err != nil {
			return nil, err
		}
		full[a.Name] = v
	}
	for name := range set {
		if _, known := full[name]; !known {
			return nil, fmt.Errorf("%s has no argument %q; it has %s", p.Name, name, p.argNames())
		}
	}
	return full, nil
}

func (p *Probe) argNames() string {
	var names []string
	for _, a := range p.args {
		names = append(names, a.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func argsOf(t reflect.Type) []Arg {
	var args []Arg
	for i := range t.NumField() {
		f := t.Field(i)
		a := Arg{
			Name: f.Tag.Get("arg"), Help: f.Tag.Get("help"), Type: ArgType(f.Tag.Get("type")),
			Default: f.Tag.Get("default"), Required: f.Tag.Get("required") == "true",
			Min: number(f, "min"), Max: number(f, "max"),
		}
		if c := f.Tag.Get("choices"); c != "" {
			a.Choices, a.Closed = strings.Split(c, ","), true
		}
		if a.Type == "" {
			a.Type = typeOf(f)
		}
		if a.Name == "" || a.Help == "" {
			panic(fmt.Sprintf("probes: field %s.%s needs the tags arg and help", t, f.Name))
		}
		args = append(args, a)
	}
	return args
}

func typeOf(f reflect.StructField) ArgType {
	if f.Type == reflect.TypeFor[time.Duration]() {
		return Duration
	}
	switch f.Type.Kind() {
	case reflect.Int, reflect.Int64:
		return Int
	case reflect.Bool:
		return Bool
	case reflect.String:
		return String
	}
	panic(fmt.Sprintf("probes: an argument can't be a %s", f.Type))
}

func number(f reflect.StructField, tag string) float64 {
	s := f.Tag.Get(tag)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("probes: tag %s of %s: %v", tag, f.Name, err))
	}
	return v
}

// decode fills the struct v from checked values.
func decode(v reflect.Value, set map[string]string) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, text := f.Tag.Get("arg"), set[f.Tag.Get("arg")]
		if text == "" {
			continue
		}
		var err error
		switch {
		case f.Type == reflect.TypeFor[time.Duration]():
			var d time.Duration
			d, err = time.ParseDuration(text)
			v.Field(i).SetInt(int64(d))
		case f.Tag.Get("type") == string(Bits):
			var n int64
			n, err = ParseBits(text)
			v.Field(i).SetInt(n)
		case f.Type.Kind() == reflect.Bool:
			var b bool
			b, err = strconv.ParseBool(text)
			v.Field(i).SetBool(b)
		case f.Type.Kind() == reflect.String:
			v.Field(i).SetString(text)
		default:
			var n int64
			n, err = strconv.ParseInt(text, 10, 64)
			v.Field(i).SetInt(n)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
