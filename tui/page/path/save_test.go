package path

import (
	"os/exec"
	"testing"

	"steth/openstack"
)

// TestCommandIsHarmless has a recording, which may have come from anybody, give
// a command for a shell: all that is not steth's own is an argument there.
func TestCommandIsHarmless(t *testing.T) {
	const evil = "x; echo $(id) `id` \"$(id)\" '"
	for want, p := range map[string]*Page{
		"steth\npath\n--port\n" + evil + "\n--to\n" + evil + "\n--follow\nicmp\n": {
			path: openstack.Path{Goal: openstack.GoalPort, From: openstack.End{Port: evil}, To: openstack.End{Port: evil}},
			what: openstack.Follow{What: openstack.FollowICMP},
		},
		"steth\npath\n--port\nport-1\n--to-dhcp\n--filter\n" + evil + "\n": {
			path: openstack.Path{Goal: openstack.GoalDHCP, From: openstack.End{Port: "port-1"}},
			what: openstack.Follow{What: openstack.FollowText, Text: evil},
		},
		"steth\npath\n--port\nport-1\n--to-dhcp\n": {
			path: openstack.Path{Goal: openstack.GoalDHCP, From: openstack.End{Port: "port-1"}},
			what: openstack.Follow{What: openstack.FollowDHCP},
		},
		"steth\npath\n--port\nport-1\n--to-dhcp\n--follow\nall\n": {
			path: openstack.Path{Goal: openstack.GoalDHCP, From: openstack.End{Port: "port-1"}},
			what: openstack.Follow{What: openstack.FollowAll},
		},
		"steth\npath\n--port\nport-1\n--follow\n" + evil + "\n": {
			path: openstack.Path{From: openstack.End{Port: "port-1"}},
			what: openstack.Follow{What: evil},
		},
	} {
		got, err := exec.Command("sh", "-c", `printf '%s\n' `+p.command()).Output()
		if err != nil || string(got) != want {
			t.Errorf("%s gives %q, %v\nwant %q", p.command(), got, err, want)
		}
	}
}
