//go:build !linux

package rpc

// limitUnsent does nothing where the option is not known.
func limitUnsent(uintptr) {}
