package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"steth/internal/safetext"
	"steth/openstack"
	"steth/probes/follow"
)

const (
	// sidecarVersion rises when an older program would misread what is written.
	sidecarVersion = 1
	// maxSidecar is how large a sidecar may be, in bytes. One of 32 hops has less
	// than 100 KiB.
	maxSidecar = 4 << 20
)

// sidecar is the file beside a pcapng file.
type sidecar struct {
	Version   int              `json:"version"`
	Saved     time.Time        `json:"saved"`
	Recording follow.Recording `json:"recording"`
	Inventory inventory        `json:"inventory"`
}

func (s *sidecar) write(w io.Writer) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if len(text) >= maxSidecar { // agents tell texts of any length
		if text, err = harmless(text); err != nil {
			return err
		}
	}
	if len(text) >= maxSidecar {
		return fmt.Errorf("the path and its inventory take %d bytes, more than %d", len(text), maxSidecar)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// create writes the sidecar to a new file. None is left of one that can't be
// written in full: with it the capture alone could not be opened either.
func (s *sidecar) create(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(s.write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// readSidecar reads a sidecar, which may come from anybody: every text in it is
// safe to print afterwards.
func readSidecar(r io.Reader) (*sidecar, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSidecar+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSidecar {
		return nil, fmt.Errorf("it has more than %d bytes, which no sidecar of a path has", maxSidecar)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("it is no sidecar of a path: %w", err)
	}
	switch v := version.Version; {
	case v > sidecarVersion:
		return nil, fmt.Errorf("it was written by a newer steth (version %d of the format; this one reads %d): use that one", v, sidecarVersion)
	case v < 1:
		return nil, errors.New("it is no sidecar of a path: it has no version")
	}
	if text, err = harmless(text); err != nil {
		return nil, err
	}
	var s sidecar
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("it can't be understood: %w", err)
	}
	if err := s.Recording.Check(); err != nil {
		return nil, err
	}
	return &s, nil
}

// harmless is JSON with all texts in it made safe to print.
func harmless(text []byte) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(clean(v))
}

func clean(v any) any {
	switch v := v.(type) {
	case string:
		return safetext.Clean(shorten(v))
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	case map[string]any:
		for k, e := range v {
			if c := safetext.Clean(k); c != k {
				delete(v, k)
				k = c
			}
			v[k] = clean(e)
		}
	}
	return v
}

// maxText is how long a text of a sidecar may be, in bytes: several filters.
const maxText = 16 << 10

func shorten(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// inventory is a snapshot in a file.
type inventory struct {
	Nodes          []openstack.Node             `json:"nodes,omitempty"`
	Networks       []openstack.Network          `json:"networks,omitempty"`
	Subnets        []openstack.Subnet           `json:"subnets,omitempty"`
	Ports          []openstack.Port             `json:"ports,omitempty"`
	Servers        []openstack.Server           `json:"servers,omitempty"`
	Routers        []openstack.Router           `json:"routers,omitempty"`
	FloatingIPs    []openstack.FloatingIP       `json:"floating_ips,omitempty"`
	SecurityGroups []openstack.SecurityGroup    `json:"security_groups,omitempty"`
	Agents         []openstack.Agent            `json:"agents,omitempty"`
	Taken          map[openstack.Kind]time.Time `json:"taken,omitempty"`
	Missing        map[openstack.Kind]string    `json:"missing,omitempty"`
}

func excerpt(s *openstack.Snapshot) inventory {
	return inventory{
		Nodes: s.Nodes, Networks: s.Networks, Subnets: s.Subnets, Ports: s.Ports, Servers: s.Servers, Routers: s.Routers,
		FloatingIPs: s.FloatingIPs, SecurityGroups: s.SecurityGroups, Agents: s.Agents, Taken: s.Taken, Missing: s.Missing,
	}
}

func (i *inventory) snapshot() *openstack.Snapshot {
	var all []openstack.Object
	all = appendAll(all, i.Nodes)
	all = appendAll(all, i.Networks)
	all = appendAll(all, i.Subnets)
	all = appendAll(all, i.Ports)
	all = appendAll(all, i.Servers)
	all = appendAll(all, i.Routers)
	all = appendAll(all, i.FloatingIPs)
	all = appendAll(all, i.SecurityGroups)
	all = appendAll(all, i.Agents)
	out := openstack.NewSnapshot().With(all...)
	for k, t := range i.Taken {
		out.Taken[k] = t
	}
	for k, why := range i.Missing {
		out.Missing[k] = why
	}
	return out
}

func appendAll[T openstack.Object](all []openstack.Object, list []T) []openstack.Object {
	for _, o := range list {
		all = append(all, o)
	}
	return all
}
