package openstack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

const cloudsYAML = `
clouds:
  prod:
    region_name: RegionTwo
    interface: internal
    verify: false
    auth:
      auth_url: https://prod.example:5000/v3
      username: alice
      project_name: acme
      user_domain_name: Users
      project_domain_name: Projects
  lab:
    regions: [RegionA, RegionB]
    insecure: true
    auth: {auth_url: "https://lab.example/identity/v3", user_id: u1, password: p, project_id: abc, user_domain_name: ignored}
  cred:
    auth_type: v3applicationcredential
    auth: {auth_url: "https://cred.example/v3", application_credential_id: ac1, application_credential_secret: s, project_name: acme, username: alice}
  token:
    auth_type: v3token
    auth: {auth_url: "https://token.example/v3", token: t1, project_id: abc, username: alice}
  empty: {region_name: RegionOne}
`

const secureYAML = `
clouds:
  prod:
    auth: {password: from-secure}
`

// write puts clouds.yaml and secure.yaml into a directory of their own.
func write(t *testing.T, name, clouds, secure string) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{name: clouds, "secure.yaml": secure} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

func vars(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestSignIn(t *testing.T) {
	file := write(t, "clouds.yaml", cloudsYAML, secureYAML)
	password := []string{"OS_AUTH_URL", "https://k.example/v3", "OS_USERNAME", "bob", "OS_PASSWORD", "p", "OS_PROJECT_NAME", "acme"}
	tests := map[string]struct {
		cloud  string
		env    []string
		called string
		region string
		avail  gophercloud.Availability
		check  func(t *testing.T, in signIn)
	}{
		"file with secure.yaml": {cloud: "prod", called: "prod", region: "RegionTwo", avail: gophercloud.AvailabilityInternal, check: func(t *testing.T, in signIn) {
			equal(t, "password", in.auth.Password, "from-secure")
			equal(t, "user's domain", in.auth.DomainName, "Users")
			equal(t, "scope", *in.auth.Scope, gophercloud.AuthScope{ProjectName: "acme", DomainName: "Projects"})
			equal(t, "insecure", in.trust.InsecureSkipVerify, true)
			equal(t, "renews", in.auth.AllowReauth, true)
		}},
		"OS_CLOUD, with region and interface of the environment": {
			env: []string{"OS_CLOUD", "prod", "OS_REGION_NAME", "Elsewhere", "OS_INTERFACE", "admin", "OS_AUTH_URL", "https://ignored/v3"}, called: "prod", region: "Elsewhere", avail: gophercloud.AvailabilityAdmin,
		},
		"user id, first of several regions, insecure": {cloud: "lab", called: "lab", region: "RegionA", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "domain beside a user id", in.auth.DomainName, "")
			equal(t, "scope", *in.auth.Scope, gophercloud.AuthScope{ProjectID: "abc"})
			equal(t, "insecure", in.trust.InsecureSkipVerify, true)
		}},
		"application credential": {cloud: "cred", called: "cred", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "user", in.auth.Username, "")
			if in.auth.Scope != nil {
				t.Errorf("scope is %+v, a credential has its own", in.auth.Scope)
			}
		}},
		"token": {cloud: "token", called: "token", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "user", in.auth.Username, "")
			equal(t, "renews", in.auth.AllowReauth, false)
		}},
		"environment, domains left out": {env: password, called: "k.example", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "user's domain", in.auth.DomainID, "default")
			equal(t, "scope", *in.auth.Scope, gophercloud.AuthScope{ProjectName: "acme", DomainID: "default"})
		}},
		"environment, old names and domains of both": {env: []string{
			"OS_AUTH_URL", "https://k.example/v3", "OS_USERNAME", "bob", "OS_PASSWORD", "p", "OS_TENANT_NAME", "acme",
			"OS_USER_DOMAIN_NAME", "U", "OS_PROJECT_DOMAIN_ID", "d2", "OS_PROJECT_DOMAIN_NAME", "D2",
		}, called: "k.example", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "user's domain", in.auth.DomainName, "U")
			equal(t, "scope", *in.auth.Scope, gophercloud.AuthScope{ProjectName: "acme", DomainID: "d2"})
		}},
		"environment, application credential by name": {env: []string{
			"OS_AUTH_URL", "https://k.example/v3", "OS_USERNAME", "bob", "OS_APPLICATION_CREDENTIAL_NAME", "n", "OS_APPLICATION_CREDENTIAL_SECRET", "s",
		}, called: "k.example", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "user's domain", in.auth.DomainID, "default")
		}},
		"environment, system scope": {env: append([]string{"OS_SYSTEM_SCOPE", "all"}, password[:6]...), called: "k.example", avail: gophercloud.AvailabilityPublic, check: func(t *testing.T, in signIn) {
			equal(t, "scope", *in.auth.Scope, gophercloud.AuthScope{System: true})
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in, err := readSignIn(Options{Cloud: test.cloud, Getenv: vars(test.env...), ConfigFiles: []string{file}})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "cloud", in.cloud, test.called)
			equal(t, "region", in.region, test.region)
			equal(t, "interface", in.endpoints, test.avail)
			if test.check != nil {
				test.check(t, in)
			}
		})
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestSignInOnlyCloud(t *testing.T) {
	file := write(t, "clouds.yml", "clouds: {one: {auth: {auth_url: 'https://one.example/v3', username: u, password: p}}}", "")
	place := strings.TrimSuffix(file, "yml") + "yaml" // asked for as .yaml, there as .yml
	in, err := readSignIn(Options{Getenv: vars(), ConfigFiles: []string{"/nonexistent/clouds.yaml", place}})
	if err != nil || in.cloud != "one" {
		t.Fatalf("got %q, %v", in.cloud, err)
	}
}

func TestSignInPlaces(t *testing.T) {
	got := strings.Join(usualPlaces(vars("HOME", "/home/a")), " ")
	equal(t, "usual", got, "clouds.yaml /home/a/.config/openstack/clouds.yaml /etc/openstack/clouds.yaml")
	got = strings.Join(usualPlaces(vars("HOME", "/home/a", "XDG_CONFIG_HOME", "/x")), " ")
	equal(t, "XDG", got, "clouds.yaml /x/openstack/clouds.yaml /etc/openstack/clouds.yaml")
	got = strings.Join(usualPlaces(vars("OS_CLIENT_CONFIG_FILE", "/f.yaml")), " ")
	equal(t, "named", got, "/f.yaml")
}

func TestSignInErrors(t *testing.T) {
	file := write(t, "clouds.yaml", cloudsYAML, secureYAML)
	broken := write(t, "clouds.yaml", "clouds: [", "")
	badSecret := write(t, "clouds.yaml", cloudsYAML, "clouds: [")
	env := func(more ...string) []string {
		return append([]string{"OS_AUTH_URL", "https://k.example/v3", "OS_USERNAME", "bob", "OS_PASSWORD", "p"}, more...)
	}
	tests := map[string]struct {
		cloud, file string
		env         []string
		want        []string // parts of the sentence
	}{
		"no such cloud":         {cloud: "nope", file: file, want: []string{`no cloud "nope"`, `"cred", "empty", "lab", "prod" or "token"`, "OS_CLOUD"}},
		"no file":               {cloud: "nope", file: "/nonexistent/clouds.yaml", want: []string{"no clouds.yaml", "/nonexistent/clouds.yaml"}},
		"nothing at all":        {file: "/nonexistent/clouds.yaml", want: []string{"no cloud is named", "OS_AUTH_URL"}},
		"none of several named": {file: file, want: []string{"several clouds", `"prod"`}},
		"no auth":               {cloud: "empty", file: file, want: []string{`"empty" has no auth section`}},
		"not YAML":              {cloud: "prod", file: broken, want: []string{"is not a clouds.yaml"}},
		"secure.yaml not YAML":  {cloud: "prod", file: badSecret, want: []string{"not clear"}},
		"no user":               {env: []string{"OS_AUTH_URL", "https://k.example/v3"}, want: []string{"no user", "OS_USERNAME"}},
		"no password":           {env: env("OS_PASSWORD", "")[:4], want: []string{"no password", "OS_PASSWORD"}},
		"no secret":             {env: env("OS_APPLICATION_CREDENTIAL_ID", "x"), want: []string{"no secret", "OS_APPLICATION_CREDENTIAL_SECRET"}},
		"not an address":        {env: append(env(), "OS_AUTH_URL", "k.example"), want: []string{"is no address"}},
		"version 2.0":           {env: append(env(), "OS_AUTH_URL", "https://k.example/v2.0/"), want: []string{"2.0", "/v3"}},
		"no CA bundle":          {env: env("OS_CACERT", "/nonexistent/ca.pem"), want: []string{"can't be used", "/nonexistent/ca.pem"}},
		"key without cert":      {env: env("OS_KEY", "/nonexistent/key.pem"), want: []string{"can't be used", "cert"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readSignIn(Options{Cloud: test.cloud, Getenv: vars(test.env...), ConfigFiles: []string{test.file}})
			sentence(t, err, test.want...)
		})
	}
	_, err := readSignIn(Options{Cloud: "nope", Getenv: vars(), ConfigFiles: []string{file}})
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

// sentence checks that an error is one line that says what is wanted.
func sentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
