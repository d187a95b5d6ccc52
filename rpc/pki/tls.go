package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// ServerTLS is an agent's configuration: TLS 1.3, a console's certificate from
// the bundle's authority that is not revoked. Tickets are off, so that each
// session is judged anew.
func ServerTLS(b *Bundle) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := b.current()
			return &tls.Config{
				MinVersion:                  tls.VersionTLS13,
				ClientAuth:                  tls.RequireAndVerifyClientCert,
				ClientCAs:                   m.roots,
				Certificates:                []tls.Certificate{m.cert},
				SessionTicketsDisabled:      true,
				DynamicRecordSizingDisabled: true,
				VerifyConnection:            func(cs tls.ConnectionState) error { return m.verify(cs, kindConsole, "") },
			}, nil
		},
	}
}

// ClientTLS is a console's configuration for the agent of node: TLS 1.3, an
// agent's certificate from the bundle's authority that carries the node's name
// and is not revoked. Make it anew for each dial, so that renewed files count.
func ClientTLS(b *Bundle, node string) *tls.Config {
	m := b.current()
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		RootCAs:                     m.roots,
		ServerName:                  node,
		DynamicRecordSizingDisabled: true,
		// Not Certificates: crypto/tls would send none at all where the agent
		// has another authority, and its answer would be about a missing one.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &m.cert, nil },
		VerifyConnection:     func(cs tls.ConnectionState) error { return m.verify(cs, kindAgent, node) },
	}
}

// Recheck judges a console again whose session [ServerTLS] let in: whether its
// certificate has been revoked since, has expired or is of an authority that is
// no longer the bundle's.
func Recheck(b *Bundle) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		m := b.current()
		if err := m.verify(cs, kindConsole, ""); err != nil {
			return err
		}
		leaf := cs.PeerCertificates[0]
		if now := time.Now(); now.After(leaf.NotAfter) {
			return fmt.Errorf("the certificate of console %s (serial %s) expired on %s", leaf.Subject.CommonName, serialOf(leaf), day(leaf.NotAfter))
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: m.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			return fmt.Errorf("the certificate of console %s (serial %s) is valid no more: %w", leaf.Subject.CommonName, serialOf(leaf), err)
		}
		return nil
	}
}

// verify judges a peer whose chain crypto/tls has verified.
func (m *material) verify(cs tls.ConnectionState, kind, node string) error {
	leaf, id, err := peerIdentity(cs, kind)
	if err != nil {
		return err
	}
	if node != "" && !strings.EqualFold(id.name, node) && leaf.VerifyHostname(node) != nil {
		return fmt.Errorf("the peer is the agent of %s, not of %s: check the node's address", id.name, node)
	}
	if serial := serialOf(leaf); m.revoked[serial] {
		return fmt.Errorf("the certificate of %s %s (serial %s) is revoked", id.kind, id.name, serial)
	}
	return nil
}
