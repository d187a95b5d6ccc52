package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Raw is the API's own JSON of an object, indented. A node's is made of its
// hypervisors and its Neutron agents.
func (c *Cloud) Raw(ctx context.Context, kind Kind, id string) (string, error) {
	if id == "" || strings.Trim(id, ".") == "" {
		return "", problemf(ErrNotFound, "%q is not the id of a %s", id, kind)
	}
	var body map[string]json.RawMessage
	var err error
	switch src, ok := sourceOf(kind); {
	case ok:
		body, err = c.neutron.get(ctx, src.path+"/"+url.PathEscape(id), nil, "")
	case kind == KindServer:
		body, err = c.nova.get(ctx, "servers/"+url.PathEscape(id), nil, "")
	case kind == KindNode:
		body, err = c.rawNode(ctx, id)
	default:
		return "", fmt.Errorf("read %s %s: there is no such kind", kind, id)
	}
	if status(err) == http.StatusNotFound {
		return "", problemf(errors.Join(ErrNotFound, err), "the cloud has no %s %s any more: refresh the list", kind, id)
	}
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return "", fmt.Errorf("indent %s %s: %w", kind, id, err)
	}
	return string(text), nil
}

func (c *Cloud) rawNode(ctx context.Context, host string) (map[string]json.RawMessage, error) {
	var mine []json.RawMessage
	errNova := c.hypervisors(ctx, nil, func(items []json.RawMessage) error {
		for _, raw := range items {
			if decodeHypervisor(raw).Host == host {
				mine = append(mine, raw)
			}
		}
		return nil
	})
	agents, errNeutron := c.neutron.get(ctx, "agents", url.Values{"host": {host}}, "")
	if errNova != nil && errNeutron != nil {
		return nil, errNeutron
	}
	list, err := json.Marshal(mine)
	if err != nil {
		return nil, fmt.Errorf("join the hypervisors of %s: %w", host, err)
	}
	return map[string]json.RawMessage{"hypervisors": list, "agents": agents["agents"]}, nil
}
