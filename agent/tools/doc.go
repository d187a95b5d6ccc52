// Package tools holds what an agent can do on its node, one file a tool.
//
// A tool is a value that [All] lists: its row of [api.Tools], a check whether
// this node can run it, and a function that takes a typed request and gives
// facts to a [Sink]. It never judges what it finds, never reads a captured
// packet's bytes, and never logs, times or recovers by itself: the agent does
// that the same way for all of them. It knows nothing of the wire either; the
// agent hands it a Sink.
//
// Three files carry what most tools share. process.go runs a program so that
// nothing of it can outlive the call. netns.go finds and enters network
// namespaces. thread.go runs a function on an operating system thread that is
// thrown away afterwards, because a namespace and capabilities are properties
// of a thread.
//
// To add a tool: its request, events and row in agent/api, a file here that
// ends in a function returning Define(...), and a line in [All].
package tools
