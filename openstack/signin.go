package openstack

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"gopkg.in/yaml.v2"
)

// envCloud is the name under which the OS_* variables are read as a cloud, as
// openstacksdk does.
const envCloud = "envvars"

// signIn is all that is needed to ask for a token and to choose endpoints.
type signIn struct {
	cloud     string // as the engineer calls it
	auth      gophercloud.AuthOptions
	trust     *tls.Config
	region    string
	endpoints gophercloud.Availability
}

// cloudFile is the part of clouds.yaml that is looked at before gophercloud
// reads it: which clouds there are, and what gophercloud would overlook.
type cloudFile struct {
	Clouds map[string]struct {
		clouds.Cloud `yaml:",inline"`
		Insecure     bool `yaml:"insecure"`
	} `yaml:"clouds"`
}

// readSignIn gathers the settings in the order of every OpenStack client: a
// cloud that is named (option, then OS_CLOUD), else the OS_* variables, else the
// only cloud of clouds.yaml.
func readSignIn(opt Options) (signIn, error) {
	env := opt.Getenv
	if env == nil {
		env = os.Getenv
	}
	name := first(opt.Cloud, env("OS_CLOUD"))
	if name == envCloud || name == "" && env("OS_AUTH_URL") != "" {
		return parse(envCloud, hostOf(env("OS_AUTH_URL")), environment(env), nil, opt, env)
	}
	places := opt.ConfigFiles
	if places == nil {
		places = usualPlaces(env)
	}
	path, text, err := firstFile(places)
	switch {
	case errors.Is(err, fs.ErrNotExist) && name == "":
		return signIn{}, problemf(err, "no cloud is named: give one of clouds.yaml with --os-cloud or OS_CLOUD, or set OS_AUTH_URL and the other OS_* variables (source an openrc file)")
	case errors.Is(err, fs.ErrNotExist):
		return signIn{}, problemf(err, "cloud %q can't be looked up because there is no clouds.yaml: looked for %s", name, strings.Join(places, ", "))
	case err != nil:
		return signIn{}, problemf(err, "%s can't be read: %v", path, innermost(err))
	}
	var file cloudFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return signIn{}, problemf(err, "%s is not a clouds.yaml: %v", path, err)
	}
	names := make([]string, 0, len(file.Clouds))
	for n := range file.Clouds {
		names = append(names, n)
	}
	slices.Sort(names)
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if name == "" {
		return signIn{}, problemf(nil, "%s knows several clouds and none is named: give %s with --os-cloud or OS_CLOUD", path, orList(names))
	}
	if _, ok := file.Clouds[name]; !ok {
		return signIn{}, problemf(ErrNotFound, "there is no cloud %q in %s, it knows %s: choose one with --os-cloud or OS_CLOUD", name, path, orList(names))
	}
	_, secret, err := firstFile([]string{filepath.Join(filepath.Dir(path), "secure.yaml")})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return signIn{}, problemf(err, "secure.yaml beside %s can't be read: %v", path, innermost(err))
	}
	return parse(name, name, text, secret, opt, env)
}

// parse lets gophercloud read one cloud of text, and mends what it leaves
// undone beside openstacksdk.
func parse(name, called string, text, secret []byte, opt Options, env func(string) string) (signIn, error) {
	var file, more cloudFile
	if err := errors.Join(yaml.Unmarshal(text, &file), yaml.Unmarshal(secret, &more)); err != nil {
		return signIn{}, problemf(err, "the settings of cloud %q are not clear: %v", called, err)
	}
	cloud := file.Clouds[name]
	if cloud.AuthInfo == nil && more.Clouds[name].AuthInfo == nil {
		return signIn{}, problemf(nil, "cloud %q has no auth section: it needs at least auth_url and an account", called)
	}
	region := first(opt.Region, env("OS_REGION_NAME"), cloud.RegionName)
	if region == "" && len(cloud.Regions) > 0 {
		region = cloud.Regions[0].Name
	}
	options := []clouds.ParseOption{
		clouds.WithCloudName(name),
		clouds.WithCloudsYAML(bytes.NewReader(text)),
		clouds.WithRegion(region),
		clouds.WithEndpointType(first(opt.Interface, env("OS_INTERFACE"), env("OS_ENDPOINT_TYPE"))),
		clouds.WithCACertPath(env("OS_CACERT")),
		clouds.WithClientCertPath(env("OS_CERT")),
		clouds.WithClientKeyPath(env("OS_KEY")),
	}
	if len(secret) > 0 {
		options = append(options, clouds.WithSecureYAML(bytes.NewReader(secret)))
	}
	if cloud.Insecure || truth(env("OS_INSECURE")) {
		options = append(options, clouds.WithInsecure(true))
	}
	auth, endpoint, trust, err := clouds.Parse(options...)
	if err != nil {
		return signIn{}, problemf(err, "the settings of cloud %q can't be used: %v", called, err)
	}
	fallback := "default"
	if cloud.AuthInfo != nil && cloud.AuthInfo.DefaultDomain != "" {
		fallback = cloud.AuthInfo.DefaultDomain
	}
	complete(&auth, fallback, env)
	if err := check(auth, called); err != nil {
		return signIn{}, err
	}
	return signIn{cloud: called, auth: auth, trust: trust, region: endpoint.Region, endpoints: endpoint.Availability}, nil
}

// complete fills in what Keystone wants and people leave out, and takes out
// what Keystone refuses together.
func complete(auth *gophercloud.AuthOptions, domain string, env func(string) string) {
	auth.Passcode = env("OS_PASSCODE")
	switch {
	case auth.ApplicationCredentialID != "":
		// the credential says who and where; gophercloud prefers a password
		auth.Username, auth.UserID, auth.Password, auth.TokenID = "", "", "", ""
		auth.DomainID, auth.DomainName, auth.Scope = "", "", nil
	case auth.ApplicationCredentialName != "":
		auth.Password, auth.TokenID, auth.Scope = "", "", nil
	case auth.TokenID != "" && auth.Password == "":
		auth.Username, auth.UserID, auth.DomainID, auth.DomainName = "", "", "", ""
	}
	if auth.UserID != "" {
		auth.Username, auth.DomainID, auth.DomainName = "", "", ""
	}
	if auth.DomainID != "" {
		auth.DomainName = "" // the id is exact
	}
	if auth.Username != "" && auth.DomainID == "" && auth.DomainName == "" {
		auth.DomainID = domain
	}
	if s := auth.Scope; s != nil {
		if s.DomainID != "" {
			s.DomainName = ""
		}
		if s.ProjectName != "" && s.DomainID == "" && s.DomainName == "" {
			s.DomainID = domain
		}
	}
	auth.TenantID, auth.TenantName = "", "" // said by Scope
	// a token can't ask for its own successor, a passcode is good once
	auth.AllowReauth = auth.Passcode == "" && (auth.TokenID == "" || auth.Password != "")
}

// check names what is missing before anything is sent.
func check(auth gophercloud.AuthOptions, cloud string) error {
	lacks := func(what, key, variable string) error {
		return problemf(nil, "cloud %q has no %s: set %s in clouds.yaml, or %s", cloud, what, key, variable)
	}
	byCredential := auth.ApplicationCredentialID != "" || auth.ApplicationCredentialName != ""
	switch {
	case auth.IdentityEndpoint == "":
		return lacks("address of Keystone", "auth.auth_url", "OS_AUTH_URL")
	case strings.HasSuffix(strings.TrimRight(auth.IdentityEndpoint, "/"), "/v2.0"):
		return problemf(nil, "cloud %q names Keystone's version 2.0, which is gone: let auth_url end in /v3", cloud)
	case place(auth.IdentityEndpoint, "") == "":
		return problemf(nil, "cloud %q has %q as auth_url, which is no address: it looks like https://host:5000/v3", cloud, auth.IdentityEndpoint)
	case byCredential && auth.ApplicationCredentialSecret == "":
		return lacks("secret for its application credential", "auth.application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET")
	case auth.ApplicationCredentialID != "":
		return nil
	case auth.ApplicationCredentialName != "" && auth.Username == "" && auth.UserID == "":
		return lacks("user for its application credential's name", "auth.username", "OS_USERNAME")
	case byCredential || auth.TokenID != "":
		return nil
	case auth.Username == "" && auth.UserID == "":
		return lacks("user", "auth.username", "OS_USERNAME")
	case auth.Password == "" && auth.Passcode == "":
		return lacks("password", "auth.password", "OS_PASSWORD")
	}
	return nil
}

// environment writes the OS_* variables as the text of a clouds.yaml; JSON is YAML.
func environment(env func(string) string) []byte {
	either := func(names ...string) string {
		for _, name := range names {
			if v := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	text, err := json.Marshal(clouds.Clouds{Clouds: map[string]clouds.Cloud{envCloud: {AuthInfo: &clouds.AuthInfo{
		AuthURL:                     env("OS_AUTH_URL"),
		Token:                       either("OS_TOKEN", "OS_AUTH_TOKEN"),
		Username:                    env("OS_USERNAME"),
		UserID:                      either("OS_USER_ID", "OS_USERID"),
		Password:                    env("OS_PASSWORD"),
		ApplicationCredentialID:     env("OS_APPLICATION_CREDENTIAL_ID"),
		ApplicationCredentialName:   env("OS_APPLICATION_CREDENTIAL_NAME"),
		ApplicationCredentialSecret: env("OS_APPLICATION_CREDENTIAL_SECRET"),
		SystemScope:                 env("OS_SYSTEM_SCOPE"),
		ProjectName:                 either("OS_PROJECT_NAME", "OS_TENANT_NAME"),
		ProjectID:                   either("OS_PROJECT_ID", "OS_TENANT_ID"),
		UserDomainName:              env("OS_USER_DOMAIN_NAME"),
		UserDomainID:                env("OS_USER_DOMAIN_ID"),
		ProjectDomainName:           env("OS_PROJECT_DOMAIN_NAME"),
		ProjectDomainID:             env("OS_PROJECT_DOMAIN_ID"),
		DomainName:                  env("OS_DOMAIN_NAME"),
		DomainID:                    env("OS_DOMAIN_ID"),
		DefaultDomain:               env("OS_DEFAULT_DOMAIN"),
		TrustID:                     env("OS_TRUST_ID"),
	}}}})
	if err != nil {
		panic(fmt.Sprintf("strings do not marshal: %v", err)) // can't be: the struct has only strings
	}
	return text
}

// hostOf is how a cloud without a name is called: by the host of its Keystone.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return envCloud
	}
	return u.Hostname()
}

// usualPlaces is where clouds.yaml is looked for (openstacksdk's order).
func usualPlaces(env func(string) string) []string {
	if file := env("OS_CLIENT_CONFIG_FILE"); file != "" {
		return []string{file}
	}
	config := env("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(env("HOME"), ".config")
	}
	return []string{"clouds.yaml", filepath.Join(config, "openstack", "clouds.yaml"), "/etc/openstack/clouds.yaml"}
}

// firstFile reads the first of the files that exists. clouds.yml is taken for
// clouds.yaml, as openstacksdk does.
func firstFile(places []string) (path string, text []byte, err error) {
	for _, place := range places {
		for _, path := range []string{place, strings.TrimSuffix(place, ".yaml") + ".yml"} {
			text, err := os.ReadFile(path)
			if !errors.Is(err, fs.ErrNotExist) {
				return path, text, err
			}
		}
	}
	return "", nil, fs.ErrNotExist
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func truth(text string) bool {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// orList writes names as a sentence does, and not more of them than can be read.
func orList(names []string) string {
	const most = 12
	quoted := make([]string, 0, most)
	for i, n := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("%d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	switch len(quoted) {
	case 0:
		return "none"
	case 1:
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
