// Package agent is the daemon of a node: it lets consoles call the tools of
// package tools and holds them to what they may do.
//
// Each call goes the same way, in [Agent.ServeCall]: the role in the console's
// certificate is held against [api.Tools], the request is checked again, the
// limits are asked, the tool runs, and one line of audit tells who asked for
// what and how it ended, whether it was let in or not. No tool does any of that
// by itself.
//
// A call owns all that it starts. When it ends, for whatever reason, its
// processes, threads and sockets are gone; when the agent is killed, the kernel
// ends them. What a call changes on the node (inject makes a network device
// where that is how frames come in by a tap) is undone with it, too: package
// journal knows it before it is made, so that an agent which is started again
// undoes what the killed one could not.
package agent
