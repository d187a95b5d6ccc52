package openstack

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// source says how a kind is read.
type source struct {
	kind   Kind
	path   string
	key    string   // of the list in the answer
	one    string   // of the object in the answer for one id
	fields []string // to ask for; nil where the service knows no fields
	decode func(json.RawMessage) Object
}

func as[T Object](decode func(json.RawMessage) T) func(json.RawMessage) Object {
	return func(raw json.RawMessage) Object { return decode(raw) }
}

// neutron lists the kinds that Neutron has.
func neutron() []source {
	return []source{
		{KindNetwork, "networks", "networks", "network", networkFields(), as(decodeNetwork)},
		{KindSubnet, "subnets", "subnets", "subnet", subnetFields(), as(decodeSubnet)},
		{KindPort, "ports", "ports", "port", portFields(), as(decodePort)},
		{KindRouter, "routers", "routers", "router", routerFields(), as(decodeRouter)},
		{KindFloatingIP, "floatingips", "floatingips", "floatingip", floatingIPFields(), as(decodeFloatingIP)},
		{KindSecurityGroup, "security-groups", "security_groups", "security_group", securityGroupFields(), as(decodeSecurityGroup)},
		{KindAgent, "agents", "agents", "agent", agentFields(), as(decodeAgent)},
	}
}

func sourceOf(kind Kind) (source, bool) {
	for _, s := range neutron() {
		if s.kind == kind {
			return s, true
		}
	}
	return source{}, false
}

// query is a filter for the source, with the fields it reads.
func (s source) query(filter ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(filter); i += 2 {
		q.Add(filter[i], filter[i+1])
	}
	if s.fields != nil {
		q["fields"] = s.fields
	}
	return q
}

// novaHypervisors is the microversion in which hypervisors have UUIDs and
// pages; from 2.88 on their VCPUs and servers are gone.
const novaHypervisors = "2.53"

// hypervisors reads Nova's hypervisors as nodes. A Nova older than Pike knows
// no 2.53 and answers in one page.
func (c *Cloud) hypervisors(ctx context.Context, query url.Values, each func([]json.RawMessage) error) error {
	err := c.nova.list(ctx, "os-hypervisors/detail", "hypervisors", query, novaHypervisors, each)
	if code := status(err); code == http.StatusNotAcceptable || code == http.StatusBadRequest {
		return c.nova.once(ctx, "os-hypervisors/detail", "hypervisors", each)
	}
	return err
}

// servers reads servers of every project where the account may, else its own.
func (c *Cloud) servers(ctx context.Context, query url.Values, each func([]json.RawMessage) error) error {
	if !c.about.Admin {
		return c.nova.list(ctx, "servers/detail", "servers", query, "", each)
	}
	all := clone(query)
	all.Set("all_tenants", "1")
	err := c.nova.list(ctx, "servers/detail", "servers", all, "", each)
	if status(err) == http.StatusForbidden {
		return c.nova.list(ctx, "servers/detail", "servers", query, "", each)
	}
	return err
}
