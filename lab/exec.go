package lab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"steth/lab/scenario"
)

// Place is where in a lab a command runs: on a host, in a server, or, with
// neither, outside of both, where the API and the agents can be reached.
type Place struct{ Host, Server string }

// Command is the command line that runs argv at a place, in the directory cwd
// where that exists there. It is for the machine that the lab is on.
func (s Status) Command(at Place, cwd string, argv []string) ([]string, error) {
	if len(argv) == 0 {
		return nil, errors.New("no command is given")
	}
	line := []string{"nsenter", "--target", strconv.Itoa(s.PID)}
	if s.Rootless {
		line = append(line, "--user", "--preserve-credentials")
	}
	line = append(line, "--mount", "--net", "--pid", "--uts", "--ipc", "--")
	switch {
	case at.Host != "" && at.Server != "":
		return nil, errors.New("a command runs on a host or in a server, not in both")
	case at.Host != "":
		m, err := s.Member(at.Host, s.Hosts)
		if err != nil {
			return nil, err
		}
		line = append(line, "nsenter", "--target", strconv.Itoa(m.PID), "--mount", "--net", "--pid", "--uts", "--ipc", "--")
	case at.Server != "":
		m, err := s.Member(at.Server, s.Servers)
		if err != nil {
			return nil, err
		}
		line = append(line, "nsenter", "--target", strconv.Itoa(m.PID), "--net", "--uts", "--")
	}
	// The arguments are the shell's own parameters, so nothing in them is code.
	line = append(line, "sh", "-c", `cd -- "$1" 2>/dev/null; shift; exec "$@"`, "sh", cwd)
	return append(line, argv...), nil
}

// Environ is base with what the console and OpenStack's clients need to use the
// lab as the named user. Variables of other clouds in base are left out.
func (d Dir) Environ(base []string, user string) ([]string, error) {
	cloud, err := scenario.Load(d.scenario())
	if err != nil {
		return nil, err
	}
	var found *scenario.User
	var known []string
	for _, u := range cloud.Users {
		if u.Name == user {
			found = u
		}
		known = append(known, u.Name)
	}
	if found == nil {
		return nil, fmt.Errorf("the lab's cloud has no user %q; there are %s", user, list(known))
	}
	var env []string
	for _, v := range base {
		if !strings.HasPrefix(v, "OS_") && !strings.HasPrefix(v, "STETH_CONFIG=") && !strings.HasPrefix(v, "PATH=") {
			env = append(env, v)
		}
	}
	path := ""
	for _, v := range base {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	return append(
		env,
		"PATH="+searchPath(path),
		"STETH_CONFIG="+d.Config(),
		"STETH_LAB_DIR="+string(d),
		"OS_CLIENT_CONFIG_FILE="+d.clouds(),
		"OS_AUTH_URL="+authURL,
		"OS_IDENTITY_API_VERSION=3",
		"OS_USERNAME="+found.Name,
		"OS_PASSWORD="+found.Password,
		"OS_USER_DOMAIN_NAME=Default",
		"OS_PROJECT_NAME="+found.Projects[0].Name,
		"OS_PROJECT_DOMAIN_NAME=Default",
		"OS_REGION_NAME="+cloud.Region,
		"OS_INTERFACE=public",
	), nil
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

// AgentBeside is where the agent's binary is expected: in the directory of the
// running program.
func AgentBeside() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return self[:strings.LastIndexByte(self, '/')+1] + "steth-agent", nil
}
