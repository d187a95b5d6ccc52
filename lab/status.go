package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"steth/lab/scenario"
)

// apiPort is where the cloud's API listens.
const apiPort = 80

// apiName is the host name of the API inside of the lab; clients show it as the
// cloud's.
const apiName = "lab"

// authURL is where clients sign in.
const authURL = "http://" + apiName + "/identity/v3"

// APIURL is where a cloud's API answers, inside of its lab. Below it are
// /identity, /networking, /compute and /image, as DevStack lays them out.
func APIURL(c *scenario.Cloud) string { return "http://" + c.API.Addr().String() }

// Status is a lab that is up.
type Status struct {
	PID      int              `json:"pid"` // as the machine counts; ending it ends the lab
	Rootless bool             `json:"rootless"`
	Flavour  scenario.Flavour `json:"flavour"`
	API      string           `json:"api"`
	Since    time.Time        `json:"since"`
	Until    time.Time        `json:"until"`
	Hosts    []Member         `json:"hosts"`
	Servers  []Member         `json:"servers"`
}

// Member is a host or a server of the lab.
type Member struct {
	Name    string        `json:"name"`
	PID     int           `json:"pid"` // as the lab counts
	Address netip.Addr    `json:"address"`
	Agent   string        `json:"agent,omitempty"`   // of a host: where its agent listens
	Host    string        `json:"host,omitempty"`    // of a server
	Network string        `json:"network,omitempty"` // of a server
	Tap     string        `json:"tap,omitempty"`     // of a server, on its host
	Plug    scenario.Plug `json:"plug,omitempty"`    // of a server's tap
}

// Errors that callers tell apart.
var (
	// ErrRunning says that a directory's lab is up or on its way.
	ErrRunning = errors.New("the lab is up already")
	// ErrDown says that it isn't up.
	ErrDown = errors.New("the lab is not up: start it with `steth lab up`")
)

// Read returns the state of the directory's lab, or ErrDown.
func (d Dir) Read() (Status, error) {
	p, err := d.find()
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, ErrDown
	}
	if err != nil {
		return Status{}, err
	}
	defer p.close()
	if p.wait(0) {
		return Status{}, ErrDown
	}
	var s Status
	if err := readJSON(d.status(), &s); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Status{}, fmt.Errorf("%w (it is on its way up or down)", ErrDown)
		}
		return Status{}, err
	}
	return s, nil
}

// Member finds a host or server by name.
func (s Status) Member(name string, among []Member) (Member, error) {
	var known []string
	for _, m := range among {
		if m.Name == name {
			return m, nil
		}
		known = append(known, m.Name)
	}
	return Member{}, fmt.Errorf("the lab has no %q; there are %s", name, list(known))
}

func list(names []string) string { return strings.Join(names, ", ") }
