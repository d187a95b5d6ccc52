package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Console is the configuration of the console, steth.yaml.
type Console struct {
	Cloud string              `yaml:"cloud"` // entry of clouds.yaml; OS_CLOUD and --os-cloud win
	PKI   string              `yaml:"pki"`   // directory with ca.pem and the console's certificate
	Role  string              `yaml:"role"`  // which of the certificates there to use
	Nodes map[string]string   `yaml:"nodes"` // address of a node's agent, by host name
	Theme string              `yaml:"theme"` // dark, light or mono; "" asks the terminal
	ASCII bool                `yaml:"ascii"` // no sign outside ASCII
	Mouse *bool               `yaml:"mouse"` // on unless false
	Keys  map[string][]string `yaml:"keys"`  // keys of an action, by its name as in the help
	Spool string              `yaml:"spool"` // directory for scrollback that no longer fits in memory
}

// ConsolePaths are where the console's configuration is looked for, in order:
// $STETH_CONFIG, the user's configuration directory, /etc/steth.
func ConsolePaths(getenv func(string) string) []string {
	if p := getenv("STETH_CONFIG"); p != "" {
		return []string{p}
	}
	var out []string
	switch {
	case getenv("XDG_CONFIG_HOME") != "":
		out = append(out, filepath.Join(getenv("XDG_CONFIG_HOME"), "steth", "steth.yaml"))
	case getenv("HOME") != "":
		out = append(out, filepath.Join(getenv("HOME"), ".config", "steth", "steth.yaml"))
	}
	return append(out, "/etc/steth/steth.yaml")
}

// LoadConsole reads the console's configuration: path where it is not "", else
// the first of [ConsolePaths] that exists. No file at all is an empty
// configuration; a path that was asked for and is missing is an error.
func LoadConsole(path string, getenv func(string) string) (Console, error) {
	var c Console
	paths, asked := ConsolePaths(getenv), getenv("STETH_CONFIG") != ""
	if path != "" {
		paths, asked = []string{path}, true
	}
	for _, p := range paths {
		err := Load(p, &c)
		if errors.Is(err, fs.ErrNotExist) && !asked {
			continue
		}
		if err != nil {
			return Console{}, err
		}
		break
	}
	if c.PKI == "" {
		c.PKI = defaultPKI(getenv)
	}
	return c, nil
}

// defaultPKI is the user's own directory where it exists, else /etc/steth/pki.
func defaultPKI(getenv func(string) string) string {
	if home := getenv("HOME"); home != "" {
		own := filepath.Join(home, ".config", "steth", "pki")
		if _, err := os.Stat(own); err == nil {
			return own
		}
	}
	return "/etc/steth/pki"
}

// Check tells what is wrong in the configuration beyond its syntax.
func (c Console) Check() error {
	for node, addr := range c.Nodes {
		if addr == "" {
			return fmt.Errorf("nodes: %s has no address", node)
		}
	}
	return nil
}
