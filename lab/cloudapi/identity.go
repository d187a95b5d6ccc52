package cloudapi

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"steth/lab/scenario"
)

// keystoneTime is the format of Keystone's times.
const keystoneTime = "2006-01-02T15:04:05.000000Z"

// defaultDomain is the one domain of the lab.
var defaultDomain = domain{ID: "default", Name: "Default"}

type domain struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// is says whether a request's domain is the lab's one; an empty one is not.
func (d *domain) is() bool {
	return d != nil && (d.ID == defaultDomain.ID || d.ID == "" && d.Name == defaultDomain.Name)
}

func (a *API) routeIdentity() {
	versions := func(w http.ResponseWriter, status int) {
		respond(w, status, object{"versions": object{"values": []object{a.identityVersion()}}})
	}
	a.mux.HandleFunc("GET /identity", func(w http.ResponseWriter, _ *http.Request) { versions(w, http.StatusMultipleChoices) })
	a.mux.HandleFunc("GET /identity/v3", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, object{"version": a.identityVersion()})
	})
	a.mux.HandleFunc("POST /identity/v3/auth/tokens", a.issueToken)
	a.mux.HandleFunc("GET /identity/v3/auth/tokens", a.authenticated(a.showToken))
	a.mux.HandleFunc("DELETE /identity/v3/auth/tokens", a.authenticated(func(w http.ResponseWriter, r *http.Request, _ caller) {
		a.tokens.revoke(r.Header.Get("X-Subject-Token"))
		w.WriteHeader(http.StatusNoContent)
	}))
	a.mux.HandleFunc("GET /identity/v3/auth/catalog", a.authenticated(func(w http.ResponseWriter, _ *http.Request, _ caller) {
		respond(w, http.StatusOK, object{"catalog": a.catalogue(), "links": object{"self": a.url + "/identity/v3/auth/catalog"}})
	}))
	a.mux.HandleFunc("GET /identity/v3/auth/projects", a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
		var list []object
		for _, p := range who.user.Projects {
			list = append(list, a.project(p))
		}
		a.identityList(w, r, "projects", list)
	}))
	admins := func(collection string, list func() []object) {
		a.mux.HandleFunc("GET /identity/v3/"+collection, a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			if !who.admin {
				keystoneError(w, http.StatusForbidden, "You are not authorized to perform the requested action: identity:list_"+collection+".")
				return
			}
			a.identityList(w, r, collection, list())
		}))
		a.mux.HandleFunc("GET /identity/v3/"+collection+"/{id}", a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			singular := collection[:len(collection)-1]
			id := r.PathValue("id")
			i := slices.IndexFunc(list(), func(o object) bool { return o["id"] == id })
			if i < 0 || !who.admin && id != who.projectID() && id != who.user.ID {
				keystoneError(w, http.StatusNotFound, "Could not find "+singular+": "+id+".")
				return
			}
			respond(w, http.StatusOK, object{singular: list()[i]})
		}))
	}
	admins("projects", func() []object { return each(a.cloud.Projects, a.project) })
	admins("users", func() []object { return each(a.cloud.Users, a.user) })
	admins("domains", func() []object {
		return []object{{"id": defaultDomain.ID, "name": defaultDomain.Name, "enabled": true, "description": "", "links": object{"self": a.url + "/identity/v3/domains/default"}}}
	})
	admins("regions", func() []object {
		return []object{{"id": a.cloud.Region, "description": "", "parent_region_id": nil, "links": object{"self": a.url + "/identity/v3/regions/" + a.cloud.Region}}}
	})
}

func (a *API) identityVersion() object {
	return object{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       links(a.url + "/identity/v3/"),
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func (a *API) project(p *scenario.Project) object {
	return object{
		"id": p.ID, "name": p.Name, "domain_id": defaultDomain.ID, "parent_id": defaultDomain.ID, "enabled": true,
		"is_domain": false, "description": "", "options": object{}, "tags": []string{},
		"links": object{"self": a.url + "/identity/v3/projects/" + p.ID},
	}
}

func (a *API) user(u *scenario.User) object {
	return object{
		"id": u.ID, "name": u.Name, "domain_id": defaultDomain.ID, "enabled": true, "options": object{},
		"default_project_id": u.Projects[0].ID, "password_expires_at": nil,
		"links": object{"self": a.url + "/identity/v3/users/" + u.ID},
	}
}

// identityList answers with a collection, filtered by name where one is asked
// for.
func (a *API) identityList(w http.ResponseWriter, r *http.Request, collection string, list []object) {
	if name := r.URL.Query().Get("name"); name != "" {
		list = slices.DeleteFunc(list, func(o object) bool { return o["name"] != name })
	}
	if list == nil {
		list = []object{}
	}
	respond(w, http.StatusOK, object{collection: list, "links": object{"self": a.url + r.URL.Path, "next": nil, "previous": nil}})
}

// authRequest is the body of POST /v3/auth/tokens.
type authRequest struct {
	Auth *struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password *struct {
				User authUser `json:"user"`
			} `json:"password"`
			Token *struct {
				ID string `json:"id"`
			} `json:"token"`
			Credential *struct {
				ID     string    `json:"id"`
				Name   string    `json:"name"`
				Secret string    `json:"secret"`
				User   *authUser `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type authUser struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Domain   *domain `json:"domain"`
	Password string  `json:"password"`
}

type authScope struct {
	Project *struct {
		ID     string  `json:"id"`
		Name   string  `json:"name"`
		Domain *domain `json:"domain"`
	} `json:"project"`
	System *struct {
		All bool `json:"all"`
	} `json:"system"`
}

func (a *API) issueToken(w http.ResponseWriter, r *http.Request) {
	var req authRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 114688)).Decode(&req); err != nil || req.Auth == nil {
		keystoneError(w, http.StatusBadRequest, "Expecting to find auth in request body. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.")
		return
	}
	who, ok := a.identify(req)
	if ok {
		who, ok = a.scope(who, req.Auth.Scope)
	}
	if !ok {
		w.Header().Set("WWW-Authenticate", `Keystone uri="`+a.url+`/identity/v3"`)
		keystoneError(w, http.StatusUnauthorized, "The request you have made requires authentication.")
		return
	}
	t := a.tokens.issue(who, req.Auth.Identity.Methods)
	w.Header().Set("X-Subject-Token", t.id)
	w.Header().Set("Vary", "X-Auth-Token")
	respond(w, http.StatusCreated, a.tokenBody(t, r))
}

// identify finds the user whom the request proves to be. Keystone never says
// what was wrong.
func (a *API) identify(req authRequest) (caller, bool) {
	id := req.Auth.Identity
	if len(id.Methods) != 1 {
		return caller{}, false
	}
	switch {
	case id.Methods[0] == "password" && id.Password != nil:
		u := a.findUser(id.Password.User)
		return caller{user: u}, u != nil && same(id.Password.User.Password, u.Password)
	case id.Methods[0] == "token" && id.Token != nil:
		t, ok := a.tokens.find(id.Token.ID)
		return caller{user: t.user}, ok
	case id.Methods[0] == "application_credential" && id.Credential != nil:
		for _, u := range a.cloud.Users {
			c := u.Credential
			if c == nil || !same(id.Credential.Secret, c.Secret) {
				continue
			}
			byName := id.Credential.ID == "" && id.Credential.Name == c.Name && id.Credential.User != nil && a.findUser(*id.Credential.User) == u
			if id.Credential.ID == c.ID || byName {
				return caller{user: u, project: u.Projects[0]}, true
			}
		}
	}
	return caller{}, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (a *API) findUser(who authUser) *scenario.User {
	for _, u := range a.cloud.Users {
		if who.ID == u.ID || who.ID == "" && who.Name == u.Name && who.Domain.is() {
			return u
		}
	}
	return nil
}

// scope limits a caller to what was asked for: a project of the user's, the
// system (administrators only), nothing, or, when nothing is said, the default
// project. An application credential has its scope already.
func (a *API) scope(who caller, raw json.RawMessage) (caller, bool) {
	who.admin = slices.Contains(who.user.Roles, "admin")
	if who.project != nil {
		return who, len(raw) == 0
	}
	var unscoped string
	if json.Unmarshal(raw, &unscoped) == nil {
		who.admin = false
		return who, unscoped == "unscoped"
	}
	if len(raw) == 0 {
		who.project = who.user.Projects[0]
		return who, true
	}
	var s authScope
	if err := json.Unmarshal(raw, &s); err != nil {
		return who, false
	}
	if s.System != nil {
		who.system = true
		return who, s.System.All && who.admin
	}
	if s.Project == nil {
		return who, false
	}
	for _, p := range who.user.Projects {
		if s.Project.ID == p.ID || s.Project.ID == "" && s.Project.Name == p.Name && s.Project.Domain.is() {
			who.project = p
			return who, true
		}
	}
	return who, false
}

func (a *API) showToken(w http.ResponseWriter, r *http.Request, _ caller) {
	t, ok := a.tokens.find(r.Header.Get("X-Subject-Token"))
	if !ok {
		keystoneError(w, http.StatusNotFound, "Could not recognize Fernet token")
		return
	}
	w.Header().Set("X-Subject-Token", t.id)
	respond(w, http.StatusOK, a.tokenBody(t, r))
}

func (a *API) tokenBody(t token, r *http.Request) object {
	body := object{
		"methods":    t.methods,
		"user":       object{"id": t.user.ID, "name": t.user.Name, "domain": defaultDomain, "password_expires_at": nil},
		"audit_ids":  []string{t.id[len(t.id)-22:]},
		"issued_at":  t.issued.Format(keystoneTime),
		"expires_at": t.expires.Format(keystoneTime),
	}
	if t.system {
		body["system"] = object{"all": true}
	}
	if t.project != nil {
		body["project"] = object{"id": t.project.ID, "name": t.project.Name, "domain": defaultDomain}
		body["is_domain"] = false
	}
	if t.project != nil || t.system {
		body["roles"] = each(t.user.Roles, func(name string) object { return object{"id": scenario.ID("role", name), "name": name} })
		if !r.URL.Query().Has("nocatalog") {
			body["catalog"] = a.catalogue()
		}
	}
	return object{"token": body}
}

// catalogue lists each service with its three interfaces at one address.
func (a *API) catalogue() []object {
	var out []object
	for _, s := range [...]struct{ kind, name, path string }{
		{"identity", "keystone", "/identity"},
		{"network", "neutron", "/networking"},
		{"compute", "nova", "/compute/v2.1"},
		{"image", "glance", "/image"},
	} {
		var endpoints []object
		for _, i := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, object{
				"id": scenario.ID("endpoint", s.kind+"/"+i), "interface": i, "url": a.url + s.path,
				"region": a.cloud.Region, "region_id": a.cloud.Region,
			})
		}
		out = append(out, object{"id": scenario.ID("service", s.kind), "type": s.kind, "name": s.name, "endpoints": endpoints})
	}
	return out
}

func each[T any](list []T, fn func(T) object) []object {
	out := make([]object, len(list))
	for i, v := range list {
		out[i] = fn(v)
	}
	return out
}

// stamp is a time as Neutron and Nova write it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
