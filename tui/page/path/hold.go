package path

import (
	"sync"

	"steth/probes/follow"
)

// Hold keeps a session while somebody shows what it has. It is safe for
// concurrent use.
type Hold struct {
	Session *follow.Session

	mu    sync.Mutex
	users int
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
