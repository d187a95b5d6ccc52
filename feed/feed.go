// Package feed holds what a running probe shows live: lines or packets, a
// series of samples, counters and a state.
//
// One goroutine writes, any number read. A writer never waits for a reader and
// never sends a message for each line: it appends, and raises a version that
// the screen compares once a frame. What no longer fits in memory goes to a
// spool file, so that scrolling back is deep; what no longer fits there is
// forgotten from the oldest on, and counted.
//
// Entries are kept as records in segments of a few hundred kilobytes. The
// newest segment grows in place; bytes that are written never change, so a
// reader takes a look at a segment under a short lock and decodes without one.
// When [Options].Memory is full the oldest segment moves to the spool, a file
// without a name that is filled from its start again when it reaches
// [Options].Spool. A feed that never fills its memory never touches the disk;
// one whose disk is full goes on in memory and says so in [State].
package feed

import (
	"steth/packets"
)

// Shape says what the entries of a feed are.
type Shape uint8

// The shapes.
const (
	Lines Shape = iota
	Packets
)

// Level is what a line means, for its colour and sign.
type Level uint8

// The levels.
const (
	Plain Level = iota
	Muted
	Info
	Good
	Warn
	Bad
)

// About says what a feed shows; it never changes.
type About struct {
	Title  string // what runs: "ping", "capture", "iperf"
	Target string // what for: "web-1 → db-2"
	Host   string
	Netns  string
	Device string
	Filter string
	Shape  Shape
	Series string // what the samples are, "rtt"; "" without samples
	Unit   string // of the samples: "ms", "bit/s"
}

// Entry is one line or one packet.
type Entry struct {
	Seq    uint64 // counts from 0 and never stops; a gap can't occur
	Time   int64  // Unix nanoseconds, the console's clock
	Level  Level
	Text   string         // of a line; already safe to print
	Packet packets.Packet // of a packet
}

// Sample is one value of a feed's series.
type Sample struct {
	Time  int64
	Value float64
	Lost  bool // nothing came where a value was due
}

// Drop is a count of what was lost on the way here.
type Drop struct {
	Where string // kernel, agent, network, console
	Count uint64
}

// State is how a feed stands. Samples is a copy.
type State struct {
	Live    bool
	Status  string    // one line of summary: "61 sent, 49 back, 20 % lost"
	Level   Level     // of Status
	End     string    // why it ended, "" while it lives or when it ended as it should
	Rate    float64   // entries a second, over the last two seconds
	Rates   []float64 // entries a second in each of the last 16 seconds, the oldest first
	Samples []Sample  // the newest 600
	Drops   []Drop    // only those above 0
	Lost    uint64    // oldest entries forgotten because the spool is full
	Bytes   uint64    // taken in
	Spool   string    // why nothing is kept on disk, for the engineer; "" while all is well
}
