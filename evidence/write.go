package evidence

import (
	"context"
	"io"

	"steth/feed"
)

// Write writes the packets that feeds hold to w, one interface a feed, in the
// order of their times.
func Write(ctx context.Context, w io.Writer, feeds []*feed.Feed) error {
	return writePackets(ctx, w, feeds)
}
