package main

import "github.com/spf13/cobra"

func evalCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "eval",
		Short: "Evaluate a language model's answers as the paper does",
		Long: `Evaluate a language model on a benchmark. Its answers are a JSON file with one
record for each question; metrics compare each answer with the truth.`,
	})
	for _, c := range []func(*app) *cobra.Command{evalRunCommand, evalMergeCommand} {
		cmd.AddCommand(c(a))
	}
	return cmd
}
