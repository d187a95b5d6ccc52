package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// What is wrong with a certificate is said in a sentence on the console's side,
// whichever side found it.
func TestCertificateErrorsAreExplained(t *testing.T) {
	day := 24 * time.Hour
	agent := func(change func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{
			Subject: pkix.Name{CommonName: "cmp1"}, DNSNames: []string{"cmp1"},
			NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(day),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		change(c)
		return c
	}
	console := func(change func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{
			Subject:   pkix.Name{CommonName: "alice"},
			NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(day),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		change(c)
		return c
	}
	same := func(*x509.Certificate) {}
	expired := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(-2*day), time.Now().Add(-day) }
	early := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(day), time.Now().Add(2*day) }
	clientAuth := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	serverAuth := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	giant := func(c *x509.Certificate) { c.Subject.CommonName = strings.Repeat("x", 5000) } // from who knows whom
	otherName := func(c *x509.Certificate) { c.DNSNames = []string{"cmp2"} }

	tests := []struct {
		name                         string
		agent, console               *x509.Certificate
		strangeAgent, strangeConsole bool // signed by another authority
		says                         []string
	}{
		{"fine", agent(same), console(same), false, false, nil},
		{"expired agent", agent(expired), console(same), false, false, []string{"cmp1, serial", "expired on", "steth certs"}},
		{"early agent", agent(early), console(same), false, false, []string{"cmp1, serial", "not valid before", "clocks"}},
		{"strange agent", agent(same), console(same), true, false, []string{"cmp1, serial", "another authority", "ca.pem"}},
		{"giant name", agent(giant), console(same), true, false, []string{"xxx, serial", "another authority"}},
		{"another node", agent(otherName), console(same), false, false, []string{"another node"}},
		{"console as agent", agent(clientAuth), console(same), false, false, []string{"wrong kind"}},
		{"expired console", agent(same), console(expired), false, false, []string{"this side's certificate has expired", "steth certs"}},
		{"early console", agent(same), console(early), false, false, []string{"not valid yet", "clocks"}},
		{"strange console", agent(same), console(same), false, true, []string{"authority", "ca.pem"}},
		{"agent as console", agent(same), console(serverAuth), false, false, []string{"refused this side's certificate", "not a console's"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ca := func() *x509.Certificate {
				return &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
			}
			caKey, caCert := issue(t, ca(), nil, nil)
			strangeKey, strangeCert := issue(t, ca(), nil, nil)
			pool := x509.NewCertPool()
			pool.AddCert(caCert)
			pair := func(template *x509.Certificate, strange bool) tls.Certificate {
				parent, signer := caCert, caKey
				if strange {
					parent, signer = strangeCert, strangeKey
				}
				key, cert := issue(t, template, parent, signer)
				return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
			}
			mine := pair(tt.console, tt.strangeConsole)
			client := &tls.Config{RootCAs: pool, ServerName: "cmp1", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &mine, nil }}
			server := Server{
				TLS:      &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, Certificates: []tls.Certificate{pair(tt.agent, tt.strangeAgent)}},
				Identify: func(tls.ConnectionState) (Peer, error) { return Peer{Name: "alice"}, nil },
			}
			l := listen(t)
			dial := func(t testing.TB) net.Conn { return tls.Client(dialTCP(t, l), client) }
			r := start(t, network{start: func(testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) { return l, dial, server }}, testTools)
			s, err := r.trySession(DialOptions{Console: NewConsoleID()})
			if tt.says == nil {
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
				return
			}
			if !errors.Is(err, ErrPermissionDenied) {
				t.Fatalf("got %v, want permission denied", err)
			}
			if len(err.Error()) > 500 {
				t.Errorf("a sentence of %d bytes", len(err.Error()))
			}
			for _, want := range tt.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestNotTLS(t *testing.T) {
	l := listen(t)
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n")
		io.Copy(io.Discard, conn)
	}()
	_, err := Dial(t.Context(), tls.Client(dialTCP(t, l), &tls.Config{ServerName: "cmp1"}), DialOptions{})
	if !errors.Is(err, ErrVersionMismatch) || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("got %v", err)
	}
	<-done
}

func TestClosedBeforeAnAnswer(t *testing.T) {
	l := listen(t)
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		readClientPreface(conn)
		conn.Close()
	}()
	_, err := Dial(t.Context(), dialTCP(t, l), DialOptions{Plain: true})
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "closed the connection before it answered") {
		t.Errorf("got %v", err)
	}
	<-done
}
