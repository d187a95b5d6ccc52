// Package fleet keeps a console's sessions to all agents.
//
// Nothing is dialled before a page or a probe needs it. The first call to a
// node opens its control session, the first call of a tool that sends data
// frames the bulk session; callers that come at the same time share one dial.
// From then on one goroutine a node, its keeper, says hello at intervals (that
// measures the round trip and the offset of the node's clock), notices a loss,
// dials again after a growing pause, and closes what nobody used for minutes.
//
// Whatever happens to a node is in its [State], and every change wakes those
// who wait on [Fleet.Changed]. Errors are [rpc.Error]s whose message names the
// node, the address, what happened and what to do.
package fleet
