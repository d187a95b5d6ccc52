package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// explainHandshake turns what crypto/tls and crypto/x509 say about a failed
// handshake into a sentence: whose certificate, what is wrong with it, and what
// to do. Other errors are wrapped as they are.
func explainHandshake(err error) error {
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) {
		return &Error{Code: PermissionDenied, Message: explainCertificate(invalid), cause: err}
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" { // an alert, whose type crypto/tls does not export
		return &Error{Code: PermissionDenied, Message: explainAlert(op.Err.Error()), cause: err}
	}
	var header tls.RecordHeaderError
	if errors.As(err, &header) {
		return Errorf(VersionMismatch, "the peer does not speak TLS on this port: %w", err)
	}
	return fmt.Errorf("TLS handshake: %w", err)
}

// explainCertificate says what is wrong with the peer's certificate.
func explainCertificate(err *tls.CertificateVerificationError) string {
	whose := "the peer's certificate"
	var leaf *x509.Certificate
	if len(err.UnverifiedCertificates) > 0 {
		leaf = err.UnverifiedCertificates[0]
		whose = fmt.Sprintf("the peer's certificate (%s)", describeCertificate(leaf))
	}
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && leaf != nil:
		now := time.Now()
		if now.Before(leaf.NotBefore) {
			return fmt.Sprintf("%s is not valid before %s: compare the clocks of both machines", whose, day(leaf.NotBefore))
		}
		if now.After(leaf.NotAfter) {
			return fmt.Sprintf("%s expired on %s: issue a new one with `steth certs`", whose, day(leaf.NotAfter))
		}
		return fmt.Sprintf("the authority of %s is outside its time of validity: make a new one with `steth certs init`", whose)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return whose + " is of the wrong kind: an agent's and a console's can't stand in for each other"
	case errors.As(err, &unknown):
		return whose + " was signed by another authority: issue it with the one whose ca.pem is on this side"
	case errors.As(err, &name):
		return whose + " is of another node: check the node's address, or issue a certificate for its name"
	}
	return whose + " is not accepted"
}

// describeCertificate names a certificate that nobody has verified, and whose
// name and serial number may so be of any length.
func describeCertificate(c *x509.Certificate) string {
	return fmt.Sprintf("%.80s, serial %.40s", c.Subject.CommonName, c.SerialNumber.Text(16))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// explainAlert says why the peer refused this side's certificate, from the text
// of its alert (crypto/tls, alert.go).
func explainAlert(alert string) string {
	switch {
	case strings.Contains(alert, "expired certificate"):
		return "the peer says that this side's certificate has expired or is not valid yet: issue a new one with `steth certs`, and compare the clocks of both machines"
	case strings.Contains(alert, "unknown certificate authority"):
		return "the peer does not know the authority of this side's certificate: use one that its ca.pem has signed"
	case strings.Contains(alert, "certificate required"):
		return "the peer asks for a certificate and this side has none"
	case strings.Contains(alert, "bad certificate"), strings.Contains(alert, "certificate"):
		return "the peer refused this side's certificate: it may be revoked or not a console's; the peer's log says why"
	}
	return "the peer refused the TLS handshake"
}
