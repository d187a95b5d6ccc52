package scenario

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 version 5 asks for it
	"encoding/hex"
	"fmt"
)

// space is the namespace under which the lab's version 5 UUIDs are made.
var space = [16]byte{0x5e, 0x7e, 0x74, 0x68, 0x1a, 0xb0, 0x4c, 0x0d, 0x8e, 0x57, 0x0b, 0x5e, 0x55, 0xed, 0x1a, 0xb5}

// ID is the UUID (RFC 9562 version 5) of the object of a kind with a name. The
// same scenario has the same ids on every machine, so that a recorded session
// or a test can name them.
func ID(kind, name string) string {
	h := sha1.New() //nolint:gosec // as above
	h.Write(space[:])
	h.Write([]byte(kind + "/" + name))
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// hexID is [ID] without dashes, as Keystone writes the ids of users and
// projects.
func hexID(kind, name string) string {
	id := ID(kind, name)
	return id[0:8] + id[9:13] + id[14:18] + id[19:23] + id[24:]
}

// MAC is the address of the port with that id, below Neutron's default
// base_mac fa:16:3e:00:00:00.
func MAC(portID string) string {
	sum := sha1.Sum([]byte(portID)) //nolint:gosec // a spread, not a secret
	h := hex.EncodeToString(sum[:3])
	return "fa:16:3e:" + h[0:2] + ":" + h[2:4] + ":" + h[4:6]
}
