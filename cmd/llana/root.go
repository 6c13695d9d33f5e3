package main

import (
	"strings"

	"github.com/spf13/cobra"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "llana",
		Short: "Language models that read NeRFs",
		Long: `llana turns the weights of a NeRF into language: it encodes them as spatial
tokens, which a LLaMA decoder describes and answers questions about.

Results go to standard output; progress and logs to standard error. Exit status:
0 done, 1 failed, 2 wrong usage, 130 interrupted.`,
		Example:       "  llana demo\n  llana devices",
		SilenceErrors: true, SilenceUsage: true,
	}
	f := root.PersistentFlags()
	f.StringVar(&a.device, "device", "", "auto, cpu[:threads] or vulkan[:n] (default $LLANA_DEVICE, or auto)")
	f.Uint64Var(&a.seed, "seed", 0, "seed of everything that is random")
	f.BoolVar(&a.json, "json", false, "results as JSON on standard output")
	f.BoolVar(&a.quiet, "quiet", false, "no progress, no logs")
	root.AddCommand(
		demoCommand(a),
		dataCommand(a),
		devicesCommand(a),
		toyworldCommand(a),
		trainCommand(a),
		encodeCommand(a),
		nerfCommand(a),
		captionCommand(a),
		chatCommand(a),
		logitsCommand(a),
		tokenizeCommand(a),
		convertCommand(a),
		planCommand(a),
		evalCommand(a),
		downloadCommand(a),
		verifyCommand(a),
		benchCommand(a),
	)
	// Without a command, the program says what it can do.
	alone := group(root).RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return alone(cmd, args)
	}
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.checkFlags() }
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// group makes a command that only holds others: without one of them it is
// wrong usage.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usagef("%q needs a command: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	return cmd
}
