package rpc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// network makes a listener and the way to reach it. The tests that don't care
// run their one body over each.
type network struct {
	name  string
	start func(t testing.TB) (l net.Listener, dial func(t testing.TB) net.Conn, server Server)
}

func networks() []network {
	return []network{
		{"pipe", startPipe},
		{"tcp", startTCP},
		{"tls", startTLS},
	}
}

// overEach runs body over every network.
func overEach(t *testing.T, body func(t *testing.T, n network)) {
	for _, n := range networks() {
		t.Run(n.name, func(t *testing.T) { body(t, n) })
	}
}

func startPipe(testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l, func(t testing.TB) net.Conn {
		mine, theirs := net.Pipe()
		select {
		case l.conns <- localConn{theirs}:
			return localConn{mine}
		case <-l.closed:
			t.Fatal("the pipe's listener is closed")
			return nil
		}
	}, Server{Plain: &Peer{Name: "test", Role: "admin"}}
}

func startTCP(t testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
	l := listen(t)
	return l, func(t testing.TB) net.Conn { return dialTCP(t, l) }, Server{Plain: &Peer{Name: "test", Role: "admin"}}
}

func startTLS(t testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
	l := listen(t)
	server, client := testCertificates(t)
	return l, func(t testing.TB) net.Conn { return tls.Client(dialTCP(t, l), client) },
		Server{TLS: server, Identify: func(cs tls.ConnectionState) (Peer, error) {
			leaf := cs.PeerCertificates[0]
			return Peer{Name: leaf.Subject.CommonName, Role: "admin", Serial: leaf.SerialNumber.Text(16)}, nil
		}}
}

func listen(t testing.TB) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dialTCP(t testing.TB, l net.Listener) net.Conn {
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// pipeListener accepts the other ends of net.Pipe.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// localConn says that it is a unix socket, which may be plain.
type localConn struct{ net.Conn }

func (localConn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// testCertificates makes an authority that lives for one test.
func testCertificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	caKey, caCert := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	pool := x509.NewCertPool()
	pool.AddCert(caCert)
	serverKey, serverCert := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "cmp1"}, DNSNames: []string{"cmp1"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, caCert, caKey)
	clientKey, clientCert := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "alice"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, caCert, caKey)
	server = &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{serverCert.Raw}, PrivateKey: serverKey}},
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	}
	client = &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: "cmp1",
		Certificates:                []tls.Certificate{{Certificate: [][]byte{clientCert.Raw}, PrivateKey: clientKey}},
		DynamicRecordSizingDisabled: true,
	}
	return server, client
}

func issue(t testing.TB, c, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = c, key
	}
	c.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	if c.NotBefore.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

var discard = slog.New(slog.DiscardHandler)

// handlerFunc makes a function a Handler.
type handlerFunc func(ctx context.Context, call *Call) error

func (f handlerFunc) ServeCall(ctx context.Context, call *Call) error { return f(ctx, call) }

// rig is a running server and the way to reach it.
type rig struct {
	t      testing.TB
	dial   func(testing.TB) net.Conn
	timing timing
	stop   func() // ends the server and waits for it
}

// start runs a server with h on n until the test ends.
func start(t testing.TB, n network, h handlerFunc, change ...func(*Server, *timing)) *rig {
	t.Helper()
	l, dial, server := n.start(t)
	server.Handler = h
	timing := defaultTiming()
	for _, f := range change {
		f(&server, &timing)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.serve(ctx, l, timing) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return &rig{t: t, dial: dial, timing: timing, stop: stop}
}

// session opens a session that is closed with the test.
func (r *rig) session(opt DialOptions) *Session {
	r.t.Helper()
	s, err := r.trySession(opt)
	if err != nil {
		r.t.Fatalf("dial: %v", err)
	}
	r.t.Cleanup(func() { s.Close() })
	return s
}

func (r *rig) trySession(opt DialOptions) (*Session, error) {
	r.t.Helper()
	conn := r.dial(r.t)
	_, secured := conn.(*tls.Conn)
	opt.Plain = !secured
	return dial(context.Background(), conn, opt, r.timing)
}

// control opens a control session of a new console.
func (r *rig) control() *Session {
	r.t.Helper()
	return r.session(DialOptions{Console: NewConsoleID()})
}

func (r *rig) call(s *Session, tool string, args any) *Stream {
	r.t.Helper()
	st, err := s.Call(context.Background(), tool, args)
	if err != nil {
		r.t.Fatalf("call %s: %v", tool, err)
	}
	r.t.Cleanup(func() { st.Close() })
	return st
}

// within fails the test when f takes longer than d.
func within(t testing.TB, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s took more than %v", what, d)
	}
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}
