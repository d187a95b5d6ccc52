package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"steth/internal/config"
)

// version is set by the build.
var version = "dev"

// flags are those that every command has.
type flags struct {
	config string
	cloud  string
	region string
	pki    string
	role   string
	log    string
}

func rootCommand() *cobra.Command {
	var f flags
	var s screenFlags
	root := &cobra.Command{
		Use:   "steth",
		Short: "Find what is broken in a tenant network of OpenStack",
		Long: `Steth shows a cloud's nodes, networks and ports, runs probes on the nodes
through small agents, and shows their live output side by side.

Without a command it opens the console. The cloud comes from clouds.yaml
(--os-cloud) or the OS_* variables, as for every OpenStack client.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		Version:       build(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return screen(cmd.Context(), f, s) },
	}
	root.SetVersionTemplate("steth {{.Version}}\n")
	p := root.PersistentFlags()
	p.StringVar(&f.config, "config", "", "configuration file (default $STETH_CONFIG, ~/.config/steth/steth.yaml, /etc/steth/steth.yaml)")
	p.StringVar(&f.cloud, "os-cloud", "", "entry of clouds.yaml (default $OS_CLOUD)")
	p.StringVar(&f.region, "os-region-name", "", "region (default $OS_REGION_NAME or the cloud's own)")
	p.StringVar(&f.pki, "pki", "", "directory of the console's certificates")
	p.StringVar(&f.role, "role", "", "which of the console's certificates to use: viewer, operator, injector or admin (default the strongest that is there)")
	p.StringVar(&f.log, "log", "", "write a log to this file")
	s.register(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, cmd := range inventoryCommands(&f) {
		root.AddCommand(cmd)
	}
	root.AddCommand(findCommand(&f), showCommand(&f), probeCommand(&f), captureCommand(&f), pathCommand(&f), replayCommand(&f), certsCommand(), labCommand())
	return root
}

// noArgs refuses arguments, naming an unknown command as such.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("no command is called %q; did you mean %q?", args[0], near[0])
	}
	return usage("no command is called %q", args[0])
}

// load reads the configuration and lets flags win over it.
func (f flags) load(getenv func(string) string) (config.Console, error) {
	c, err := config.LoadConsole(f.config, getenv)
	if err != nil {
		return c, err
	}
	if err := c.Check(); err != nil {
		return c, err
	}
	if f.cloud != "" {
		c.Cloud = f.cloud
	}
	if f.pki != "" {
		c.PKI = f.pki
	}
	if f.role != "" {
		c.Role = f.role
	}
	return c, nil
}

// build is the version with the commit that the binary was made from.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return fmt.Sprintf("%s (%s)", version, s.Value[:12])
		}
	}
	return version
}
