// Package node asks about one node: its agent and its links.
package node
