package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llana/models/hub"
	"llana/models/tokenizer"
)

type tokenizeFlags struct {
	model         string
	lines, decode bool
	skipSpecial   bool
}

func tokenizeCommand(a *app) *cobra.Command {
	var f tokenizeFlags
	cmd := &cobra.Command{
		Use:   "tokenize --model MODEL [TEXT]",
		Short: "Turn text into token ids, and back",
		Long: `Turn text, from the argument or standard input, into token ids: a JSON array.
With --decode, a JSON array of ids into text.

With --lines, every line of standard input is a JSON string, and every line of
output a JSON array; with --decode as well, the other way round.`,
		Example: `  llana tokenize --model infer/toymodel/data/spatial "what is this?"
  llana tokenize --model infer/toymodel/data/spatial --decode "[1, 260, 261]"
  echo '"what is this?"' | llana tokenize --model infer/toymodel/data/spatial --lines`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.RunE = a.do(func(ctx context.Context, args []string) error {
		if f.lines && len(args) > 0 {
			return usagef("--lines reads standard input: give no text")
		}
		dir, err := a.locate(ctx, f.model, hub.Tokenizer)
		if err != nil {
			return err
		}
		tok, err := tokenizer.Load(dir)
		if err != nil {
			return err
		}
		if f.lines {
			return a.tokenizeLines(ctx, tok, f)
		}
		text := strings.Join(args, "")
		if len(args) == 0 {
			b, err := io.ReadAll(a.in)
			if err != nil {
				return err
			}
			text = string(b)
		}
		return a.tokenize(tok, f, text)
	})
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", modelHelp)
	fl.BoolVar(&f.lines, "lines", false, "one JSON value a line")
	fl.BoolVar(&f.decode, "decode", false, "from ids to text")
	fl.BoolVar(&f.skipSpecial, "skip-special-tokens", false, "leave special tokens out when decoding")
	_ = cmd.MarkFlagRequired("model")
	return cmd
}

func (a *app) tokenize(tok *tokenizer.Tokenizer, f tokenizeFlags, text string) error {
	if !f.decode {
		_, err := fmt.Fprintf(a.out, "%s\n", idsJSON(tok.Encode(text)))
		return err
	}
	var ids []int
	if err := json.Unmarshal([]byte(text), &ids); err != nil {
		return fmt.Errorf("want a JSON array of token ids: %w", err)
	}
	if err := checkIDs(tok, ids); err != nil {
		return err
	}
	text = tok.Decode(ids, f.skipSpecial)
	if a.json {
		return a.writeJSON(text)
	}
	_, err := fmt.Fprintln(a.out, text)
	return err
}

func (a *app) tokenizeLines(ctx context.Context, tok *tokenizer.Tokenizer, f tokenizeFlags) error {
	sc := bufio.NewScanner(a.in)
	sc.Buffer(nil, 64<<20)
	w := bufio.NewWriter(a.out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for n := 1; sc.Scan() && ctx.Err() == nil; n++ {
		line := sc.Bytes()
		if strings.TrimSpace(string(line)) == "" {
			continue
		}
		var text string
		var ids []int
		var err error
		if f.decode {
			if err = json.Unmarshal(line, &ids); err == nil {
				err = checkIDs(tok, ids)
			}
		} else {
			err = json.Unmarshal(line, &text)
		}
		switch {
		case err != nil:
			err = fmt.Errorf("standard input, line %d: %w", n, err)
		case f.decode:
			err = enc.Encode(tok.Decode(ids, f.skipSpecial))
		default:
			_, err = fmt.Fprintf(w, "%s\n", idsJSON(tok.Encode(text)))
		}
		if err != nil {
			_ = w.Flush()
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return ctx.Err()
}

// checkIDs reports ids that are not in the vocabulary.
func checkIDs(tok *tokenizer.Tokenizer, ids []int) error {
	for i, id := range ids {
		if id < 0 || id >= tok.VocabSize() {
			return fmt.Errorf("id %d at %d, want 0 to %d", id, i, tok.VocabSize()-1)
		}
	}
	return nil
}

// idsJSON formats ids as a JSON array.
func idsJSON(ids []int) []byte {
	if ids == nil {
		ids = []int{}
	}
	b, _ := json.Marshal(ids) // integers always have a JSON form
	return b
}
