package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/gophercloud/gophercloud/v2"
)

// ErrNotFound is in the chain of an error that means: the cloud answered, and
// has no such thing.
var ErrNotFound = errors.New("not found")

// problem is an error as the engineer reads it: one sentence with what failed,
// where, and what to do. The cause is for errors.Is, errors.As and the log.
type problem struct {
	sentence  string
	cause     error
	permanent bool
}

func (p *problem) Error() string { return p.sentence }
func (p *problem) Unwrap() error { return p.cause }

// Permanent tells that asking again won't help until somebody changes
// something: a wrong password, tried often, locks an account.
func (p *problem) Permanent() bool { return p.permanent }

func problemf(cause error, format string, args ...any) error {
	return &problem{sentence: fmt.Sprintf(format, args...), cause: cause}
}

// refusedf is problemf for an account that Keystone refuses.
func refusedf(cause error, format string, args ...any) error {
	return &problem{sentence: fmt.Sprintf(format, args...), cause: cause, permanent: true}
}

// explain turns what happened while service was asked into a sentence. at is
// the address asked; where the error itself names one, that one is told.
func explain(err error, service, at string) error {
	if err == nil {
		return nil
	}
	var done *problem
	if errors.As(err, &done) {
		return done
	}
	if again, ok := errors.AsType[*gophercloud.ErrUnableToReauthenticate](err); ok && again.ErrReauth != nil {
		return explainRenewal(again)
	}
	if answer, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err); ok {
		return explainAnswer(answer, service)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		at = place(u.URL, at)
	}
	return explainTransport(err, service, at)
}

// ended says why a request was given up before its answer: ctx is over.
func ended(ctx context.Context, service, at string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return explainTransport(cause, service, at)
	}
	return problemf(cause, "asking %s at %s was stopped before it answered", service, at)
}

func explainRenewal(err *gophercloud.ErrUnableToReauthenticate) error {
	if status(err.ErrReauth) == http.StatusUnauthorized {
		return refusedf(err, "the token has expired and Keystone gives no new one for this account: check that its password or application credential is still valid, then start again")
	}
	return problemf(err, "the token has expired and a new one could not be had: %v", explain(err.ErrReauth, "Keystone", ""))
}

// explainAnswer is for an answer with a bad status.
func explainAnswer(answer gophercloud.ErrUnexpectedResponseCode, service string) error {
	where := place(answer.URL, "")
	said := message(answer.Body)
	switch code := answer.Actual; {
	case code == http.StatusUnauthorized:
		return problemf(answer, "%s at %s does not accept the token: it has expired, or the service can't reach Keystone; sign in again%s", service, where, said)
	case code == http.StatusForbidden:
		return problemf(answer, "%s at %s does not allow this account to read it: use an account with the admin role, or a policy that allows it%s", service, where, said)
	case code == http.StatusNotFound:
		return problemf(answer, "%s at %s does not know this page: check the endpoint in the catalog, and the service's version%s", service, where, said)
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return problemf(answer, "%s at %s is overloaded or down for now (HTTP %d): try again in a while%s", service, where, code, said)
	case code >= 300 && code < 400:
		return problemf(answer, "%s at %s sends on to %s, where the token is not sent along: use that address if it is the right one", service, where, place(answer.ResponseHeader.Get("Location"), "another address"))
	case code >= 500:
		return problemf(answer, "%s at %s failed (HTTP %d): look at its log on the controller%s", service, where, code, said)
	default:
		return problemf(answer, "%s at %s answered HTTP %d, which was not expected: check that the address is this service's%s", service, where, code, said)
	}
}

// message is what an OpenStack service says in an error's body, ready to be put
// at the end of a sentence; "" where it says nothing readable.
func message(body []byte) string {
	var text string
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	for _, part := range answer { // one key: NeutronError, error, forbidden, badRequest...
		var detail struct{ Message string }
		if json.Unmarshal(part, &detail) == nil && detail.Message != "" {
			text = detail.Message
		}
	}
	const limit = 200
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return fmt.Sprintf(" (it says: %s)", text)
}

// explainTransport is for a request that got no answer.
func explainTransport(err error, service, at string) error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		remote   *net.OpError
		dns      *net.DNSError
		netErr   net.Error
		syntax   *json.SyntaxError
		kind     *json.UnmarshalTypeError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return problemf(err, "asking %s was cancelled", service)
	case errors.As(err, &unknown):
		return problemf(err, "the certificate of %s at %s is not signed by an authority that this machine trusts: name its CA bundle as cacert in clouds.yaml or in OS_CACERT", service, at)
	case errors.As(err, &hostname):
		return problemf(err, "the certificate of %s at %s is for another host name: use the name that it was issued for, or have it issued again", service, at)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return problemf(err, "the certificate of %s at %s is out of its time: have it renewed, and check the clock of this machine", service, at)
	case errors.As(err, &invalid), errors.As(err, &verify):
		return problemf(err, "the certificate of %s at %s can't be trusted (%v): check cacert in clouds.yaml or OS_CACERT", service, at, innermost(err))
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return problemf(err, "%s at %s does not speak TLS: if it is meant to, check its port, else write http:// in its address", service, at)
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of crypto/tls
		return problemf(err, "%s at %s refused the TLS handshake (%v): it may want a client certificate, cert and key in clouds.yaml or OS_CERT and OS_KEY", service, at, remote.Err)
	case errors.As(err, &dns):
		return problemf(err, "no address is known for %s, where %s should be: check the name and this machine's DNS", dns.Name, service)
	case errors.Is(err, syscall.ECONNREFUSED):
		return problemf(err, "nothing listens at %s, where %s should be: check the address, and whether the service runs", at, service)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return problemf(err, "there is no route to %s, where %s should be: check this machine's network or VPN", at, service)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return problemf(err, "%s at %s closed the connection without an answer: check the address; where it begins with https, the service may not speak TLS there", service, at)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return problemf(err, "%s at %s did not answer in time: check the way there and the load of the service, or allow it more time", service, at)
	case errors.As(err, &syntax), errors.As(err, &kind), errors.Is(err, errTooLong):
		return problemf(err, "what answers at %s is not %s (%v): check the address, a proxy may stand in between", at, service, innermost(err))
	default:
		return problemf(err, "%s at %s could not be asked: %v", service, at, innermost(err))
	}
}

// place is scheme, host and port of an address; the rest of a request's URL
// only makes a sentence long.
func place(address, otherwise string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return otherwise
	}
	return u.Scheme + "://" + u.Host
}

func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// status is the HTTP status that err is about, 0 without one.
func status(err error) int {
	answer, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	if !ok {
		return 0
	}
	return answer.Actual
}
