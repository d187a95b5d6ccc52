// Package tui is the console's screen: a shell of bars, tabs, dialogs and one
// frame clock around a few pages.
//
// [App] is the only Bubble Tea model. Pages (tui/page and below) and parts
// (tui/part) are plain structs; they return commands and never reach up. What
// they want of the shell they say with a message of package page. A message
// goes to the dialog on top, then to a text input that has the focus, then to
// the global keys, then to the page in front; a message that carries data goes
// to the page that asked for it.
//
// Nothing here knows OpenStack's APIs, agents or files: [Backend] does.
package tui

import "steth/tui/backend"

// Backend is all that the screens know of the world.
type Backend = backend.Backend

// Info is what the bars show.
type Info = backend.Info

// Agent is how the agent of one node stands.
type Agent = backend.Agent

// PathQuestion asks for the path of a port.
type PathQuestion = backend.PathQuestion
