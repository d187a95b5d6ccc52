package pki

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"path/filepath"
	"testing"
	"time"
)

// rogue signs an agent's certificate that our own code would not, changed by
// change, with the authority in dir.
func rogue(t *testing.T, dir string, change func(*x509.Certificate)) *Bundle {
	t.Helper()
	a, err := LoadAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	return issueChanged(t, a, identity{kind: kindAgent, name: "rogue"}, change)
}

func issueChanged(t *testing.T, a *Authority, id identity, change func(*x509.Certificate)) *Bundle {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	serial, err := newSerial()
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{usageOf(id.kind)},
		URIs:         []*url.URL{id.uri()},
	}
	change(template)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	keyPEM, err := encodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "rogue")
	err = writeBundle(dir, map[string][]byte{authorityFile: encodeCert(a.cert.Raw), certFile: encodeCert(raw), keyFile: keyPEM})
	if err != nil {
		t.Fatal(err)
	}
	return &Bundle{dir: dir, seen: stampOf(dir), using: &material{
		cert:  tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf},
		roots: roots, id: id,
	}}
}
