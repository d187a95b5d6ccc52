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
	cloud, err := scenario.Load(d.scenario(), scenario.LinuxBridge) // its users are the same in every flavour
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

// AgentBeside is where the agent's binary is expected: in the directory of the
// running program.
func AgentBeside() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return self[:strings.LastIndexByte(self, '/')+1] + "steth-agent", nil
}
