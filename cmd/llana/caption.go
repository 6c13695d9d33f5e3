package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llana/infer"
)

// defaultPrompt asks for a caption.
const defaultPrompt = "what is this?"

func captionCommand(a *app) *cobra.Command {
	var f objectFlags
	var s samplingFlags
	var prompt string
	cmd := &cobra.Command{
		Use:   "caption --model MODEL (--nerf F | --vec V.npy) [--prompt TEXT]",
		Short: "Ask a model about a NeRF",
		Long: `Ask a model one question about a NeRF, given as its weights or as its spatial
tokens. The answer is greedy unless a temperature is given.`,
		Example: `  llana caption --model infer/toymodel/data/spatial --nerf infer/toymodel/data/heldout/test000003
  llana caption --model infer/toymodel/data/spatial --nerf infer/toymodel/data/heldout/test000003 --prompt "where is the red sphere?" --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		o, err := s.options(a.seed)
		if err != nil {
			return err
		}
		return a.withSession(ctx, f, func(s *infer.Session) error { return a.caption(ctx, s, prompt, o) })
	})
	f.register(cmd)
	s.register(cmd)
	cmd.Flags().StringVar(&prompt, "prompt", defaultPrompt, "question; <point> says where the object goes, by default in front")
	return cmd
}

// captionJSON is the result of caption.
type captionJSON struct {
	Text      string  `json:"text"`
	PromptIDs []int32 `json:"prompt_ids"`
	TokenIDs  []int32 `json:"token_ids"`
}

func (a *app) caption(ctx context.Context, s *infer.Session, prompt string, o infer.Options) error {
	bar := a.console().Bar("answering", o.MaxNewTokens)
	defer bar.Close()
	answer, err := s.Ask(ctx, prompt, o, func(string) { bar.Add(1) })
	if err != nil {
		return err
	}
	bar.Close()
	if a.json {
		return a.writeJSON(captionJSON{answer.Text, answer.PromptIDs, answer.TokenIDs})
	}
	if !answer.Ended {
		a.console().Logf("cut off after %d tokens", len(answer.TokenIDs))
	}
	_, err = fmt.Fprintln(a.out, answer.Text)
	return err
}
