package openstack

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// where asks Neutron for a kind with a filter.
func (f *find) where(what string, kind Kind, filter ...string) question {
	src, _ := sourceOf(kind)
	return question{what: what, kind: kind, parse: src.decode, run: func(ctx context.Context, each func([]json.RawMessage) error) error {
		return f.cloud.neutron.list(ctx, src.path, src.key, src.query(filter...), "", each)
	}}
}

// server asks Nova for one server.
func (f *find) server(what, id string) question {
	return question{what: what, kind: KindServer, parse: as(decodeServer), run: func(ctx context.Context, each func([]json.RawMessage) error) error {
		body, err := f.cloud.nova.get(ctx, "servers/"+url.PathEscape(id), nil, "")
		if status(err) == http.StatusNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return each([]json.RawMessage{body["server"]})
	}}
}

// hypervisors asks Nova for hypervisors; it says 404 where none matches.
func (f *find) hypervisors(what string, query url.Values) question {
	return question{what: what, kind: KindNode, parse: as(decodeHypervisor), run: func(ctx context.Context, each func([]json.RawMessage) error) error {
		err := f.cloud.hypervisors(ctx, query, each)
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	}}
}

// hostPattern filters hypervisors by a part of their name, which may be longer than
// the host's.
func hostPattern(host string) url.Values {
	name, _, _ := strings.Cut(host, ".")
	return url.Values{"hypervisor_hostname_pattern": {name}}
}

// likely are the queries for what people usually mean by such a text.
func (f *find) likely() []question {
	q := f.query
	switch {
	case q.addr.IsValid():
		return append(f.wakeNova(),
			f.where("ports", KindPort, "fixed_ips", "ip_address="+q.addr.String()),
			f.where("floating IPs", KindFloatingIP, "floating_ip_address", q.addr.String()))
	case q.mac != "":
		return append(f.wakeNova(), f.where("ports", KindPort, "mac_address", q.mac))
	case q.id != "":
		return append(f.byKey("id", q.id, KindPort, KindNetwork, KindRouter, KindFloatingIP), f.server("servers", q.id))
	case q.device != "":
		return nil // Neutron can't filter by a part of an id
	}
	servers := question{what: "servers", kind: KindServer, parse: as(decodeServer), run: func(ctx context.Context, each func([]json.RawMessage) error) error {
		// Nova takes the name for a regular expression of its database
		return f.cloud.servers(ctx, url.Values{"name": {"^" + regexp.QuoteMeta(q.name)}}, each)
	}}
	return append(f.byKey("name", q.name, KindPort, KindNetwork, KindRouter), servers, f.where("agents", KindAgent, "host", q.name))
}

// wakeNova is a small question that has Nova validate a new token while Neutron
// is asked for ports: the port's server is asked for next.
func (f *find) wakeNova() []question {
	if f.cloud.nova.absent != nil || f.cloud.nova.gate.taken.Load() {
		return nil
	}
	return []question{{kind: KindServer, run: func(ctx context.Context, _ func([]json.RawMessage) error) error {
		_, err := f.cloud.nova.get(ctx, "servers", url.Values{"limit": {"1"}}, "")
		return err
	}}}
}

// unlikely are asked when the likely ones bring nothing.
func (f *find) unlikely() []question {
	q := f.query
	switch {
	case q.addr.IsValid() || q.mac != "" || q.device != "":
		return nil
	case q.id != "":
		return f.byKey("id", q.id, KindSubnet, KindSecurityGroup, KindAgent)
	}
	list := f.byKey("name", q.name, KindSubnet, KindSecurityGroup)
	if f.cloud.about.Admin {
		list = append(list, f.hypervisors("hypervisors", hostPattern(q.name)))
	}
	return list
}

func (f *find) byKey(key, value string, kinds ...Kind) []question {
	list := make([]question, 0, len(kinds)+2)
	for _, kind := range kinds {
		list = append(list, f.where(Plural(kind), kind, key, value))
	}
	return list
}

// lastResort is for an address that nothing else has: nodes have no filter for
// theirs, so they are read whole unless base has them.
func (f *find) lastResort() []question {
	if _, known := f.snapshot.Taken[KindNode]; known || !f.cloud.about.Admin || !f.query.addr.IsValid() {
		return nil
	}
	return []question{f.where("agents", KindAgent), f.hypervisors("hypervisors", nil)}
}
