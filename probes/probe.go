package probes

import (
	"context"
	"time"

	"steth/openstack"
)

// Verdict is what a probe concludes.
type Verdict string

// The verdicts. Error means that the probe could not run, and is never shown
// as Fail, which means that the network is bad.
const (
	OK    Verdict = "ok"
	Warn  Verdict = "warn"
	Fail  Verdict = "fail"
	Error Verdict = "error"
	Skip  Verdict = "skip"
)

// Target is what a probe is asked about.
type Target struct {
	Kind openstack.Kind
	ID   string
	Name string // as a person would call it
}

// Finding is the conclusion of one run of a probe.
type Finding struct {
	Probe    string            `json:"probe"`
	Target   string            `json:"target"`
	TargetID string            `json:"target_id"`
	Host     string            `json:"host,omitempty"`
	Netns    string            `json:"namespace,omitempty"`
	Device   string            `json:"device,omitempty"`
	Started  time.Time         `json:"started"`
	Duration time.Duration     `json:"duration_ns"`
	Inputs   map[string]string `json:"inputs,omitempty"`
	Fields   map[string]any    `json:"fields,omitempty"` // what was measured, lower-case keys with the unit in them
	Verdict  Verdict           `json:"verdict"`
	Code     string            `json:"reason_code"` // one of the probe's Codes
	Reason   string            `json:"reason"`      // one sentence that a tired person understands
	Next     []Next            `json:"next,omitempty"`
}

// Next is what to do after a finding.
type Next struct {
	Do  string `json:"do"`  // a command of a shell, or a probe's name
	Why string `json:"why"` // one clause
}

// Probe is one question with a verdict. Make it with [Define].
type Probe struct {
	Name  string           // group.name
	Ask   string           // what it asks, in one line that ends with a question mark
	Kinds []openstack.Kind // what it can be asked about
	Sends bool             // sends as a server or loads the network: needs read-write
	Live  bool             // runs until it is stopped unless an argument bounds it
	Codes []Code

	args []Arg
	fill func(ctx context.Context, env Env, target Target, args []Arg) error
	run  func(ctx context.Context, job *Job, set map[string]string) (Finding, error)
}

// Code is one reason that a probe can give.
type Code struct {
	Name    string
	Verdict Verdict
	Means   string
}

// Arg is one argument of a probe, ready for a form: with its default and its
// choices for the target it was made for.
type Arg struct {
	Name     string
	Help     string // what it is, with its unit
	Type     ArgType
	Default  string
	Choices  []string // offered; the only ones allowed where Closed is true
	Closed   bool
	Notes    map[string]string // what a choice is, in a few words
	Min, Max float64           // of an int, or seconds of a duration; no bound when both are 0
	Required bool
}

// ArgType says how an argument is checked.
type ArgType string

// The types of arguments.
const (
	String   ArgType = "string"
	Int      ArgType = "int"
	Bool     ArgType = "bool"     // true or false
	Duration ArgType = "duration" // 200ms, 10s
	IP       ArgType = "ip"
	Host     ArgType = "host"   // a node of the inventory
	Device   ArgType = "device" // a network device
	Netns    ArgType = "namespace"
	Filter   ArgType = "filter" // tcpdump's words
	Bits     ArgType = "bits"   // bits a second: 10M, 2.5G
)
