package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Lifetimes of what is issued, and how far back it is dated so that a node
// whose clock is behind accepts it at once.
const (
	lifetimeAuthority = 10 * 365 * 24 * time.Hour
	lifetimeAgent     = 2 * 365 * 24 * time.Hour
	lifetimeConsole   = 365 * 24 * time.Hour
	backdate          = time.Hour
)

// The files of an authority's directory and of a bundle.
const (
	authorityFile    = "ca.pem"
	authorityKeyFile = "ca-key.pem"
	certFile         = "cert.pem"
	keyFile          = "key.pem"
	revokedFile      = "revoked"
)

// Authority signs the certificates of one installation.
type Authority struct {
	// Now is the clock that dates what is issued; nil for the system's.
	Now func() time.Time

	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// NewAuthority makes an authority in dir, which it makes too. It never
// overwrites one: the error then says so and matches [fs.ErrExist].
func NewAuthority(dir string) (*Authority, error) { return newAuthority(dir, time.Now) }

func newAuthority(dir string, now func() time.Time) (*Authority, error) {
	for _, name := range []string{authorityFile, authorityKeyFile} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("make an authority: %s: %w: the certificates that it signed would be worth nothing; choose another directory", path, fs.ErrExist)
		}
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Steth authority " + serial.Text(16)[:8]},
		NotBefore:             now().Add(-backdate),
		NotAfter:              now().Add(lifetimeAuthority),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	if err := writeNew(filepath.Join(dir, authorityKeyFile), keyPEM); err != nil {
		return nil, err
	}
	if err := writeNew(filepath.Join(dir, authorityFile), encodeCert(raw)); err != nil {
		return nil, err
	}
	a, err := LoadAuthority(dir)
	if err != nil {
		return nil, err
	}
	a.Now = now
	return a, nil
}

// LoadAuthority opens the authority in dir.
func LoadAuthority(dir string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, authorityFile), filepath.Join(dir, authorityKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the authority: %w: make one with `steth certs init`, or say where it is", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the authority in %s: %w", dir, err)
	}
	if err := checkSecret(filepath.Join(dir, authorityKeyFile)); err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("open the authority in %s: %s is no authority's certificate", dir, authorityFile)
	}
	return &Authority{dir: dir, cert: pair.Leaf, key: key}, nil
}

// IssueConsole makes the bundle of a console in dir, which must not exist yet.
func (a *Authority) IssueConsole(dir, name, role string) error {
	return a.issue(dir, identity{kind: kindConsole, name: name, role: role}, lifetimeConsole, nil, nil)
}

// IssueNode makes the bundle of a node's agent in dir, which must not exist
// yet. The certificate carries the node's name and the extra names and
// addresses.
func (a *Authority) IssueNode(dir, node string, names []string, ips []net.IP) error {
	for _, name := range names {
		if !isWord(name, 253) {
			return fmt.Errorf("issue a certificate for %s: %q is not a name", node, name)
		}
	}
	return a.issue(dir, identity{kind: kindAgent, name: node}, lifetimeAgent, append([]string{node}, names...), ips)
}

func (a *Authority) issue(dir string, id identity, lifetime time.Duration, names []string, ips []net.IP) error {
	if err := id.check(); err != nil {
		return fmt.Errorf("issue a certificate: %w", err)
	}
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	if now().After(a.cert.NotAfter) {
		return fmt.Errorf("issue a certificate for %s: the authority in %s expired on %s: make a new one with `steth certs init` in another directory", id.name, a.dir, day(a.cert.NotAfter))
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	until := now().Add(lifetime)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Steth " + id.kind}, CommonName: id.name},
		NotBefore:    now().Add(-backdate),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usageOf(id.kind)},
		DNSNames:     names,
		IPAddresses:  ips,
	}
	template.URIs = append(template.URIs, id.uri())
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("sign the certificate of %s: %w", id.name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	return writeBundle(dir, map[string][]byte{
		authorityFile: encodeCert(a.cert.Raw),
		certFile:      encodeCert(raw),
		keyFile:       keyPEM,
	})
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// newSerial returns 127 random bits (RFC 5280 allows 20 positive octets), the
// highest of them set so that it always prints with the same width.
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	return n.SetBit(n, 126, 1), nil
}

func encodeCert(raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
