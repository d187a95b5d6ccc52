package rpc

// MaxData is the largest payload of a data frame, in bytes.
const MaxData = 64 << 10
