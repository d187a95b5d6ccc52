package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

const (
	pageSize = 1000   // objects asked for at once, the most that Nova gives (api.max_limit)
	maxPages = 10_000 // of one list: a service whose pages never end is broken
)

// errAbsent is the cause when the catalog has no endpoint of a service.
var errAbsent = errors.New("not in the catalog")

// service is one API of the cloud: Neutron or Nova.
type service struct {
	name   string // as people say: Neutron
	client *gophercloud.ServiceClient
	gate   *gate
	absent error // why there is none; client is nil then
}

// findService chooses an endpoint of the catalog. Nothing is asked: an address
// without a version gets the one that every release since 2013 has.
func findService(provider *gophercloud.ProviderClient, catalog []tokens.CatalogEntry, in signIn, name, kind, version string) (service, string) {
	var regions []string
	want := gophercloud.EndpointOpts{}
	want.ApplyDefaults(kind)
	want.Availability = in.endpoints
	for _, entry := range catalog {
		if !slices.Contains(want.Types(), entry.Type) {
			continue
		}
		for _, e := range entry.Endpoints {
			region := first(e.Region, e.RegionID)
			if e.Interface != string(want.Availability) {
				continue
			}
			if in.region != "" && in.region != e.Region && in.region != e.RegionID {
				if !slices.Contains(regions, region) {
					regions = append(regions, region)
				}
				continue
			}
			return service{name: name, gate: newGate(), client: &gophercloud.ServiceClient{
				ProviderClient: provider, Type: kind, Endpoint: gophercloud.NormalizeURL(e.URL), ResourceBase: versioned(e.URL, version),
			}}, region
		}
	}
	slices.Sort(regions)
	switch {
	case len(regions) > 0:
		return service{name: name, absent: problemf(errAbsent, "the catalog has no %s endpoint of %s (%s) in region %q: it has one in %s, name it with OS_REGION_NAME or region_name",
			want.Availability, name, kind, in.region, orList(regions))}, ""
	default:
		return service{name: name, absent: problemf(errAbsent, "the catalog has no %s endpoint of %s (%s): check OS_INTERFACE, or whether this cloud and account have %s",
			want.Availability, name, kind, name)}, ""
	}
}

// versioned puts version at the end of an endpoint that names none.
func versioned(endpoint, version string) string {
	endpoint = gophercloud.NormalizeURL(endpoint)
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) > 1 && part[0] == 'v' && part[1] >= '0' && part[1] <= '9' {
			return endpoint
		}
	}
	return endpoint + version + "/"
}

// get reads one page. microversion is Nova's, "" for the oldest.
func (s service) get(ctx context.Context, path string, query url.Values, microversion string) (map[string]json.RawMessage, error) {
	if s.absent != nil {
		return nil, s.absent
	}
	address := s.client.ServiceURL(path)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	client := *s.client
	client.Microversion = microversion
	var body map[string]json.RawMessage
	leave := s.gate.enter(ctx)
	_, err := client.Get(ctx, address, &body, nil)
	leave()
	if err != nil && ctx.Err() != nil {
		return nil, ended(ctx, s.name, place(address, ""))
	}
	if err != nil {
		return nil, explain(err, s.name, place(address, ""))
	}
	return body, nil
}

// list reads every page of path and gives each page's objects to each as they
// come. key is the list's name in the answer.
func (s service) list(ctx context.Context, path, key string, query url.Values, microversion string, each func([]json.RawMessage) error) error {
	query = clone(query)
	query.Set("limit", strconv.Itoa(pageSize))
	asked := map[string]bool{"": true}
	for range maxPages {
		body, err := s.get(ctx, path, query, microversion)
		if err != nil {
			return err
		}
		part, ok := body[key]
		if !ok {
			return problemf(nil, "%s at %s answered without %q: check that the address is this service's", s.name, place(s.client.Endpoint, ""), key)
		}
		var items []json.RawMessage
		fill(part, &items)
		if err := each(items); err != nil {
			return err
		}
		marker := nextMarker(body[key+"_links"], items)
		if asked[marker] {
			return nil
		}
		asked[marker] = true
		query.Set("marker", marker)
	}
	return problemf(nil, "%s sent %d pages of %s and no last one: check its paging", s.name, maxPages, key)
}

// nextMarker says where the next page starts, "" after the last one. Only the
// marker of a next link is used: behind a proxy its host is often wrong, and the
// token must go nowhere else. A service without links has a next page where
// this one is full.
func nextMarker(links json.RawMessage, items []json.RawMessage) string {
	var all []struct{ Rel, Href string }
	fill(links, &all)
	for _, link := range all {
		if link.Rel != "next" {
			continue
		}
		if u, err := url.Parse(link.Href); err == nil {
			return u.Query().Get("marker")
		}
	}
	if links != nil || len(items) < pageSize {
		return ""
	}
	var last struct {
		ID string `json:"id"`
	}
	fill(items[len(items)-1], &last)
	return last.ID
}

// clone copies a query and is never nil.
func clone(query url.Values) url.Values {
	out := make(url.Values, len(query)+2)
	for k, v := range query {
		out[k] = slices.Clone(v)
	}
	return out
}

// once reads a list that knows no pages.
func (s service) once(ctx context.Context, path, key string, each func([]json.RawMessage) error) error {
	body, err := s.get(ctx, path, nil, "")
	if err != nil {
		return err
	}
	var items []json.RawMessage
	fill(body[key], &items)
	return each(items)
}
