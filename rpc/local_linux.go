package rpc

import "golang.org/x/sys/unix"

// maxUnsent is how many bytes the kernel takes beyond what it has sent.
const maxUnsent = 256 << 10

// limitUnsent sets TCP_NOTSENT_LOWAT, see tcp(7).
func limitUnsent(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
}
