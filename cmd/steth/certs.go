package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"steth/agent/api"
	"steth/rpc/pki"
)

func certsCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Make the certificates of consoles and agents",
		Long: `Consoles and agents trust each other by certificates of one authority of your own.

  steth certs init --dir pki            the authority, and a console certificate for each role
  steth certs issue NODE --dir pki      the bundle of one node's agent, to copy to /etc/steth/pki there
  steth certs console NAME --role ROLE  one more console certificate

Keep ca-key.pem offline: who has it can make consoles and agents.`,
		Args: noArgs,
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", "pki", "directory of the authority")
	cmd.AddCommand(
		&cobra.Command{
			Use: "init", Short: "Make an authority and a console certificate for each role", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				var roles []string
				for _, r := range api.Roles() {
					roles = append(roles, string(r))
				}
				made, err := pki.Init(dir, roles)
				for _, path := range made {
					fmt.Println(path)
				}
				return err
			},
		},
		issueCommand(&dir),
		consoleCertCommand(&dir),
	)
	return cmd
}

func issueCommand(dir *string) *cobra.Command {
	var also []string
	cmd := &cobra.Command{
		Use: "issue NODE", Short: "Make the certificate bundle of a node's agent",
		Args: exactArgs(1, "the node's name, as in binding:host_id"),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := pki.Issue(*dir, args[0], also...)
			if err != nil {
				return err
			}
			fmt.Println(path)
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&also, "also", nil, "another name or address of the node; may be given again")
	return cmd
}

func consoleCertCommand(dir *string) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use: "console NAME", Short: "Make one more console certificate",
		Args: exactArgs(1, "a name for the console, a person's for example: it stands in every audit line"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !api.Role(role).Valid() {
				return usage("role %q is not known; there are %v", role, api.Roles())
			}
			path, err := pki.IssueConsole(*dir, args[0], role)
			if err != nil {
				return err
			}
			fmt.Println(path)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "role", string(api.RoleOperator), "viewer, operator, injector or admin")
	return cmd
}
