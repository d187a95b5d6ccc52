// Package pane is the workspace: panes of live output side by side, each a
// window over one feed.
//
// A [Workspace] is a tree of splits with a pane at each leaf. A pane never
// gets a message for a line: the shell's frame tick asks [Workspace.Dirty],
// which compares versions, and [Workspace.View] reads from the feeds the rows
// that are visible and no others. So the work of a frame depends on the size
// of the screen and not on how fast the network is.
//
// Rows are put together by hand: themes give each token's sequences ready
// made, and a [canvas] cuts and fills every row to the pane's width in cells,
// so that nothing a node or a packet says can widen or shift the screen.
//
// What takes long (searching millions of rows on disk, filling a filter) runs
// in commands and comes back as messages; the shell hands every message it
// doesn't know to all workspaces. All methods belong to the goroutine of the
// screen.
package pane
