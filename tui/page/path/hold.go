package path

import (
	"sync"

	"steth/probes"
	"steth/probes/follow"
)

// Hold keeps a session while somebody shows what it has. It is safe for
// concurrent use.
type Hold struct {
	Session *follow.Session

	mu    sync.Mutex
	users int
	saved uint64 // packets in the captures when they were saved
	told  bool   // the finding was given out
	once  sync.Once
	err   error
	gone  chan struct{}
}

// NewHold holds a session for one user.
func NewHold(s *follow.Session) *Hold {
	return &Hold{Session: s, users: 1, gone: make(chan struct{})}
}

// Keep counts one more user.
func (h *Hold) Keep() {
	h.mu.Lock()
	h.users++
	h.mu.Unlock()
}

// Release counts one user less. With the last one it closes the session and
// waits for that.
func (h *Hold) Release() error {
	h.mu.Lock()
	h.users--
	last := h.users <= 0
	h.mu.Unlock()
	if !last {
		return nil
	}
	return h.Close()
}

// Close closes the session whoever uses it, and waits for that.
func (h *Hold) Close() error {
	h.once.Do(func() {
		h.err = h.Session.Close()
		close(h.gone)
	})
	return h.err
}

// captured is how many packets the captures hold.
func (h *Hold) captured() (n uint64) {
	for _, f := range h.Session.Feeds() {
		first, next := f.Bounds()
		n += next - first
	}
	return n
}

func (h *Hold) save(packets uint64) {
	h.mu.Lock()
	h.saved = packets
	h.mu.Unlock()
}

// Unsaved is how many packets were captured since all were saved.
func (h *Hold) Unsaved() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.captured(); n > h.saved {
		return int(n - h.saved)
	}
	return 0
}

// Concluded gives the finding of a session that has ended, once. What only says
// that nothing passed is kept back: it tells how long somebody looked, nothing of
// the network. So is what a recording says: that was then.
func (h *Hold) Concluded() (probes.Finding, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told || h.Running() {
		return probes.Finding{}, false
	}
	h.told = true
	f, _ := h.Session.Finding()
	_, recorded := h.Session.Recorded()
	return f, !recorded && f.Code != "nothing-seen" && f.Code != "not-followed"
}

// Gone is closed once the session is.
func (h *Hold) Gone() <-chan struct{} { return h.gone }

// Running tells whether packets may come.
func (h *Hold) Running() bool {
	select {
	case <-h.Session.Done():
		return false
	default:
		return true
	}
}
