// Package openstack is the cloud as its APIs tell it: it signs in as every
// OpenStack client does, reads Keystone, Neutron and Nova, and gives out
// immutable snapshots of the inventory.
//
// [Connect] signs in, [Cloud.Load] reads whole kinds in pages, [Cloud.Find]
// looks one thing up with filtered queries. Both give a [Snapshot], which
// answers from memory: lists, indexes by id, name, IP and MAC, what is related
// to what, and how a person would call it.
//
// Read signin.go and cloud.go for how a token is had, service.go for one page of
// an API, wire.go for what is taken from it, load.go and find.go for the two
// ways of reading, snapshot.go and index.go for what comes of it; the rest looks
// at snapshots.
//
// Nothing here writes to the cloud, and nothing judges the network: [State]
// repeats what the APIs say. Texts are as the cloud gave them and may hold
// anything; whoever shows them cleans them.
package openstack
