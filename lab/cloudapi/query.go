package cloudapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is a list request of Neutron: which objects, which of their
// attributes, in which order, and which page of them
// (neutron/api/api_common.py).
type query struct {
	filters url.Values
	fields  []string
	sort    []sortKey
	limit   int // 0 for all
	marker  string
	reverse bool
}

type sortKey struct {
	name string
	desc bool
}

// badRequest is the type of most of Neutron's complaints.
const badRequest = "HTTPBadRequest"

// parseQuery reads a query for objects that have these attributes. Its error is
// a complaint.
func parseQuery(v url.Values, attributes []string) (query, error) {
	q := query{filters: url.Values{}, marker: v.Get("marker")}
	var unknown []string
	for key, values := range v {
		switch key {
		case "fields":
			q.fields = values
		case "limit", "marker", "page_reverse", "sort_key", "sort_dir", "not-tags", "not-tags-any":
		case "tags-any":
			q.filters["tags"] = values
		default:
			if !slices.Contains(attributes, key) {
				unknown = append(unknown, "'"+key+"'")
			}
			q.filters[key] = values
		}
	}
	if unknown != nil && len(attributes) > 0 {
		slices.Sort(unknown)
		return q, complaint{badRequest, "[" + strings.Join(unknown, ", ") + "] is invalid attribute for filtering"}
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return q, complaint{"BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not '" + text + "'."}
		}
		q.limit = n
	}
	q.reverse = truth(v.Get("page_reverse"))
	keys, dirs := v["sort_key"], v["sort_dir"]
	if len(keys) != len(dirs) {
		return q, complaint{badRequest, "The number of sort_keys and sort_dirs must be same"}
	}
	for i, key := range keys {
		if len(attributes) > 0 && !slices.Contains(attributes, key) {
			return q, complaint{badRequest, "['" + key + "'] is invalid attribute for sort keys"}
		}
		q.sort = append(q.sort, sortKey{key, dirs[i] == "desc"})
	}
	if !slices.ContainsFunc(q.sort, func(k sortKey) bool { return k.name == "id" }) {
		q.sort = append(q.sort, sortKey{name: "id"}) // a total order, so that pages neither repeat nor skip
	}
	return q, nil
}

// errNoMarker says that the marker's object isn't there.
var errNoMarker = errors.New("marker not found")

// page selects from a list. The list is the caller's to lose.
func (q query) page(list []object) ([]object, error) {
	list = slices.DeleteFunc(list, func(o object) bool { return !q.matches(o) })
	slices.SortStableFunc(list, func(a, b object) int {
		for _, k := range q.sort {
			c := compare(a[k.name], b[k.name])
			if k.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if q.marker != "" {
		at := slices.IndexFunc(list, func(o object) bool { return o["id"] == q.marker })
		switch {
		case at < 0:
			return nil, errNoMarker
		case q.reverse:
			list = list[:at]
		default:
			list = list[at+1:]
		}
	}
	if q.limit > 0 && len(list) > q.limit {
		if q.reverse {
			list = list[len(list)-q.limit:]
		} else {
			list = list[:q.limit]
		}
	}
	return list, nil
}

// links are those of a page (get_pagination_links): the next one exists while
// pages are full, also when it will turn out to be empty.
func (q query) links(self *url.URL, base string, page []object) []object {
	if q.limit == 0 || len(page) == 0 {
		return nil
	}
	to := func(rel string, marker any, reverse bool) object {
		v := self.Query()
		v.Set("limit", strconv.Itoa(q.limit))
		v.Set("marker", fmt.Sprint(marker))
		v.Del("page_reverse")
		if reverse {
			v.Set("page_reverse", "True")
		}
		return link(rel, base+self.Path+"?"+v.Encode())
	}
	var out []object
	full := len(page) == q.limit
	if full || q.reverse {
		out = append(out, to("next", page[len(page)-1]["id"], false))
	}
	if full || !q.reverse {
		out = append(out, to("previous", page[0]["id"], true))
	}
	return out
}

// selected keeps the attributes that were asked for.
func (q query) selected(o object) object {
	if len(q.fields) == 0 {
		return o
	}
	out := object{}
	for _, f := range q.fields {
		if v, ok := o[f]; ok {
			out[f] = v
		}
	}
	return out
}

// matches says whether an object passes every filter; several values of one
// filter are alternatives.
func (q query) matches(o object) bool {
	for key, wanted := range q.filters {
		if !slices.ContainsFunc(wanted, func(want string) bool { return equals(key, o[key], want) }) {
			return false
		}
	}
	return true
}

func equals(key string, have any, want string) bool {
	switch have := have.(type) {
	case []object: // fixed_ips=ip_address=10.0.0.1, and the like
		sub, value, ok := strings.Cut(want, "=")
		return ok && slices.ContainsFunc(have, func(o object) bool {
			if sub == "ip_address_substr" {
				return strings.Contains(fmt.Sprint(o["ip_address"]), value)
			}
			return fmt.Sprint(o[sub]) == value
		})
	case []string:
		return slices.Contains(have, want)
	case bool:
		return have == truth(want)
	case nil:
		return want == "" || want == "None"
	case string:
		if key == "mac_address" {
			return strings.EqualFold(have, want)
		}
		return have == want
	}
	return fmt.Sprint(have) == want
}

// truth reads a boolean as Neutron's convert_to_boolean does.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// compare orders two values of one attribute.
func compare(a, b any) int {
	x, isInt := a.(int)
	y, alsoInt := b.(int)
	if isInt && alsoInt {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
