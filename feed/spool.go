package feed

import (
	"fmt"
	"os"
	"sync"
)

// spool is a file without a name that holds segments one behind the other and
// begins again at its start when it is full.
type spool struct {
	file  *os.File
	dir   string
	limit int64
	next  int64 // where the next segment goes
}

// place says where size bytes go. It doesn't write.
func (s *spool) place(size int64) (off int64) {
	if s.next+size > s.limit {
		s.next = 0
	}
	return s.next
}

// write puts data at off, which place gave.
func (s *spool) write(data []byte, off int64) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "steth-feed-*") // mode 0600
		if err != nil {
			return fmt.Errorf("make a spool file: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			f.Close()
			return fmt.Errorf("unlink the spool file: %w", err)
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(data, off); err != nil {
		return fmt.Errorf("write the spool file: %w", err)
	}
	s.next = off + int64(len(data))
	return nil
}

// close gives the disk back.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// cache keeps the few spooled blocks that were read last, so that scrolling
// reads each only once.
type cache struct {
	mu     sync.Mutex
	blocks [4]struct {
		segment *segment
		block   block
	}
	next int
}

func (c *cache) get(s *segment) (block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.blocks {
		if b.segment == s {
			return b.block, true
		}
	}
	return block{}, false
}

func (c *cache) put(s *segment, b block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks[c.next].segment, c.blocks[c.next].block = s, b
	c.next = (c.next + 1) % len(c.blocks)
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.blocks[:])
}
