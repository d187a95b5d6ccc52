package tools

import "context"

// Slots bounds by their room how much of a kind happens at once. Nil bounds
// nothing.
type Slots chan struct{}

// do waits for a slot and runs f in it. It returns the cause of ctx when that
// ended before.
func (s Slots) do(ctx context.Context, f func()) error {
	if s != nil {
		select {
		case s <- struct{}{}:
			defer func() { <-s }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	f()
	return nil
}
