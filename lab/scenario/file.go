package scenario

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"steth/internal/config"
)

//go:embed default.yaml
var defaultYAML []byte

// Default is the text of the scenario that the lab builds when none is named.
func Default() []byte { return bytes.Clone(defaultYAML) }

// File is a scenario as its author wrote it; default.yaml explains each field.
type File struct {
	Region         string           `yaml:"region"`
	Projects       []string         `yaml:"projects"`
	Users          []FileUser       `yaml:"users"`
	Management     netip.Prefix     `yaml:"management"` // the API's own address, with the prefix of the network
	Underlay       netip.Prefix     `yaml:"underlay"`
	Hosts          []FileHost       `yaml:"hosts"`
	SecurityGroups []FileGroup      `yaml:"security_groups"`
	Networks       []FileNetwork    `yaml:"networks"`
	Routers        []FileRouter     `yaml:"routers"`
	Servers        []FileServer     `yaml:"servers"`
	FloatingIPs    []FileFloatingIP `yaml:"floating_ips"`
	Traffic        Traffic          `yaml:"traffic"`
}

// FileUser is a user of the cloud. The first project is the default one.
type FileUser struct {
	Name       string          `yaml:"name"`
	Password   string          `yaml:"password"`
	Roles      []string        `yaml:"roles"`
	Projects   []string        `yaml:"projects"`
	Credential *FileCredential `yaml:"application_credential"`
}

// FileCredential is an application credential for the user's first project.
type FileCredential struct {
	Name   string `yaml:"name"`
	Secret string `yaml:"secret"`
}

// FileHost is a host.
type FileHost struct {
	Name       string     `yaml:"name"`
	Role       Role       `yaml:"role"`
	Management netip.Addr `yaml:"management"`
	Underlay   netip.Addr `yaml:"underlay"`
}

// FileGroup is a security group.
type FileGroup struct {
	Name    string     `yaml:"name"`
	Project string     `yaml:"project"`
	Rules   []FileRule `yaml:"rules"`
}

// FileRule is one IPv4 rule. Ports is "80" or "8000-8099", empty for any.
type FileRule struct {
	Direction    string       `yaml:"direction"`
	Protocol     string       `yaml:"protocol"`
	Ports        string       `yaml:"ports"`
	RemotePrefix netip.Prefix `yaml:"remote_prefix"`
	RemoteGroup  string       `yaml:"remote_group"`
}

// FileNetwork is a network with its one subnet: a VXLAN with a VNI, or a flat
// external one with the name of its physical network.
type FileNetwork struct {
	Name     string     `yaml:"name"`
	Project  string     `yaml:"project"`
	VNI      int        `yaml:"vni"`
	External bool       `yaml:"external"`
	Physical string     `yaml:"physical"`
	Plug     Plug       `yaml:"plug"` // with Open vSwitch: native (when empty) or hybrid
	Subnet   FileSubnet `yaml:"subnet"`
}

// FileSubnet is an IPv4 subnet. DHCP is the address of the DHCP port; without
// it the subnet has none.
type FileSubnet struct {
	Name    string       `yaml:"name"`
	CIDR    netip.Prefix `yaml:"cidr"`
	Gateway netip.Addr   `yaml:"gateway"`
	DHCP    netip.Addr   `yaml:"dhcp"`
	Pool    string       `yaml:"pool"` // first-last
}

// FileRouter is a router with an interface, at the gateway's address, in each
// of its networks.
type FileRouter struct {
	Name     string      `yaml:"name"`
	Project  string      `yaml:"project"`
	Host     string      `yaml:"host"`
	Gateway  FileGateway `yaml:"gateway"`
	Networks []string    `yaml:"networks"`
}

// FileGateway is a router's leg in an external network.
type FileGateway struct {
	Network string     `yaml:"network"`
	Address netip.Addr `yaml:"address"`
}

// FileServer is a server with its one port.
type FileServer struct {
	Name           string     `yaml:"name"`
	Project        string     `yaml:"project"`
	Host           string     `yaml:"host"`
	Network        string     `yaml:"network"`
	Address        netip.Addr `yaml:"address"`
	SecurityGroups []string   `yaml:"security_groups"`
}

// FileFloatingIP is a floating IP of a server; without a server it is free.
type FileFloatingIP struct {
	Address netip.Addr `yaml:"address"`
	Project string     `yaml:"project"`
	Network string     `yaml:"network"`
	Server  string     `yaml:"server"`
}

// Traffic says how often each server does a thing; 0 is never.
type Traffic struct {
	Ping    time.Duration `yaml:"ping"`
	HTTP    time.Duration `yaml:"http"`
	DNS     time.Duration `yaml:"dns"`
	Outside time.Duration `yaml:"outside"`
}

// Parse reads a scenario strictly: an unknown key is an error that names the
// line and the key that was probably meant.
func Parse(text []byte, flavour Flavour) (*Cloud, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("scenario: the file is empty")
	}
	var f File
	if err := config.Parse(text, &f); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return Build(f, flavour)
}

// Load reads the scenario in the file at path for a flavour; an empty path is
// [Default].
func Load(path string, flavour Flavour) (*Cloud, error) {
	if path == "" {
		return Parse(defaultYAML, flavour)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	c, err := Parse(text, flavour)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
