package pki

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

var errUnfinished = errors.New("not implemented")

// Authority signs certificates.
type Authority struct{ Now func() time.Time }

// NewAuthority makes an authority in dir. It refuses to overwrite one.
func NewAuthority(dir string) (*Authority, error) { return nil, errUnfinished }

// LoadAuthority opens the authority in dir.
func LoadAuthority(dir string) (*Authority, error) { return nil, errUnfinished }

// IssueConsole writes the bundle of a console into dir (ca.pem, cert.pem, key.pem).
func (a *Authority) IssueConsole(dir, name, role string) error { return errUnfinished }

// IssueNode writes the bundle of a node's agent into dir (ca.pem, cert.pem, key.pem).
func (a *Authority) IssueNode(dir, node string, names []string, ips []net.IP) error {
	return errUnfinished
}

// Init makes an authority in dir and a console bundle for each role in
// dir/console-ROLE. It returns the files and directories it made.
func Init(dir string, roles []string) ([]string, error) { return nil, errUnfinished }

// Issue makes the bundle of a node's agent in dir/node-NODE and returns that
// directory. Extra names and addresses stand in the certificate as well.
func Issue(dir, node string, extra ...string) (string, error) { return "", errUnfinished }

// IssueConsole makes a console's bundle in dir/console-NAME and returns that directory.
func IssueConsole(dir, name, role string) (string, error) { return "", errUnfinished }

// Bundle is one side's certificate, key and authority, read from a directory.
type Bundle struct{}

// LoadBundle reads ca.pem, cert.pem and key.pem from dir.
func LoadBundle(dir string) (*Bundle, error) { return nil, errUnfinished }

// ServerTLS is an agent's configuration.
func ServerTLS(b *Bundle) *tls.Config { return nil }

// ClientTLS is a console's configuration for the agent of node.
func ClientTLS(b *Bundle, node string) *tls.Config { return nil }

// IdentifyConsole reads who a console is from its verified certificate.
func IdentifyConsole(cs tls.ConnectionState) (name, role, serial string, err error) {
	return "", "", "", errUnfinished
}
