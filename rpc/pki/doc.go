// Package pki makes and judges the certificates of both sides of the wire.
//
// An authority is a directory with ca.pem and ca-key.pem. It signs two kinds of
// certificates, each handed out as a bundle: a directory with ca.pem, cert.pem
// and key.pem that is copied to where it is used.
//
// Who a certificate is stands in it as a URI (RFC 5280, subject alternative
// name), which every tool prints and nothing else in a certificate can be
// mistaken for:
//
//	steth://console/alice?role=operator
//	steth://agent/cmp1
//
// The kind stands there and, a second time, in the extended key usage: a
// console's certificate is for clientAuth alone, an agent's for serverAuth
// alone. Both are checked on both sides, so that an agent's key, which lies on
// every hypervisor, never acts as a console's, and a console's never as an
// agent's. An agent's certificate also carries the node's name (and extra names
// and addresses) as DNS names, against which a console checks whom it reached.
//
// Roles are words here; what they allow is the business of agent/api.
//
// A bundle is read again when its files change, at the next handshake. A file
// named revoked beside them lists the serial numbers (hexadecimal, one a line,
// # for comments) of certificates that are refused from then on; [Recheck] ends
// sessions that are open.
package pki
