package openstack

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Options says which cloud to sign in to. The zero value takes everything from
// the process's environment and the usual files.
type Options struct {
	Cloud     string        // name in clouds.yaml; "" for OS_CLOUD, and without that the other OS_* variables
	Region    string        // "" for OS_REGION_NAME, then the file's
	Interface string        // public, internal or admin; "" for OS_INTERFACE, then the file's, then public
	Timeout   time.Duration // of one request; 0 is 30 s

	Getenv      func(string) string // nil is os.Getenv
	ConfigFiles []string            // places of clouds.yaml, the first that exists counts; nil for the usual ones
	Log         *slog.Logger        // nil is silent
}

// About says which cloud this is.
type About struct {
	Cloud, Project, Region, User string
	Admin                        bool // the token has a role that reads every project
}

// Cloud is a signed-in cloud. It is safe for concurrent use.
type Cloud struct{ about About }

// Connect signs in. An error is one sentence that says what failed and what to do.
func Connect(ctx context.Context, opt Options) (*Cloud, error) {
	return nil, errors.New("not built yet")
}

// About says which cloud this is and as whom it is read.
func (c *Cloud) About() About { return c.about }

// Load reads kinds whole, nil for all, and returns base with them replaced.
// partial, which may be nil, is called with snapshots on the way, one call at a
// time and at most every 100 ms. What the user may not see is in
// Snapshot.Missing. The error is set when nothing could be read; what base held
// is then returned with it.
func (c *Cloud) Load(ctx context.Context, base *Snapshot, kinds []Kind, partial func(*Snapshot)) (*Snapshot, error) {
	return base, errors.New("not built yet")
}

// Find looks text up with filtered queries: an IPv4 or IPv6 address, a MAC in
// any notation, an id, a name or the start of one. The error says what was tried.
func (c *Cloud) Find(ctx context.Context, base *Snapshot, text string) (Found, error) {
	return Found{Text: text, Snapshot: base}, errors.New("not built yet")
}

// Raw is the API's own JSON of an object, indented.
func (c *Cloud) Raw(ctx context.Context, kind Kind, id string) (string, error) {
	return "", errors.New("not built yet")
}
