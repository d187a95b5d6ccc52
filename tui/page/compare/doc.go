// Package compare is the page on which one packet is taken apart at two hops,
// side by side: its headers with what differs between them and why, and its
// bytes.
//
// The page takes the packet's bytes out of the session's captures when it opens
// ([follow.Session.PacketAt]) and keeps them, so that they stay when the captures
// have forgotten them; drawing reads nothing else. What differs, and what makes
// it, is [packets.Compare]'s to say.
package compare
