package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const scheme = "steth"

// The kinds of certificates.
const (
	kindConsole = "console"
	kindAgent   = "agent"
)

// identity is who a certificate is.
type identity struct {
	kind string
	name string // of the console's owner, or of the node
	role string // of a console
}

// uri is the identity as it stands in the certificate.
func (id identity) uri() *url.URL {
	u := &url.URL{Scheme: scheme, Host: id.kind, Path: "/" + id.name}
	if id.kind == kindConsole {
		u.RawQuery = url.Values{"role": {id.role}}.Encode()
	}
	return u
}

// identify reads who cert is. A certificate with more than one identity is
// nobody's.
func identify(cert *x509.Certificate) (identity, error) {
	var found []identity
	for _, u := range cert.URIs {
		if u.Scheme != scheme {
			continue
		}
		id, err := parseURI(u)
		if err != nil {
			return identity{}, err
		}
		found = append(found, id)
	}
	switch len(found) {
	case 0:
		return identity{}, errors.New("it names no console and no agent of Steth: issue it with `steth certs`")
	case 1:
		return found[0], nil
	}
	return identity{}, errors.New("it carries more than one identity")
}

func parseURI(u *url.URL) (identity, error) {
	id := identity{kind: u.Host, name: strings.TrimPrefix(u.Path, "/")}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return identity{}, fmt.Errorf("its identity %q is malformed", u)
	}
	id.role = query.Get("role")
	if err := id.check(); err != nil {
		return identity{}, fmt.Errorf("its identity %q: %w", u, err)
	}
	if id.uri().String() != u.String() { // anything added, doubled or written otherwise
		return identity{}, fmt.Errorf("its identity %q is not written as `steth certs` writes it", u)
	}
	return id, nil
}

// check refuses what can't be an identity, on the way into a certificate and
// on the way out.
func (id identity) check() error {
	switch {
	case id.kind != kindConsole && id.kind != kindAgent:
		return fmt.Errorf("%q is neither a console nor an agent", id.kind)
	case !isWord(id.name, 253):
		return fmt.Errorf("name %q: 1 to 253 letters, digits, '.', '-', '_' or '@' are needed", id.name)
	case id.kind == kindConsole && !isWord(id.role, 32):
		return fmt.Errorf("role %q is not a word", id.role)
	case id.kind == kindAgent && strings.Contains(id.name, "@"):
		return fmt.Errorf("name %q is not a node's", id.name)
	case id.kind == kindAgent && id.role != "":
		return errors.New("an agent has no role")
	}
	return nil
}

// isWord accepts what is safe in a file's name, a URI and a log line.
func isWord(s string, longest int) bool {
	if s == "" || len(s) > longest || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '.', r == '-', r == '_', r == '@':
		default:
			return false
		}
	}
	return true
}

// IdentifyConsole reads who a console is from its connection, whose certificate
// [ServerTLS] has verified. Serial is in hexadecimal, as in the revoked file.
func IdentifyConsole(cs tls.ConnectionState) (name, role, serial string, err error) {
	leaf, id, err := peerIdentity(cs, kindConsole)
	if err != nil {
		return "", "", "", err
	}
	return id.name, id.role, serialOf(leaf), nil
}

// peerIdentity judges the peer of a connection: verified, of the wanted kind
// and meant for what that kind does.
func peerIdentity(cs tls.ConnectionState, kind string) (*x509.Certificate, identity, error) {
	if len(cs.VerifiedChains) == 0 || len(cs.PeerCertificates) == 0 {
		return nil, identity{}, errors.New("the peer's certificate was not verified")
	}
	leaf := cs.PeerCertificates[0]
	refuse := func(err error) (*x509.Certificate, identity, error) {
		return nil, identity{}, fmt.Errorf("the peer's certificate (%s, serial %s): %w", leaf.Subject.CommonName, serialOf(leaf), err)
	}
	id, err := identify(leaf)
	if err != nil {
		return refuse(err)
	}
	if id.kind != kind {
		return refuse(fmt.Errorf("it is of kind %s where one of kind %s is needed", id.kind, kind))
	}
	if usage := usageOf(kind); len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != usage || len(leaf.UnknownExtKeyUsage) > 0 {
		return refuse(fmt.Errorf("its key usage is not that of kind %s alone", kind))
	}
	return leaf, id, nil
}

func usageOf(kind string) x509.ExtKeyUsage {
	if kind == kindConsole {
		return x509.ExtKeyUsageClientAuth
	}
	return x509.ExtKeyUsageServerAuth
}

func serialOf(cert *x509.Certificate) string { return cert.SerialNumber.Text(16) }
