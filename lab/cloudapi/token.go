package cloudapi

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"steth/lab/scenario"
)

// caller is who a token speaks for.
type caller struct {
	user    *scenario.User
	project *scenario.Project // nil without a project scope
	system  bool              // system scope
	admin   bool
}

// projectID is "" without a project scope.
func (c caller) projectID() string {
	if c.project == nil {
		return ""
	}
	return c.project.ID
}

type token struct {
	caller
	id              string
	methods         []string
	issued, expires time.Time
}

// tokens are the tokens given out. Those that expired are forgotten when the
// next is issued.
type tokens struct {
	life time.Duration
	now  func() time.Time

	mu     sync.Mutex
	issued map[string]token
}

func (t *tokens) issue(who caller, methods []string) token {
	now := t.now().UTC()
	tok := token{caller: who, id: "gAAAAA" + random(48), methods: methods, issued: now, expires: now.Add(t.life)}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, old := range t.issued {
		if !now.Before(old.expires) {
			delete(t.issued, id)
		}
	}
	t.issued[tok.id] = tok
	return tok
}

// find returns a token that is known and hasn't expired.
func (t *tokens) find(id string) (token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tok, ok := t.issued[id]
	return tok, ok && t.now().Before(tok.expires)
}

func (t *tokens) revoke(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.issued, id)
}

// random is n random bytes in letters that go into a header.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
