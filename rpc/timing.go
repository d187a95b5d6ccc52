package rpc

import "time"

// timing gathers every duration of the wire. Programs use defaultTiming; tests
// make it short.
type timing struct {
	handshake time.Duration // TLS and preface together, from the first byte on
	request   time.Duration // from a stream's opening to its whole request
	ping      time.Duration // between two keep-alives
	silence   time.Duration // a peer that says nothing for so long is dead
	write     time.Duration // a peer that takes nothing for so long is dead
	settle    time.Duration // how long a lone frame waits for company
	hold      time.Duration // how long a frame waits at most before it is written
	fin       time.Duration // a half-closed stream is forgotten after so long
	linger    time.Duration // to write what is pending when a session closes
	recheck   time.Duration // between two judgements of an open session's certificate
	grace     time.Duration // for handlers to say their end when a server or a console goes
}

// defaultTiming notices a dead peer within 9 s: pings make a live one say
// something every 2.5 s, and silence is what counts, so that a slow link full
// of captured packets is not taken for a dead one.
func defaultTiming() timing {
	return timing{
		handshake: 5 * time.Second,
		request:   10 * time.Second,
		ping:      2500 * time.Millisecond,
		silence:   9 * time.Second,
		write:     9 * time.Second,
		settle:    200 * time.Microsecond,
		hold:      20 * time.Millisecond,
		fin:       5 * time.Second,
		linger:    250 * time.Millisecond,
		recheck:   10 * time.Second,
		grace:     time.Second,
	}
}
