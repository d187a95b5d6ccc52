// Package l3 asks about reachability and routing.
package l3
