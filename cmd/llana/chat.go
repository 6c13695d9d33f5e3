package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"llana/infer"
	"llana/models/conversation"
)

func chatCommand(a *app) *cobra.Command {
	var f objectFlags
	var s samplingFlags
	cmd := &cobra.Command{
		Use:   "chat --model MODEL [--nerf F | --vec V.npy]",
		Short: "Talk with a model about a NeRF",
		Long: `Talk with a model about a NeRF: one question a line on standard input, answers
as they come. "/new" starts over, "/quit" or the end of input ends the talk.
Without a NeRF it is a conversation in text alone, for which any LLaMA folder will
do.

When a conversation gets too long for the context, the oldest questions and their
answers are left out; the object stays.`,
		Example: "  llana chat --model infer/toymodel/data/spatial --nerf infer/toymodel/data/heldout/test000003",
		Args:    cobra.NoArgs,
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
		return a.withSession(ctx, f, o, func(s *infer.Session) error { return a.chat(ctx, s, o) })
	})
	f.register(cmd)
	s.register(cmd)
	return cmd
}

func (a *app) chat(ctx context.Context, s *infer.Session, o infer.Options) error {
	var turns []conversation.Turn
	lines, failed := a.lines(ctx)
	for {
		a.prompt()
		var line string
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, ok := <-lines:
			if !ok {
				return <-failed
			}
			line = strings.TrimSpace(l)
		}
		switch line {
		case "":
			continue
		case "/quit":
			return nil
		case "/new":
			turns = nil
			continue
		}
		turns = append(turns, conversation.Turn{From: conversation.Human, Value: line})
		reading, read := a.reading(o)
		answer, err := s.Converse(ctx, turns, reading, func(text string) {
			if !a.json {
				fmt.Fprint(a.out, text)
			}
		})
		read()
		if err != nil {
			return err
		}
		turns = append(turns, conversation.Turn{From: conversation.GPT, Value: answer.Text})
		if a.json {
			err = a.writeJSON(newCaptionJSON(answer))
		} else {
			_, err = fmt.Fprintln(a.out)
			a.tellCut(answer)
			if answer.Dropped > 0 {
				a.console().Logf("the first %d turns no longer fit the context and were left out (--context)", answer.Dropped)
			}
		}
		if err != nil {
			return err
		}
	}
}

// prompt invites a question on a terminal.
func (a *app) prompt() {
	if a.console().Terminal() {
		fmt.Fprint(a.err, "> ")
	}
}

// lines reads standard input line by line. The channel is closed at its end;
// then failed gives the error, or nil. Reading a terminal cannot be cut short,
// so the reader may outlive ctx.
func (a *app) lines(ctx context.Context) (lines <-chan string, failed <-chan error) {
	out, errs := make(chan string), make(chan error, 1)
	go func() {
		defer close(out)
		sc := bufio.NewScanner(a.in)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			select {
			case out <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
		errs <- sc.Err()
	}()
	return out, errs
}
