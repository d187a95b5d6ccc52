// Package cloudapi answers as the OpenStack APIs of the lab's cloud: Keystone
// v3, Neutron v2.0, Nova v2.1 and as much of Glance v2 as clients ask for on
// the way. It tells what a [scenario.Cloud] holds and never changes anything.
//
// It behaves as the services do where a client can tell: Neutron's filters,
// field selection, sorting and paging with links; what a project may not see is
// missing; tokens expire; errors have each service's own body. The four stand
// below one address as DevStack lays them out: /identity, /networking, /compute
// and /image.
package cloudapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"steth/lab/scenario"
)

// Options are what an API can be told.
type Options struct {
	URL       string           // where clients reach it, without a slash at the end: the catalogue and all links begin with it
	Now       func() time.Time // time.Now when nil
	TokenLife time.Duration    // an hour, Keystone's default, when 0
}

// object is one JSON object of an answer.
type object = map[string]any

// API is an http.Handler. It is safe for concurrent use.
type API struct {
	cloud   *scenario.Cloud
	url     string
	now     func() time.Time
	started time.Time // created_at of everything
	tokens  tokens
	mux     *http.ServeMux
}

// New makes the API of a cloud.
func New(c *scenario.Cloud, opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.TokenLife == 0 {
		opt.TokenLife = time.Hour
	}
	a := &API{
		cloud: c, url: opt.URL, now: opt.Now, started: opt.Now().UTC().Truncate(time.Second), mux: http.NewServeMux(),
		tokens: tokens{life: opt.TokenLife, now: opt.Now, issued: map[string]token{}},
	}
	a.routeIdentity()
	a.routeNetwork()
	a.routeCompute()
	a.routeImage()
	return a
}

// ServeHTTP answers a request. A slash at the end of a path changes nothing, as
// with the real services.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if trimmed := strings.TrimRight(r.URL.Path, "/"); trimmed != r.URL.Path {
		clean := r.Clone(r.Context())
		clean.URL.Path = trimmed
		r = clean
	}
	w.Header().Set("X-Openstack-Request-Id", "req-"+scenario.ID("request", random(8)))
	a.mux.ServeHTTP(w, r)
}

// handler answers a request of a caller who has a valid token.
type handler func(w http.ResponseWriter, r *http.Request, who caller)

// authenticated lets those with a valid token pass; all others get the answer
// of keystonemiddleware.
func (a *API) authenticated(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, ok := a.tokens.find(r.Header.Get("X-Auth-Token"))
		if !ok {
			w.Header().Set("WWW-Authenticate", `Keystone uri="`+a.url+`/identity"`)
			keystoneError(w, http.StatusUnauthorized, "The request you have made requires authentication.")
			return
		}
		next(w, r, t.caller)
	}
}

func respond(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // links have & in them, as the services write it
	if err := enc.Encode(body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

// complaint is what a service says of a bad request, in its own words.
type complaint struct{ kind, message string }

func (c complaint) Error() string { return c.message }

func keystoneError(w http.ResponseWriter, code int, message string) {
	respond(w, code, object{"error": object{"code": code, "message": message, "title": http.StatusText(code)}})
}

func neutronError(w http.ResponseWriter, code int, kind, message string) {
	respond(w, code, object{"NeutronError": object{"type": kind, "message": message, "detail": ""}})
}

// novaError writes Nova's body, whose key depends on the status.
func novaError(w http.ResponseWriter, code int, message string) {
	key := "computeFault"
	switch code {
	case http.StatusBadRequest:
		key = "badRequest"
	case http.StatusForbidden:
		key = "forbidden"
	case http.StatusNotFound:
		key = "itemNotFound"
	}
	respond(w, code, object{key: object{"code": code, "message": message}})
}

func link(rel, href string) object { return object{"rel": rel, "href": href} }

// links is a list with one self link.
func links(href string) []object { return []object{link("self", href)} }
