package pki

import (
	"fmt"
	"net"
	"path/filepath"
)

// Init is `steth certs init`: it makes an authority in dir and, in
// dir/console-ROLE, the bundle of a console for each of the roles, named like
// the role. It returns the paths that it made, the authority's first.
func Init(dir string, roles []string) ([]string, error) {
	a, err := NewAuthority(dir)
	if err != nil {
		return nil, err
	}
	made := []string{filepath.Join(dir, authorityFile), filepath.Join(dir, authorityKeyFile)}
	for _, role := range roles {
		bundle := consoleDir(dir, role)
		if err := a.IssueConsole(bundle, role, role); err != nil {
			return made, err
		}
		made = append(made, bundle)
	}
	return made, nil
}

// Issue is `steth certs issue NODE`: it makes the bundle of a node's agent in
// dir/node-NODE, signed by the authority in dir, and returns that directory.
// The extra names and addresses stand in the certificate as well.
func Issue(dir, node string, extra ...string) (string, error) {
	a, err := LoadAuthority(dir)
	if err != nil {
		return "", err
	}
	var names []string
	var ips []net.IP
	for _, e := range extra {
		if ip := net.ParseIP(e); ip != nil {
			ips = append(ips, ip)
		} else {
			names = append(names, e)
		}
	}
	if !isWord(node, 253) {
		return "", fmt.Errorf("issue a certificate: %q is not a node's name", node)
	}
	bundle := filepath.Join(dir, "node-"+node)
	return bundle, a.IssueNode(bundle, node, names, ips)
}

// IssueConsole makes the bundle of a console in dir/console-NAME, signed by the
// authority in dir, and returns that directory. The name is what audit lines
// say; the role is what the agents allow.
func IssueConsole(dir, name, role string) (string, error) {
	a, err := LoadAuthority(dir)
	if err != nil {
		return "", err
	}
	if !isWord(name, 253) {
		return "", fmt.Errorf("issue a certificate: %q is not a console's name", name)
	}
	bundle := consoleDir(dir, name)
	return bundle, a.IssueConsole(bundle, name, role)
}

func consoleDir(dir, name string) string { return filepath.Join(dir, "console-"+name) }
