// Package bw asks how much a link carries. Its probes load the network: they
// are bounded in time, and need read-write.
package bw
