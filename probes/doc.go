// Package probes holds the questions that Steth can ask, each with a verdict.
//
// A probe is a value made by [Define] from a name, one line that says what it
// asks, typed arguments and a run function; [All] lists them. To run one is to
// call agents' tools through an [Env], show what comes in live feeds, and end
// with a [Finding]: a verdict, a reason code, one sentence for a tired person,
// and what to do next.
//
// A probe's run is in two parts. The first gathers facts and may fail: an error
// there is the verdict Error, because a probe that could not run says nothing
// about the network. The second judges: a pure function from facts to a
// finding, with a table test of its own.
//
// Nothing here draws, and nothing knows how a session to an agent is made. No
// probe times, logs or recovers by itself; [Probe.Start] does that for all.
package probes
