package openstack

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConnect(t *testing.T) {
	c := newFakeCloud(t).connect(t)
	equal(t, "about", c.About(), About{Cloud: "127.0.0.1", Project: "admin", Region: "RegionOne", User: "admin", Admin: true})
}

func TestConnectVersionless(t *testing.T) {
	f := newFakeCloud(t)
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" && r.URL.Path != "/identity/" {
			return false
		}
		w.WriteHeader(http.StatusMultipleChoices)
		_, _ = w.Write([]byte(`{"versions": {"values": [{"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": "` + f.URL + `/identity/v3/"}]}]}}`))
		return true
	}
	c, err := Connect(t.Context(), Options{Getenv: f.env("OS_AUTH_URL", f.URL+"/identity")})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestConnectErrors(t *testing.T) {
	f := newFakeCloud(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	tests := map[string]struct {
		env  []string
		want []string
	}{
		"wrong password": {[]string{"OS_PASSWORD", "wrong"}, []string{"refused user admin for project admin", "password is wrong", f.URL}},
		"unreachable":    {[]string{"OS_AUTH_URL", "http://" + nobody.Addr().String() + "/v3"}, []string{"nothing listens at", nobody.Addr().String(), "check the address"}},
		"no such host":   {[]string{"OS_AUTH_URL", "http://keystone.invalid/v3"}, []string{"keystone.invalid", "DNS"}},
		"not Keystone":   {[]string{"OS_AUTH_URL", f.URL + "/wrong/v3"}, []string{"no Keystone v3", "/v3"}},
		"https to http":  {[]string{"OS_AUTH_URL", strings.Replace(f.URL, "http:", "https:", 1) + "/identity/v3"}, []string{"does not speak TLS", "http://"}},
		"other region":   {[]string{"OS_REGION_NAME", "Mars"}, []string{"Neutron", `region "Mars"`, `"RegionOne"`, "OS_REGION_NAME"}},
		"no interface":   {[]string{"OS_INTERFACE", "admin"}, []string{"no admin endpoint of Neutron", "OS_INTERFACE"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), Options{Getenv: f.env(test.env...)})
			sentence(t, err, test.want...)
		})
	}
}

func TestConnectStatuses(t *testing.T) {
	for code, want := range map[int]string{
		http.StatusForbidden:           "locks out user admin",
		http.StatusInternalServerError: "failed (HTTP 500): look at its log on the controller (it says: boom)",
		http.StatusTeapot:              "answered HTTP 418",
	} {
		f := newFakeCloud(t)
		f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, code, "error", "boom")
			return true
		}
		_, err := Connect(t.Context(), Options{Getenv: f.env()})
		sentence(t, err, want, f.URL)
	}
}

func TestConnectNotJSON(t *testing.T) {
	f := newFakeCloud(t)
	f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("<html>captive portal"))
		return true
	}
	_, err := Connect(t.Context(), Options{Getenv: f.env()})
	sentence(t, err, "is not Keystone", "proxy")
}

func TestConnectTimeout(t *testing.T) {
	f := newFakeCloud(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // before the server's Close, which waits for the handler
	f.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	_, err := Connect(t.Context(), Options{Getenv: f.env(), Timeout: 50 * time.Millisecond})
	sentence(t, err, "Keystone at "+f.URL, "did not answer in time")

	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Connect(brief, Options{Getenv: f.env()})
	sentence(t, err, "Keystone at "+f.URL, "did not answer in time")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Connect(ctx, Options{Getenv: f.env()})
	sentence(t, err, "asking Keystone at "+f.URL+" was stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap the cause", err)
	}
}

func TestConnectTurnedAwayAtFirst(t *testing.T) {
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		f := newFakeCloud(t)
		turned := false
		f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
			if turned {
				return false
			}
			turned = true
			w.Header().Set("Retry-After", "0")
			refuse(w, code, "error", "not now")
			return true
		}
		c, err := Connect(t.Context(), Options{Getenv: f.env()})
		if err != nil {
			t.Errorf("HTTP %d with Retry-After: %v", code, err)
			continue
		}
		c.Close()
	}
}

func TestConnectUnscoped(t *testing.T) {
	f := newFakeCloud(t)
	f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Subject-Token", "unscoped")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"token": {"user": {"name": "admin"}}}`))
		return true
	}
	_, err := Connect(t.Context(), Options{Getenv: f.env("OS_PROJECT_NAME", "")})
	sentence(t, err, "without a catalog", "OS_PROJECT_NAME")
}

// tlsCloud is a fake cloud behind TLS; ca is the file of its certificate.
func tlsCloud(t *testing.T, mutual bool) (f *fakeCloud, ca string) {
	t.Helper()
	f = unstartedCloud(t)
	if mutual {
		f.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	}
	f.Config.ErrorLog = quietLog()
	f.StartTLS()
	ca = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return f, ca
}

func TestConnectTLS(t *testing.T) {
	f, ca := tlsCloud(t, false)
	_, err := Connect(t.Context(), Options{Getenv: f.env()})
	sentence(t, err, "certificate of Keystone at "+f.URL, "not signed by an authority", "OS_CACERT")

	_, err = Connect(t.Context(), Options{Getenv: f.env("OS_CACERT", ca, "OS_AUTH_URL", strings.Replace(f.URL, "127.0.0.1", "localhost", 1)+"/identity/v3")})
	sentence(t, err, "another host name")

	for _, env := range [][]string{{"OS_CACERT", ca}, {"OS_INSECURE", "true"}} {
		c, err := Connect(t.Context(), Options{Getenv: f.env(env...)})
		if err != nil {
			t.Fatalf("%v: %v", env, err)
		}
		c.Close()
	}
}

func TestConnectClientCertificate(t *testing.T) {
	f, ca := tlsCloud(t, true)
	_, err := Connect(t.Context(), Options{Getenv: f.env("OS_CACERT", ca)})
	sentence(t, err, "refused the TLS handshake", "client certificate")

	cert, key := clientCert(t)
	c, err := Connect(t.Context(), Options{Getenv: f.env("OS_CACERT", ca, "OS_CERT", cert, "OS_KEY", key)})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestTokenRenews(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.expire()
	s, err := c.Load(t.Context(), nil, nil, nil)
	if err != nil || len(s.Ports) != 10 || len(s.Missing) != 0 {
		t.Fatalf("%d ports, missing %v, %v", len(s.Ports), s.Missing, err)
	}
	if f.tokens != 2 {
		t.Errorf("%d tokens were asked for, want one at the start and one for all readers together", f.tokens)
	}
}

func TestTokenCantRenew(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.expire()
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		refuse(w, http.StatusUnauthorized, "error", "The password is expired.")
		return true
	}
	_, err := c.Load(t.Context(), nil, []Kind{KindPort}, nil)
	sentence(t, err, "the token has expired and Keystone gives no new one", "password")
}

func TestTokenAlone(t *testing.T) {
	f := newFakeCloud(t)
	f.valid = "given"
	c, err := Connect(t.Context(), Options{Getenv: vars("OS_AUTH_URL", f.URL+"/identity/v3", "OS_TOKEN", "given")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.Load(t.Context(), nil, []Kind{KindNetwork}, nil); err != nil || len(s.Networks) != 4 {
		t.Fatalf("%v, %v", s.Networks, err)
	}
	f.expire()
	_, err = c.Load(t.Context(), nil, []Kind{KindNetwork}, nil)
	sentence(t, err, "does not accept the token", "sign in again")
}

func TestEndpoints(t *testing.T) {
	for in, want := range map[string]string{
		"http://c:9696":                    "http://c:9696/v2.0/",
		"http://c:9696/":                   "http://c:9696/v2.0/",
		"http://c:9696/v2.0":               "http://c:9696/v2.0/",
		"http://c/networking":              "http://c/networking/v2.0/",
		"http://c/compute/v2.1/0123456789": "http://c/compute/v2.1/0123456789/",
		"http://v3.example/compute":        "http://v3.example/compute/v2.0/",
	} {
		equal(t, in, versioned(in, "v2.0"), want)
	}
}

func TestNoRedirectOfToken(t *testing.T) {
	var stolen string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header.Get("X-Auth-Token") }))
	defer thief.Close()
	f := newFakeCloud(t)
	c := f.connect(t)
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, thief.URL, http.StatusFound)
		return true
	}
	if _, err := c.Raw(t.Context(), KindPort, "x"); err == nil {
		t.Error("a redirect to another host was followed")
	}
	equal(t, "token given away", stolen, "")
}
