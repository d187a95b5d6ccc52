package tools

import (
	"context"
	"slices"
	"sync"
)

// maxCompiled is how many programs are remembered: those of a few paths. A
// program takes 32 KiB at most.
const maxCompiled = 64

// Compiled remembers the programs of filters. The captures of a path begin
// together and most ask the same words: tcpdump is started for the first of them
// alone. The zero value is ready; nil remembers nothing.
type Compiled struct {
	mu   sync.Mutex
	list []*compiling // the oldest first
}

// compiling is one program that is there or on its way.
type compiling struct {
	text string
	dlt  int
	done chan struct{}
	prog program // never changed; valid once done
	err  error
}

// do gives the program for text, which it compiles if nobody has, or waits for
// whoever does. What did not compile is not remembered: the reason may have been
// a time limit.
func (c *Compiled) do(ctx context.Context, text string, dlt int, compile func() (program, error)) (program, error) {
	if c == nil {
		return compile()
	}
	for {
		c.mu.Lock()
		i := slices.IndexFunc(c.list, func(e *compiling) bool { return e.text == text && e.dlt == dlt })
		if i < 0 {
			e := &compiling{text: text, dlt: dlt, done: make(chan struct{})}
			if c.list = append(c.list, e); len(c.list) > maxCompiled {
				c.list = slices.Delete(c.list, 0, 1)
			}
			c.mu.Unlock()
			e.prog, e.err = compile()
			if e.err != nil {
				c.mu.Lock()
				c.list = slices.DeleteFunc(c.list, func(o *compiling) bool { return o == e })
				c.mu.Unlock()
			}
			close(e.done)
			return e.prog, e.err
		}
		e := c.list[i]
		c.list = append(slices.Delete(c.list, i, i+1), e)
		c.mu.Unlock()
		select {
		case <-e.done:
			if e.err == nil {
				return e.prog, nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
