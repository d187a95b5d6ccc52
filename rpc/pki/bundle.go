package pki

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Bundle is one side's certificate, key and authority. It follows its files:
// what is renewed on disk is used from the next handshake on. It is safe for
// concurrent use.
type Bundle struct {
	// Log is told when the files changed and when what they changed to can't be
	// used; nil for nobody. Set it before the first handshake.
	Log *slog.Logger

	dir string

	mu    sync.Mutex
	using *material
	seen  stamp // of the last reading, good or bad
}

// material is what one reading of the files gave.
type material struct {
	cert    tls.Certificate
	roots   *x509.CertPool
	id      identity
	revoked map[string]bool // serials in lower-case hexadecimal
}

// stamp tells whether files changed without reading them.
type stamp [4]struct {
	changed time.Time
	size    int64
}

func stampOf(dir string) (s stamp) {
	for i, name := range []string{authorityFile, certFile, keyFile, revokedFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			s[i].changed, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

// LoadBundle reads ca.pem, cert.pem, key.pem and, where there is one, revoked
// from dir. A certificate that is expired, not valid yet or not signed by
// ca.pem is an error that says so.
func LoadBundle(dir string) (*Bundle, error) {
	seen := stampOf(dir)
	m, err := readMaterial(dir, time.Now())
	if err != nil {
		return nil, err
	}
	return &Bundle{dir: dir, using: m, seen: seen}, nil
}

// Name is the node's name in an agent's certificate, and its owner's in a
// console's.
func (b *Bundle) Name() string { return b.current().id.name }

// Role is the role in a console's certificate; an agent's has none.
func (b *Bundle) Role() string { return b.current().id.role }

// Expires is when the certificate ends.
func (b *Bundle) Expires() time.Time { return b.current().cert.Leaf.NotAfter }

// current reads the files again if they changed. What can't be used is logged
// once, and the last good reading stays in use.
func (b *Bundle) current() *material {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := stampOf(b.dir)
	if now == b.seen {
		return b.using
	}
	b.seen = now
	m, err := readMaterial(b.dir, time.Now())
	switch {
	case err != nil && b.Log != nil:
		b.Log.Error("changed certificates can't be used, the old ones stay", "dir", b.dir, "error", err)
	case err == nil:
		b.using = m
		if b.Log != nil {
			b.Log.Info("certificates changed", "dir", b.dir, "until", m.cert.Leaf.NotAfter, "revoked", len(m.revoked))
		}
	}
	return b.using
}

func readMaterial(dir string, now time.Time) (*material, error) {
	path := func(name string) string { return filepath.Join(dir, name) }
	caPEM, err := os.ReadFile(path(authorityFile))
	if err != nil {
		return nil, explainMissing(err)
	}
	m := &material{roots: x509.NewCertPool()}
	if !m.roots.AppendCertsFromPEM(caPEM) {
		return nil, fmt.Errorf("read certificates: %s holds no certificate", path(authorityFile))
	}
	m.cert, err = tls.LoadX509KeyPair(path(certFile), path(keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, explainMissing(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s and %s: %w", path(certFile), path(keyFile), err)
	}
	if err := checkSecret(path(keyFile)); err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	leaf := m.cert.Leaf
	if err := checkOwn(leaf, m.roots, now); err != nil {
		return nil, fmt.Errorf("%s: %w", path(certFile), err)
	}
	if m.id, err = identify(leaf); err != nil {
		return nil, fmt.Errorf("%s: %w", path(certFile), err)
	}
	m.revoked, err = readRevoked(path(revokedFile))
	return m, err
}

func explainMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read certificates: %w: `steth certs issue` (an agent's) and `steth certs console` make a directory with ca.pem, cert.pem and key.pem to copy here", err)
	}
	return fmt.Errorf("read certificates: %w", err)
}

// checkOwn says what is wrong with this side's own certificate, before a peer
// does in worse words.
func checkOwn(leaf *x509.Certificate, roots *x509.CertPool, now time.Time) error {
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("the certificate of %s is not valid before %s, and this machine's clock says %s: check the clock", leaf.Subject.CommonName, day(leaf.NotBefore), day(now))
	}
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("the certificate of %s expired on %s: make a new one with `steth certs %s`", leaf.Subject.CommonName, day(leaf.NotAfter), verbFor(leaf))
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("it was not signed by the authority in ca.pem beside it: copy both from one bundle")
	case err != nil:
		return fmt.Errorf("it is not valid: %w", err)
	}
	return nil
}

// verbFor is the verb of `steth certs` that makes a certificate like leaf.
func verbFor(leaf *x509.Certificate) string {
	if id, err := identify(leaf); err == nil && id.kind == kindConsole {
		return "console"
	}
	return "issue"
}

// readRevoked reads the serials that are refused. A line that is no serial is
// an error: who edits this file wants to shut somebody out.
func readRevoked(path string) (map[string]bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read revoked certificates: %w", err)
	}
	revoked := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "serial=") // as openssl prints it
		serial := strings.TrimLeft(strings.ReplaceAll(text, ":", ""), "0")
		if serial == "" {
			continue
		}
		if strings.Trim(serial, "0123456789abcdef") != "" {
			return nil, fmt.Errorf("%s, line %d: %q is not a serial number in hexadecimal", path, n, text)
		}
		revoked[serial] = true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return revoked, nil
}
