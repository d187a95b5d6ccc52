// Package e2e holds the tests of whole programs: the console and the agents
// over the lab, on real packets. They carry the build tag integration, need
// root, and take the programs from $STETH_BIN (default ../bin).
package e2e
