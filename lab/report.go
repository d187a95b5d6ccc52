package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"steth/lab/guest"
)

// event is one line of what a stage of the lab reports to the one that started
// it, as JSON through a pipe.
type event struct {
	Text  string       `json:"text,omitempty"`  // progress, for people
	Step  step         `json:"step,omitempty"`  // what is reached
	Lease *guest.Lease `json:"lease,omitempty"` // with a guest's stepReady
	Error string       `json:"error,omitempty"` // why the stage gave up; the last line
}

type step string

const (
	stepWired step = "wired" // a host's devices and services are there
	stepReady step = "ready" // host: the agent listens; guest: its gateway answers; lab: all of it
)

// The descriptors that every stage inherits.
const (
	reportFD = 3 // written: events
	leashFD  = 4 // read: the starter's word to go on; its end means that the starter is gone
	lockFD   = 5 // of the first process alone: the directory's lock
)

// reporter writes events. Once nobody listens any more it says nothing.
type reporter struct {
	mu sync.Mutex
	f  *os.File
}

func newReporter() *reporter { return &reporter{f: os.NewFile(reportFD, "report")} }

func (r *reporter) send(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		line = []byte(`{"error":"report can't be encoded"}`)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.f.Write(append(line, '\n')) // the listener may be gone, which is fine
}

func (r *reporter) say(format string, args ...any) { r.send(event{Text: fmt.Sprintf(format, args...)}) }

// errSilent is the end of a stage that didn't say why.
var errSilent = errors.New("ended without a word")

// listen calls fn with each event until fn returns false; it returns the error
// that the stage reported, or errSilent when the stage just ended.
func listen(f *os.File, fn func(event) bool) error {
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read a report: %w", err)
		}
		if e.Error != "" {
			return errors.New(e.Error)
		}
		if !fn(e) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read a report: %w", err)
	}
	return errSilent
}
