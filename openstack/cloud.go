package openstack

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Options says which cloud to sign in to. The zero value takes everything from
// the process's environment and the usual files.
type Options struct {
	Cloud     string        // name in clouds.yaml; "" for OS_CLOUD, and without that the other OS_* variables
	Region    string        // "" for OS_REGION_NAME, then the file's
	Interface string        // public, internal or admin; "" for OS_INTERFACE, then the file's, then public
	Timeout   time.Duration // of one request; 0 is 30 s

	Getenv      func(string) string // nil is os.Getenv
	ConfigFiles []string            // places of clouds.yaml, the first that exists counts; nil for the usual ones
	Log         *slog.Logger        // nil is silent
}

// About says which cloud this is.
type About struct {
	Cloud, Project, Region, User string
	Admin                        bool // the token has the admin role: lists hold every project's objects
}

// Cloud is a signed-in cloud. It is safe for concurrent use. Its token is
// renewed when it runs out, unless it was all that there is to sign in with.
type Cloud struct {
	about   About
	neutron service
	nova    service
	http    http.Client
	log     *slog.Logger
}

// Connect signs in. An error is one sentence that says what failed and what to do.
func Connect(ctx context.Context, opt Options) (*Cloud, error) {
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	in, err := readSignIn(opt)
	if err != nil {
		return nil, err
	}
	provider, err := openstack.NewClient(in.auth.IdentityEndpoint)
	if err != nil {
		return nil, problemf(err, "%q is no address of Keystone: check auth_url or OS_AUTH_URL", in.auth.IdentityEndpoint)
	}
	wait := patience{wait: sleep, now: time.Now}
	provider.HTTPClient = newHTTPClient(in.trust, opt.Timeout)
	provider.UserAgent.Prepend("steth")
	provider.RetryBackoffFunc, provider.RetryFunc, provider.MaxBackoffRetries = wait.limited, wait.failed, maxRetries
	if err := openstack.Authenticate(ctx, provider, in.auth); err != nil {
		provider.HTTPClient.CloseIdleConnections()
		log.Debug("sign in", "cloud", in.cloud, "error", err)
		return nil, explainSignIn(ctx, err, in)
	}
	c, err := newCloud(provider, in, log)
	if err != nil {
		provider.HTTPClient.CloseIdleConnections()
		return nil, err
	}
	return c, nil
}

// token is what gophercloud knows of a token, whichever way it was had.
type token interface {
	ExtractUser() (*tokens.User, error)
	ExtractProject() (*tokens.Project, error)
	ExtractRoles() ([]tokens.Role, error)
	ExtractServiceCatalog() (*tokens.ServiceCatalog, error)
}

func newCloud(provider *gophercloud.ProviderClient, in signIn, log *slog.Logger) (*Cloud, error) {
	t, ok := provider.GetAuthResult().(token)
	if !ok {
		return nil, problemf(nil, "what answers at %s is not Keystone v3: check auth_url or OS_AUTH_URL", in.auth.IdentityEndpoint)
	}
	catalog, err := t.ExtractServiceCatalog()
	if err != nil || len(catalog.Entries) == 0 {
		return nil, problemf(err, "Keystone at %s gave a token without a catalog, so Neutron can't be found: name a project with project_name or OS_PROJECT_NAME", place(in.auth.IdentityEndpoint, ""))
	}
	c := &Cloud{about: about(t, in), http: provider.HTTPClient, log: log}
	c.neutron, c.about.Region = findService(provider, catalog.Entries, in, "Neutron", "network", "v2.0")
	c.nova, _ = findService(provider, catalog.Entries, in, "Nova", "compute", "v2.1")
	if c.neutron.absent != nil {
		return nil, c.neutron.absent
	}
	if c.about.Region == "" {
		c.about.Region = in.region
	}
	return c, nil
}

func about(t token, in signIn) About {
	a := About{Cloud: in.cloud}
	if user, err := t.ExtractUser(); err == nil && user != nil {
		a.User = user.Name
	}
	if project, err := t.ExtractProject(); err == nil && project != nil {
		a.Project = project.Name
	}
	roles, err := t.ExtractRoles()
	for _, role := range roles {
		a.Admin = a.Admin || err == nil && strings.EqualFold(role.Name, "admin")
	}
	return a
}

// explainSignIn is explain for what only Keystone answers.
func explainSignIn(ctx context.Context, err error, in signIn) error {
	at := place(in.auth.IdentityEndpoint, in.auth.IdentityEndpoint)
	if ctx.Err() != nil {
		return ended(ctx, "Keystone", at)
	}
	switch status(err) {
	case http.StatusUnauthorized:
		return refusedf(err, "Keystone at %s refused %s: %s", at, who(in.auth), whatToCheck(in.auth))
	case http.StatusForbidden:
		return refusedf(err, "Keystone at %s locks out %s: the account is disabled, its password has expired or it was locked after wrong ones; ask who runs the cloud", at, who(in.auth))
	case http.StatusNotFound:
		return problemf(err, "there is no Keystone v3 at %s: auth_url or OS_AUTH_URL usually ends in /v3, or in /identity/v3", in.auth.IdentityEndpoint)
	case http.StatusMultipleChoices, http.StatusBadRequest:
		return problemf(err, "Keystone at %s does not understand the request: check user, project and their domains, and that auth_url ends in /v3", at)
	}
	return explain(err, "Keystone", at)
}

func who(auth gophercloud.AuthOptions) string {
	switch {
	case auth.ApplicationCredentialID != "" || auth.ApplicationCredentialName != "":
		return "application credential " + first(auth.ApplicationCredentialName, auth.ApplicationCredentialID)
	case auth.TokenID != "" && auth.Password == "":
		return "the token"
	}
	text := "user " + first(auth.Username, auth.UserID)
	if s := auth.Scope; s != nil && first(s.ProjectName, s.ProjectID) != "" {
		text += " for project " + first(s.ProjectName, s.ProjectID)
	}
	return text
}

func whatToCheck(auth gophercloud.AuthOptions) string {
	switch {
	case auth.ApplicationCredentialID != "" || auth.ApplicationCredentialName != "":
		return "its id or secret is wrong, or it has expired or was deleted"
	case auth.TokenID != "" && auth.Password == "":
		return "it has expired or is not for this project; get one with openstack token issue"
	}
	return "the password is wrong, or the user has no role in the project; check names and domains as well"
}

// About says which cloud this is and as whom it is read.
func (c *Cloud) About() About { return c.about }

// Close frees the connections that are kept for later requests.
func (c *Cloud) Close() { c.http.CloseIdleConnections() }
