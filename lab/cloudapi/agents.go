package cloudapi

import (
	"net/http"

	"steth/lab/scenario"
)

// routeAgents answers who serves what: the sub-collections that join agents
// with networks and routers. They are for administrators alone.
func (a *API) routeAgents() {
	sub := func(path, key string, list func(id string) ([]object, bool)) {
		a.mux.HandleFunc("GET /networking/v2.0/"+path, a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			found, ok := list(r.PathValue("id"))
			if !ok || !who.admin {
				neutronError(w, http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
				return
			}
			if found == nil {
				found = []object{}
			}
			respond(w, http.StatusOK, object{key: found})
		}))
	}
	sub("networks/{id}/dhcp-agents", "agents", func(id string) ([]object, bool) {
		for _, n := range a.cloud.Networks {
			if n.ID == id {
				return a.agentsWhere(func(g *scenario.Agent) bool { return g.Topic == "dhcp_agent" && n.Subnet.DHCP.IsValid() }), true
			}
		}
		return nil, false
	})
	sub("routers/{id}/l3-agents", "agents", func(id string) ([]object, bool) {
		for _, r := range a.cloud.Routers {
			if r.ID == id {
				return a.agentsWhere(func(g *scenario.Agent) bool { return g.Topic == "l3_agent" && g.Host == r.Host }), true
			}
		}
		return nil, false
	})
	sub("agents/{id}/dhcp-networks", "networks", func(id string) ([]object, bool) {
		g := a.agent(id)
		if g == nil || g.Topic != "dhcp_agent" {
			return nil, g != nil
		}
		return each(a.served(), a.networkBody), true
	})
	sub("agents/{id}/l3-routers", "routers", func(id string) ([]object, bool) {
		g := a.agent(id)
		if g == nil || g.Topic != "l3_agent" {
			return nil, g != nil
		}
		return each(a.cloud.Routers, a.routerBody), true
	})
}

func (a *API) agent(id string) *scenario.Agent {
	for _, g := range a.cloud.Agents {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (a *API) agentsWhere(ok func(*scenario.Agent) bool) []object {
	var out []object
	for _, g := range a.cloud.Agents {
		if ok(g) {
			out = append(out, a.agentBody(g))
		}
	}
	return out
}
