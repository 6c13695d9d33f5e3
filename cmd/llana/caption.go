package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/ui"
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
  llana caption --model infer/toymodel/data/spatial --nerf infer/toymodel/data/heldout/test000003 --prompt "where is the yellow sphere?" --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		o, err := s.options(a.seed)
		if err != nil {
			return err
		}
		if o.CacheType, err = f.cacheType(); err != nil {
			return err
		}
		if err := f.storageFlags.check(); err != nil {
			return err
		}
		return a.withSession(ctx, f, o, func(s *infer.Session) error { return a.caption(ctx, s, prompt, o) })
	})
	f.register(cmd)
	cmd.MarkFlagsOneRequired("nerf", "vec")
	s.register(cmd)
	cmd.Flags().StringVar(&prompt, "prompt", defaultPrompt, "question; <point> says where the object goes, by default in front")
	return cmd
}

// captionJSON is an answer of caption and chat.
type captionJSON struct {
	Text      string     `json:"text"`
	PromptIDs []int32    `json:"prompt_ids"`
	TokenIDs  []int32    `json:"token_ids"`
	Stop      infer.Stop `json:"stop"`
	Dropped   int        `json:"turns_left_out,omitempty"`
}

func newCaptionJSON(a infer.Answer) captionJSON {
	return captionJSON{a.Text, a.PromptIDs, a.TokenIDs, a.Stop, a.Dropped}
}

func (a *app) caption(ctx context.Context, s *infer.Session, prompt string, o infer.Options) error {
	o, read := a.reading(o)
	defer read()
	var bar *ui.Bar
	answer, err := s.Ask(ctx, prompt, o, func(string) {
		if bar == nil {
			bar = a.console().Bar("answering", o.MaxNewTokens)
		}
		bar.Add(1)
	})
	if bar != nil {
		bar.Close()
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(newCaptionJSON(answer))
	}
	a.tellCut(answer)
	_, err = fmt.Fprintln(a.out, answer.Text)
	return err
}

// tellCut says why an answer is not whole, if it is not.
func (a *app) tellCut(answer infer.Answer) {
	n := len(answer.TokenIDs)
	switch answer.Stop {
	case infer.StopLength:
		a.console().Logf("cut off after %d tokens (--max-new-tokens)", n)
	case infer.StopContext:
		a.console().Logf("cut off after %d tokens: prompt and answer fill the context of %d tokens (--context)", n, len(answer.PromptIDs)+n)
	}
}

// reading gives options a progress bar for the prompt, which goes away when it
// is read, or with done.
func (a *app) reading(o infer.Options) (with infer.Options, done func()) {
	var bar *ui.Bar
	done = func() {
		if bar != nil {
			bar.Close()
			bar = nil
		}
	}
	o.Progress = func(n, total int) {
		if bar == nil && n < total {
			bar = a.console().Bar("reading the prompt", total)
		}
		if bar != nil {
			bar.Set(n)
		}
		if n >= total {
			done()
		}
	}
	return o, done
}
