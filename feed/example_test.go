package feed_test

import (
	"context"
	"fmt"
	"strings"

	"steth/feed"
)

// A pane compares the version once a frame, and reads only the rows it shows.
func ExampleFeed_Read() {
	f, err := feed.New(feed.About{Title: "ping", Shape: feed.Lines}, feed.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()

	drawn := f.Version()
	for seq := range 1000 {
		f.Line(int64(seq), feed.Plain, fmt.Sprintf("icmp_seq=%d", seq))
	}
	f.End("")

	if f.Version() != drawn {
		rows := make([]feed.Entry, 3)
		_, next := f.Bounds()
		for _, e := range rows[:f.Read(next-3, rows)] {
			fmt.Println(e.Seq, e.Text)
		}
	}
	hit, _ := f.Search(context.Background(), 0, true, func(e *feed.Entry) bool { return strings.HasSuffix(e.Text, "=77") })
	fmt.Println("found at", hit)
	// Output:
	// 997 icmp_seq=997
	// 998 icmp_seq=998
	// 999 icmp_seq=999
	// found at 77
}
