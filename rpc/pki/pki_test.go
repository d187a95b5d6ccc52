package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var roles = []string{"viewer", "operator", "injector", "admin"}

// authority makes an authority with a console for each role and two nodes.
func authority(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	if _, err := Init(dir, roles); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"cmp1", "cmp2"} {
		if _, err := Issue(dir, node, "127.0.0.1", node+".example.org"); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, elem ...string) *Bundle {
	t.Helper()
	b, err := LoadBundle(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shake does a handshake over loopback (a pipe has no room for two alerts that
// cross) and returns the errors of both sides, and
// the server's view when it succeeded.
func shake(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	here.SetDeadline(deadline)
	there.SetDeadline(deadline)
	done := make(chan struct{})
	s := tls.Server(there, server)
	go func() {
		defer close(done)
		if serverErr = s.Handshake(); serverErr == nil {
			state = s.ConnectionState()
			_, serverErr = s.Write([]byte{1})
		}
		there.Close()
	}()
	c := tls.Client(here, client)
	if clientErr = c.Handshake(); clientErr == nil {
		// Under TLS 1.3 a client learns only now whether it was let in.
		_, clientErr = io.ReadFull(c, make([]byte, 1))
	}
	here.Close()
	<-done
	return state, serverErr, clientErr
}

func TestConsoleReachesAgent(t *testing.T) {
	dir := authority(t)
	for _, role := range roles {
		state, serr, cerr := shake(t, ServerTLS(load(t, dir, "node-cmp1")), ClientTLS(load(t, dir, "console-"+role), "cmp1"))
		if serr != nil || cerr != nil {
			t.Fatalf("%s: server %v, client %v", role, serr, cerr)
		}
		name, got, serial, err := IdentifyConsole(state)
		if err != nil || name != role || got != role || len(serial) != 32 {
			t.Errorf("%s: identified as %q, role %q, serial %q, %v", role, name, got, serial, err)
		}
		if state.Version != tls.VersionTLS13 {
			t.Errorf("%s: %s", role, tls.VersionName(state.Version))
		}
	}
	if _, _, err := shake(t, ServerTLS(load(t, dir, "node-cmp1")), ClientTLS(load(t, dir, "console-admin"), "cmp1.example.org")); err != nil {
		t.Errorf("by an extra name: %v", err)
	}
}

func TestBundleSaysWhoItIs(t *testing.T) {
	dir := authority(t)
	agent, console := load(t, dir, "node-cmp1"), load(t, dir, "console-operator")
	if agent.Name() != "cmp1" || agent.Role() != "" || console.Name() != "operator" || console.Role() != "operator" {
		t.Errorf("agent %q %q, console %q %q", agent.Name(), agent.Role(), console.Name(), console.Role())
	}
	if left := time.Until(console.Expires()); left < lifetimeConsole-time.Hour || left > lifetimeConsole {
		t.Errorf("a console's certificate is good for %v", left)
	}
}

func TestAuthorityErrors(t *testing.T) {
	if _, err := Issue(t.TempDir(), "cmp1"); err == nil || !strings.Contains(err.Error(), "steth certs init") {
		t.Errorf("without an authority: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "old")
	if _, err := newAuthority(dir, func() time.Time { return time.Now().Add(-11 * 365 * 24 * time.Hour) }); err != nil {
		t.Fatal(err)
	}
	if _, err := Issue(dir, "cmp1"); err == nil || !strings.Contains(err.Error(), "expired on") {
		t.Errorf("an expired authority: %v", err)
	}
	bundle := filepath.Join(authority(t), "node-cmp1")
	copyFile(t, filepath.Join(bundle, certFile), filepath.Join(bundle, authorityFile))
	copyFile(t, filepath.Join(bundle, keyFile), filepath.Join(bundle, authorityKeyFile))
	if _, err := LoadAuthority(bundle); err == nil || !strings.Contains(err.Error(), "no authority") {
		t.Errorf("an agent's certificate as an authority: %v", err)
	}
}

func TestWrongPeersAreRefused(t *testing.T) {
	dir, other := authority(t), authority(t)
	agent, console := load(t, dir, "node-cmp1"), load(t, dir, "console-admin")

	// asClient and asServer use any bundle for either side, as an attacker who
	// holds its key would.
	asClient := func(b *Bundle) *tls.Config {
		return &tls.Config{RootCAs: b.using.roots, Certificates: []tls.Certificate{b.using.cert}, ServerName: "cmp1"}
	}
	asServer := func(b *Bundle) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{b.using.cert}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
	}
	bothUses := rogue(t, dir, func(c *x509.Certificate) {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	})
	none := ClientTLS(console, "cmp1")
	none.GetClientCertificate = nil

	tests := []struct {
		name           string
		server, client *tls.Config
		refusedBy      string // the side that has the reason
		says           string
	}{
		{"an agent's certificate as a console's", ServerTLS(agent), asClient(load(t, dir, "node-cmp2")), "server", "incompatible key usage"},
		{"an agent's certificate for both uses as a console's", ServerTLS(agent), asClient(bothUses), "server", "kind agent"},
		{"a console's certificate as an agent's", asServer(console), ClientTLS(console, "cmp1"), "client", "cmp1"},
		{"another node", ServerTLS(load(t, dir, "node-cmp2")), ClientTLS(console, "cmp1"), "client", "cmp1"},
		{"a console of another authority", ServerTLS(agent), asClient(load(t, other, "console-admin")), "either", ""},
		{"an agent of another authority", ServerTLS(load(t, other, "node-cmp1")), ClientTLS(console, "cmp1"), "client", "unknown authority"},
		{"no certificate", ServerTLS(agent), none, "server", "didn't provide a certificate"},
		{"TLS 1.2", ServerTLS(agent), &tls.Config{MaxVersion: tls.VersionTLS12, RootCAs: agent.using.roots, ServerName: "cmp1"}, "server", "version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, serr, cerr := shake(t, tt.server, tt.client)
			if serr == nil || cerr == nil {
				t.Fatalf("let in: server %v, client %v", serr, cerr)
			}
			reason := serr
			if tt.refusedBy == "client" {
				reason = cerr
			}
			if !strings.Contains(reason.Error(), tt.says) {
				t.Errorf("%s says %q, want %q", tt.refusedBy, reason, tt.says)
			}
		})
	}
}

// A console's certificate whose key usage was widened is caught by its kind alone.
func TestConsoleKindNeverServes(t *testing.T) {
	dir := authority(t)
	a, err := LoadAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	bundle := issueChanged(t, a, identity{kind: kindConsole, name: "cmp1", role: "admin"}, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.DNSNames = []string{"cmp1"}
	})
	server := &tls.Config{Certificates: []tls.Certificate{bundle.using.cert}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
	_, _, err = shake(t, server, ClientTLS(load(t, dir, "console-viewer"), "cmp1"))
	if err == nil || !strings.Contains(err.Error(), "kind console where one of kind agent") {
		t.Errorf("got %v", err)
	}
}

// A key that others can read is theirs too.
func TestReadableKeyIsRefused(t *testing.T) {
	dir := authority(t)
	key := filepath.Join(dir, "node-cmp1", keyFile)
	for mode, good := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o604: false, 0o660: false, 0o602: false} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadBundle(filepath.Join(dir, "node-cmp1"))
		if good != (err == nil) || !good && !strings.Contains(err.Error(), "chmod 600 "+key) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	authorityKey := filepath.Join(dir, authorityKeyFile)
	if err := os.Chmod(authorityKey, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("the authority's: %v", err)
	}
}

// A session that is open is judged again by what the files say now.
func TestRecheck(t *testing.T) {
	dir := authority(t)
	node := load(t, dir, "node-cmp1")
	a, err := LoadAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	recheck := Recheck(node)
	enter := func(bundle string) tls.ConnectionState {
		t.Helper()
		state, serr, cerr := shake(t, ServerTLS(node), ClientTLS(load(t, dir, bundle), "cmp1"))
		if err := errors.Join(serr, cerr); err != nil {
			t.Fatal(err)
		}
		if err := recheck(state); err != nil {
			t.Fatalf("%s at once: %v", bundle, err)
		}
		return state
	}
	refused := func(state tls.ConnectionState, says string) {
		t.Helper()
		if err := recheck(state); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want that it is %s", err, says)
		}
	}
	viewer, operator := enter("console-viewer"), enter("console-operator")
	if err := os.WriteFile(filepath.Join(dir, "node-cmp1", revokedFile), []byte(serialOf(viewer.PeerCertificates[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(viewer, "revoked")
	if err := recheck(operator); err != nil {
		t.Errorf("another than the revoked: %v", err)
	}
	a.Now = func() time.Time { return time.Now().Add(2*time.Second - lifetimeConsole) }
	if err := a.IssueConsole(filepath.Join(dir, "console-brief"), "brief", "viewer"); err != nil {
		t.Fatal(err)
	}
	brief := enter("console-brief")
	for deadline := time.After(5 * time.Second); recheck(brief) == nil; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("an expired certificate stays valid")
		}
	}
	refused(brief, "expired")
	other := authority(t)
	ca, err := os.ReadFile(filepath.Join(other, authorityFile))
	if err != nil {
		t.Fatal(err)
	}
	node.mu.Lock() // as if the files had changed to those of another authority
	node.using.roots = x509.NewCertPool()
	node.using.roots.AppendCertsFromPEM(ca)
	node.mu.Unlock()
	refused(operator, "valid no more")
}

func TestRevokedAndRenewedWithoutRestart(t *testing.T) {
	dir := authority(t)
	agent := load(t, dir, "node-cmp1")
	var log bytes.Buffer
	agent.Log = slog.New(slog.NewTextHandler(&log, nil))
	server := ServerTLS(agent)
	console := load(t, dir, "console-operator")
	if _, _, err := shake(t, server, ClientTLS(console, "cmp1")); err != nil {
		t.Fatal(err)
	}

	revoked := filepath.Join(dir, "node-cmp1", revokedFile)
	if err := os.WriteFile(revoked, []byte("# lost laptop\nserial="+strings.ToUpper(serialOf(console.using.cert.Leaf))+" # operator\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, serr, cerr := shake(t, server, ClientTLS(console, "cmp1")); cerr == nil || !strings.Contains(serr.Error(), "revoked") {
		t.Errorf("revoked console: server %v, client %v", serr, cerr)
	}
	if _, _, err := shake(t, server, ClientTLS(load(t, dir, "console-admin"), "cmp1")); err != nil {
		t.Errorf("another console: %v", err)
	}

	if err := os.WriteFile(revoked, []byte("not a serial\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, serr, _ := shake(t, server, ClientTLS(console, "cmp1")); serr == nil {
		t.Error("a broken list let a revoked console in")
	}
	if !strings.Contains(log.String(), "line 1") {
		t.Errorf("the log does not say where the list is broken: %s", &log)
	}
	if _, err := LoadBundle(filepath.Join(dir, "node-cmp1")); err == nil {
		t.Error("a broken list is accepted at start")
	}
	os.Remove(revoked)

	before := agent.using.cert.Leaf.SerialNumber
	a, err := LoadAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	renewed := filepath.Join(t.TempDir(), "renewed")
	if err := a.IssueNode(renewed, "cmp1", nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{certFile, keyFile} {
		if err := os.Rename(filepath.Join(renewed, name), filepath.Join(dir, "node-cmp1", name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := shake(t, server, ClientTLS(console, "cmp1")); err != nil {
		t.Fatal(err)
	}
	if agent.using.cert.Leaf.SerialNumber.Cmp(before) == 0 {
		t.Error("the renewed certificate is not in use")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := authority(t)
	before, err := os.ReadFile(filepath.Join(dir, authorityKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for what, again := range map[string]func() error{
		"init":    func() error { _, err := Init(dir, roles); return err },
		"node":    func() error { _, err := Issue(dir, "cmp1"); return err },
		"console": func() error { _, err := IssueConsole(dir, "admin", "admin"); return err },
	} {
		if err := again(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v, want fs.ErrExist", what, err)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, authorityKeyFile)); !bytes.Equal(before, after) {
		t.Error("the authority's key changed")
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := authority(t)
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if want := 2 + 3*(len(roles)+2); err != nil || files != want {
		t.Errorf("%d files, want %d; %v", files, want, err)
	}
}

func TestBadNames(t *testing.T) {
	dir := authority(t)
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-v", "a b", "a\nb", "ü", strings.Repeat("x", 254)} {
		if _, err := Issue(dir, name); err == nil {
			t.Errorf("node %q was issued", name)
		}
		if _, err := IssueConsole(dir, name, "viewer"); err == nil {
			t.Errorf("console %q was issued", name)
		}
	}
	if _, err := IssueConsole(dir, "bob", "admin&role=x"); err == nil {
		t.Error("a role that is no word was issued")
	}
	if _, err := Issue(dir, "cmp9", "a/b"); err == nil {
		t.Error("an extra name that is none was issued")
	}
}

func TestLoadBundleSaysWhatIsWrong(t *testing.T) {
	dir, other := authority(t), authority(t)
	past := func(d time.Duration) func() time.Time {
		return func() time.Time { return time.Now().Add(d) }
	}
	tests := []struct {
		name string
		make func(t *testing.T) string // returns the bundle's directory
		says []string
	}{
		{"missing", func(t *testing.T) string { return t.TempDir() }, []string{"ca.pem", "steth certs issue"}},
		{"expired", func(t *testing.T) string { return issuedAt(t, dir, past(-3*365*24*time.Hour)) }, []string{"cmp7", "expired on", "steth certs issue"}},
		{"not valid yet", func(t *testing.T) string { return issuedAt(t, dir, past(48*time.Hour)) }, []string{"cmp7", "not valid before", "clock"}},
		{"another authority", func(t *testing.T) string {
			copyFile(t, filepath.Join(other, authorityFile), filepath.Join(dir, "node-cmp2", authorityFile))
			return filepath.Join(dir, "node-cmp2")
		}, []string{"cert.pem", "not signed by the authority in ca.pem"}},
		{"another key", func(t *testing.T) string {
			copyFile(t, filepath.Join(other, "node-cmp1", keyFile), filepath.Join(dir, "node-cmp1", keyFile))
			return filepath.Join(dir, "node-cmp1")
		}, []string{"key.pem", "private key does not match"}},
		{"not ours", func(t *testing.T) string { return rogue(t, dir, func(c *x509.Certificate) { c.URIs = nil }).dir }, []string{"names no console"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadBundle(tt.make(t))
			if err == nil {
				t.Fatal("loaded")
			}
			for _, want := range tt.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("steth://console/alice?role=operator")
	f.Add("steth://agent/cmp1")
	f.Add("steth://console/alice?role=operator&role=admin")
	f.Add("steth://agent/cmp1?role=admin")
	f.Add("steth://user@console:1/alice?role=admin#x")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		id, err := parseURI(u)
		if err != nil {
			return
		}
		if again, err := parseURI(id.uri()); err != nil || again != id {
			t.Errorf("%q became %+v, then %+v, %v", text, id, again, err)
		}
		if id.kind == kindAgent && id.role != "" {
			t.Errorf("%q gives an agent a role", text)
		}
	})
}

func TestParseURIRefuses(t *testing.T) {
	for _, text := range []string{
		"steth://console/alice", "steth://console/alice?role=", "steth://console/?role=admin",
		"steth://console/alice?role=viewer&role=admin", "steth://console/alice?role=viewer;x",
		"steth://agent/cmp1?role=admin", "steth://user@console/a?role=admin", "steth://console:1/a?role=admin",
		"steth://console/a?role=admin#x", "steth://console/a/b?role=admin", "steth://robot/a?role=admin",
		"steth://console/%61?role=admin",
	} {
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		if id, err := parseURI(u); err == nil {
			t.Errorf("%s was read as %+v", text, id)
		}
	}
}

// issuedAt issues a node's bundle with another clock and returns its directory.
func issuedAt(t *testing.T, dir string, now func() time.Time) string {
	t.Helper()
	a, err := LoadAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	a.Now = now
	bundle := filepath.Join(t.TempDir(), "node")
	if err := a.IssueNode(bundle, "cmp7", nil, nil); err != nil {
		t.Fatal(err)
	}
	return bundle
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
