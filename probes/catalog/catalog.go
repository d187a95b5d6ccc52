// Package catalog lists every probe.
package catalog

import (
	"steth/probes"
	"steth/probes/bw"
	"steth/probes/capture"
	"steth/probes/l3"
	"steth/probes/node"
)

// All is every probe that Steth has.
func All() *probes.Set {
	return probes.NewSet(
		node.Hello,
		node.Links,
		l3.Ping,
		bw.TCP,
		bw.UDP,
		capture.Device,
	)
}
