// Package follow watches packets at every hop of a path together, and says
// where they are lost.
//
// A [Session] goes through four steps. It asks the agents of all hosts on the
// path which devices there are and holds them against what the path expects
// (survey.go). It opens one capture on each device of a host as soon as that
// host has answered, and gives what they bring to the matcher (capture.go,
// matching.go): no host waits for another, and what passed before the last one
// joined is blamed on nobody. It goes on until its time is over or it is
// stopped. It judges (judge.go): a pure function from what was counted to a
// [probes.Finding].
//
// What can't be seen never stops the rest: a host without an agent, a device
// that isn't there or that goes away has its reason on its hop ([Hop].Why), and
// nothing that passes there is called lost. Captures that drop packets tell the
// matcher when, for the same end.
//
// Hosts with Open vSwitch are asked for its database, too (openvswitch.go): which
// port a device is plugged for, its tag, what could not be added, which NIC a
// bridge has. All hosts are asked again when packets are lost (recheck.go), since
// a path may break while it is watched. Bridges can't be captured; what comes in
// to them is counted (counters.go), of whatever packets: counters are told and
// never judged by.
//
// A [Recording] is all of a session but its packets. [Replay] makes a session of
// it that goes through the same matcher and judge, and gives the same rows and
// the same finding.
//
// A session draws nothing. The screen and the command line read it through
// [Session.Hops], [Session.Rows] and [Session.Total], at any time and from any
// goroutine, whenever [Session.Version] has risen.
package follow
