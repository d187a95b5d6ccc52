// Package api is what an agent can be asked: one request type, one event type
// and one line in [Tools] for each tool.
//
// The console and the agent both build on it, so that there is one place where
// a field gets its name, its unit and its range. The package imports nothing of
// ours and does no I/O.
//
// A request travels as CBOR beside the tool's name; [Tool.Role] says which role
// of a console's certificate may ask. Every request has a Validate method: the
// console calls it before anything leaves, and the agent calls it again because
// it trusts nobody. What a tool answers are facts; judging them is the console's.
//
// Times are Unix nanoseconds of the node's own clock. Durations are
// [time.Duration], which CBOR carries as nanoseconds. An empty namespace name
// means the node's own network namespace.
package api
