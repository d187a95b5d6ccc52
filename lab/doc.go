// Package lab is a small cloud on one machine: three hosts with agents, two
// tenant networks over VXLAN, six servers, a router with NAT and a floating IP,
// and an OpenStack API that tells of them.
//
// It comes in two flavours, by what wires the hosts: ovs gives each an Open
// vSwitch of its own with the userspace datapath, and needs root; linuxbridge
// doesn't.
//
// # How it is built
//
// The program starts itself again as a tree of stages, each in namespaces of its
// own (network, mount, process ids, host name, IPC; user ids too without root):
//
//	steth lab up
//	└─ init            the first process of the outer namespaces: switches, the API, what is outside
//	   ├─ host net0    first process of its own: bridges or Open vSwitch, dnsmasq, routers, steth-agent
//	   ├─ host cmp1
//	   ├─ host cmp2
//	   ├─ guest web1   a network namespace of the outer one, so that a host sees only its tap
//	   └─ ...
//
// What is built comes from one [steth/lab/scenario]: the wires
// ([steth/lab/wires]), what runs in servers ([steth/lab/guest]) and what the API
// says ([steth/lab/cloudapi]).
//
// # How it ends
//
// Every way out is the same one: the first process ends, and the kernel ends all
// others and frees all namespaces with it. It ends at SIGTERM, when its lifetime
// is over, when a host or a guest is lost, and when its starter goes away before
// it has let the lab go: the starter holds one end of a pipe, the leash, which
// the kernel closes however it ended. A killed lab leaves only files, which the
// next one in the directory removes.
//
// Nothing is ever done in the machine's own network namespace. Mounts are made
// private first, so none is seen outside.
package lab
