package lab

import (
	"fmt"
	"os"
	"strings"

	"steth/agent/api"
	"steth/lab/scenario"
	"steth/rpc/pki"
)

// write writes the files that the lab's stages and its user read.
func (d Dir) write(opt Options, cloud *scenario.Cloud) error {
	text := scenario.Default()
	if opt.Scenario != "" {
		var err error
		if text, err = os.ReadFile(opt.Scenario); err != nil {
			return fmt.Errorf("copy the scenario: %w", err)
		}
	}
	for path, content := range map[string]string{
		d.scenario():    string(text),
		d.hosts():       hostsFile(cloud),
		d.clouds():      cloudsFile(cloud),
		d.Config():      configFile(d, cloud),
		d.agentConfig(): agentFile,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the lab's files: %w", err)
		}
	}
	// Everyone in the lab may read names; only its owner may read keys.
	if err := os.Chmod(d.hosts(), 0o644); err != nil {
		return fmt.Errorf("write the lab's files: %w", err)
	}
	if opt.Agent == "" {
		return nil
	}
	return d.certify(cloud)
}

// certify makes the lab's own authority, a console's certificate for each role
// and one for each host.
func (d Dir) certify(cloud *scenario.Cloud) error {
	var roles []string
	for _, r := range api.Roles() {
		roles = append(roles, string(r))
	}
	if _, err := pki.Init(d.PKI(), roles); err != nil {
		return fmt.Errorf("make the lab's certificates: %w", err)
	}
	for _, h := range cloud.Hosts {
		if _, err := pki.Issue(d.PKI(), h.Name, h.Management.String()); err != nil {
			return fmt.Errorf("make the certificate of %s: %w", h.Name, err)
		}
	}
	return nil
}

// agentFile is the agents' configuration: this machine's own stays out of the
// lab.
const agentFile = "# Written by `steth lab up`.\nnamespaces: [/run/netns]\n"

func hostsFile(c *scenario.Cloud) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n")
	fmt.Fprintf(&b, "%v %s\n", c.API.Addr(), apiName)
	for _, h := range c.Hosts {
		fmt.Fprintf(&b, "%v %s\n", h.Management, h.Name)
	}
	return b.String()
}

// configFile is the console's configuration.
func configFile(d Dir, c *scenario.Cloud) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by `steth lab up`.\npki: %q\nnodes:\n", d.PKI())
	for _, h := range c.Hosts {
		fmt.Fprintf(&b, "  %s: %v\n", h.Name, h.Management)
	}
	return b.String()
}

// cloudsFile is clouds.yaml: an entry for each user, named after it, and one
// named USER-credential for each application credential.
func cloudsFile(c *scenario.Cloud) string {
	var b strings.Builder
	b.WriteString("# Written by `steth lab up`.\nclouds:\n")
	for _, u := range c.Users {
		fmt.Fprintf(&b, "  %s:\n    region_name: %q\n    auth:\n      auth_url: %s\n", u.Name, c.Region, authURL)
		fmt.Fprintf(&b, "      username: %q\n      password: %q\n      user_domain_name: Default\n", u.Name, u.Password)
		fmt.Fprintf(&b, "      project_name: %q\n      project_domain_name: Default\n", u.Projects[0].Name)
		if u.Credential != nil {
			fmt.Fprintf(&b, "  %s-credential:\n    region_name: %q\n    auth_type: v3applicationcredential\n    auth:\n", u.Name, c.Region)
			fmt.Fprintf(&b, "      auth_url: %s\n      application_credential_id: %s\n      application_credential_secret: %q\n",
				authURL, u.Credential.ID, u.Credential.Secret)
		}
	}
	return b.String()
}
