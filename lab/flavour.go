package lab

import (
	"errors"
	"fmt"
	"os"

	"steth/lab/scenario"
)

// switchPrograms are what the flavour ovs needs besides.
var switchPrograms = [...]program{
	{"ovs-ofctl", "openvswitch-common"},
	{"ovs-vsctl", "openvswitch-switch"},
	{"ovs-vswitchd", "openvswitch-switch"},
	{"ovsdb-server", "openvswitch-common"},
	{"ovsdb-tool", "openvswitch-common"},
}

// tunDevice is what Open vSwitch makes internal ports of.
const tunDevice = "/dev/net/tun"

// choice is a flavour with why it isn't the better one.
type choice struct {
	scenario.Flavour
	why error
}

// String says it in a line of progress.
func (c choice) String() string {
	if c.why == nil {
		return fmt.Sprintf("flavour %s", c.Flavour)
	}
	return fmt.Sprintf("flavour %s: %v", c.Flavour, c.why)
}

// chooseFlavour is the flavour that is wanted, or else the better one of those
// that can be built here.
func chooseFlavour(want scenario.Flavour, rootless bool, path string) (choice, error) {
	if want == "" || want == scenario.OpenVSwitch {
		switch err := checkSwitch(rootless, path, tunDevice); {
		case err == nil:
			return choice{Flavour: scenario.OpenVSwitch}, nil
		case want == "":
			return choice{scenario.LinuxBridge, err}, nil
		default:
			return choice{}, fmt.Errorf("flavour %s: %w", want, err)
		}
	}
	return choice{Flavour: want}, nil
}

// checkSwitch says why Open vSwitch can't run in a lab here.
func checkSwitch(rootless bool, path, tun string) error {
	if rootless {
		return errors.New("only root can run Open vSwitch, for its internal ports")
	}
	if err := checkPrograms("Open vSwitch", switchPrograms[:], path); err != nil {
		return err
	}
	f, err := os.OpenFile(tun, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("the internal ports of Open vSwitch need a device that doesn't open: %w", err)
	}
	return f.Close()
}
