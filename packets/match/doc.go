// Package match finds one packet again at every hop of its path.
//
// A path has hops: a server's tap, the bridge behind it, the NIC that carries
// the tunnel, and the same in reverse on another host. Each hop that can be
// captured tells what passed it, in its own words: here with a VLAN tag, there
// inside VXLAN, behind the router with another address, one TTL less and a new
// checksum. This package takes those sightings in any order ([Matcher.See]) and
// makes one row of each packet: where it was seen, how long it took, and, if it
// did not arrive, between which two hops it was lost. It opens no socket, starts
// no goroutine and reads no clock: the caller says what time it is
// ([Matcher.Advance]), so a recording gives the same rows as a live run.
//
// # What makes two sightings one packet
//
// What a hop adds is stripped (tags, and the tunnel that [Encap] says belongs
// there), and what remains is compared by what no hop changes: the id, protocol
// and length of IP; TCP's numbers, flags and window; id and sequence of an echo;
// ARP's operation and addresses; and as much of the payload as each hop kept
// ([Options].Prefix). TTL, DSCP and all checksums are left out, and so is what
// TCP options a SYN has, for routers clamp its MSS. Addresses and ports count
// as hop 0 sees them: [Hop].Translate undoes a floating IP's NAT, and where the
// caller can't know what NAT makes of a packet, [Options].AnyAddress and AnyPort
// leave them out. An ICMP error is known by the packet that it quotes.
//
// The comparison is by two words of 64 bits, one of which is a hash with a
// secret seed: strangers who write the packets can't make two of them look
// alike, nor make one chain of the table long.
//
// # Equal packets
//
// Linux sends many packets with IP id 0, an ARP question is repeated byte for
// byte, and switches flood. So a hop may see the same bytes twice, and then it
// means one of three things. The sender sent it again: two rows, the second
// marked [Resent] (a TCP segment that is sent again with a new id is found by its
// sequence number, and marked the same). The network made a copy: the copy is a row
// too, whose verdict is [Duplicate], because no hop before the place of the copy
// saw it twice. Or it went by twice, there and back: the direction tells.
//
// Which of several equal packets a sighting belongs to is decided by time: the
// usual delay between two hops is learnt from packets that can't be mistaken,
// and it has the hosts' clock error in it. The row that is nearer by more than
// [Options].Skew wins, else first come is first served. Captures of two hosts
// don't arrive together, so while a row is young the sighting that would fit it
// best may be yet to come: when it comes, what was given to a wrong row is moved
// ([Matcher.See]), and a packet that has been seen in two rows, one of which
// ends where the other begins, is made one when it settles ([Matcher.Advance]).
// All of this is a guess, and the row says so ([Guessed]). Equal packets closer
// together than the jitter of the path can't be told apart by anybody; with
// more than 64 in flight the rest are counted ([Unmatched].Crowded) and accuse
// nobody. A packet with an IP id, a TCP sequence number or an echo's number has
// no equals unless it was copied or repeated, and none of this touches it.
//
// # Blind is never lost
//
// A verdict is not stored. It is worked out when the row is read, from what is
// known then, so that a gap that is reported late, or a packet that comes late,
// corrects rows that were already shown. A packet is [Lost] in an interval A..B
// only where A saw it, B did not, and B is known to have watched without a gap
// the whole time the packet could have come by ([Options].Settle). No verdict
// is made of these:
//
//   - a hop that can't see, had not started, had ended, or dropped anything
//     ([Matcher.Gap]) in that time: its mark is [NotKnown]. What passed before
//     the last hop started, or as the watching ended, is [Bordering]: of any
//     traffic that goes on there is some, and it says nothing;
//   - a hop that missed a packet that was seen further on: [Skipped]. It went
//     round, or the hop dropped it without saying so;
//   - a packet that came from nowhere, first seen in the middle of the path
//     although the hops before were watching: it may not be on this path
//     ([Appeared]);
//   - a packet that changed its form: a TCP segment is cut or joined by
//     segmentation offload (its bytes are there, but not as this packet), a
//     datagram is fragmented by a router. It is recognised by packets larger
//     than the MTU and by fragments with the same id, and makes the missing
//     marks of such packets NotKnown ([Reshaped]);
//   - a packet of which nobody can say which way it went.
//
// An answer proves that a question arrived: a request whose reply was seen is
// [Delivered], whatever was missed.
//
// # Time
//
// Times are Unix nanoseconds on the console's clock; the caller has corrected
// each host's. The correction has an error that may be larger than the time
// between two hops, so rows are ordered by the path: a delay counts from the
// first hop on the packet's way that saw it, not from the smallest time, and
// never falls on the way; where a clock would make it fall the summary counts
// it ([HopSummary].Skewed). Which way a packet goes is told by its addresses, by
// how it passes a device ([Hop].Passing), and only if neither is known by time,
// between hops with one clock or with more distance than [Options].Skew.
//
// # Bounds
//
// Rows live in a ring; a row that leaves it is added to the totals and gone.
// Everything else (tables, gaps, fragments that are remembered) has a fixed
// size too, so an endless stream takes no more memory than the first seconds
// of it, and See allocates nothing. When a ring is too small for the rate, rows
// leave it before they are settled: they are counted as [Totals].Overrun, not
// as lost.
//
// # What it can't know
//
// It believes the caller's path. If a hop's [Encap] or Passing is wrong, rows
// are too. Packets of a flow that leaves the path by design (to another server
// than the path's other end) look lost: capture with a filter. Fragments other
// than the first have no ports, and are matched by their id and bytes alone.
// IPv6 has no id: packets with equal content are equal. Bytes behind the prefix
// are not compared.
package match
