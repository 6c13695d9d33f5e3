package main

import "github.com/spf13/cobra"

func evalCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "eval",
		Short: "Evaluate a language model's answers as the paper does",
		Long: `Evaluate a language model on a benchmark. Its answers are a JSON file with one
record for each question; metrics compare each answer with the truth.`,
		Example: "  llana eval score --results evaluation_results/model/hst.json",
	})
	cmd.AddCommand(
		evalRunCommand(a),
		evalMergeCommand(a),
		evalScoreCommand(a),
		evalReportCommand(a),
		evalDemoCommand(a),
	)
	return cmd
}
