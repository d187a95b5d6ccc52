package openstack

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

const (
	defaultTimeout = 30 * time.Second
	maxAnswer      = 128 << 20 // bytes of one answer; a page of 1,000 servers has some 5 MB

	maxRetries = 4 // of one request that was turned away
	maxWait    = 30 * time.Second
	firstWait  = 500 * time.Millisecond
)

var errTooLong = errors.New("the answer is longer than any page of an API")

// newHTTPClient is the client for all services of one cloud. Its requests end
// after timeout whatever their context says.
func newHTTPClient(trust *tls.Config, timeout time.Duration) http.Client {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return http.Client{
		Timeout:       timeout,
		CheckRedirect: sameHost,
		Transport: &bounded{&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: min(timeout, 10*time.Second)}).DialContext,
			TLSClientConfig:     trust,
			TLSHandshakeTimeout: min(timeout, 10*time.Second),
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 16, // as many as kinds are read at once
			IdleConnTimeout:     90 * time.Second,
		}},
	}
}

// sameHost follows a redirect only where it stays on the host: net/http would
// send X-Auth-Token along to any other.
func sameHost(to *http.Request, via []*http.Request) error {
	const most = 3
	if from := via[0].URL; len(via) > most || to.URL.Host != from.Host || to.URL.Scheme != from.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// bounded is a transport that reads at most maxAnswer bytes of an answer.
type bounded struct{ *http.Transport }

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// patience answers gophercloud's question whether to ask again. Only a service
// that turns requests away for now (429, 503) is asked again, after the time it
// names in Retry-After, or after waits that double.
type patience struct {
	wait func(ctx context.Context, d time.Duration) error
	now  func() time.Time
}

// limited is gophercloud's hook for 429.
func (p patience) limited(ctx context.Context, answer *gophercloud.ErrUnexpectedResponseCode, _ error, tries uint) error {
	return p.again(ctx, *answer, tries)
}

// failed is gophercloud's hook for every other failure.
func (p patience) failed(ctx context.Context, _, _ string, _ *gophercloud.RequestOpts, err error, tries uint) error {
	answer, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	if !ok || answer.Actual != http.StatusServiceUnavailable {
		return err
	}
	return p.again(ctx, answer, tries)
}

// again waits and returns nil to ask once more, or the answer itself to give up.
func (p patience) again(ctx context.Context, answer gophercloud.ErrUnexpectedResponseCode, tries uint) error {
	if tries > maxRetries {
		return answer
	}
	wait := firstWait << (tries - 1)
	if said, ok := retryAfter(answer.ResponseHeader.Get("Retry-After"), p.now()); ok {
		wait = said
	}
	if wait > maxWait {
		return answer // so long an engineer should decide
	}
	return p.wait(ctx, wait)
}

// retryAfter reads the header of RFC 9110, 10.2.3: seconds or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
