package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/ui"
	"llana/models/hub"
	"llana/models/nerf"
)

// modelHelp is what every command says about its --model.
const modelHelp = "model: a folder, or owner/name[@revision] of the Hugging Face Hub"

// encoderHelp is what is said about --weights2space.
const encoderHelp = "encoder: .pt or .safetensors file, or owner/name[/file][@revision] of the Hugging Face Hub"

// locate returns the local path that a flag's value means: a file or folder, or
// a part of a repository of the Hugging Face Hub, which is downloaded if the
// cache does not have it.
func (a *app) locate(ctx context.Context, value string, p hub.Part) (string, error) {
	// What is here needs none of the Hub's settings.
	if _, err := os.Stat(value); err == nil {
		return value, nil
	}
	c, done, err := a.hub()
	if err != nil {
		return "", err
	}
	defer done()
	return c.Locate(ctx, value, p)
}

// locate replaces what is named on the Hugging Face Hub by local paths. The
// object is looked for first, since a download may be long.
func (f *objectFlags) locate(ctx context.Context, a *app) error {
	if err := f.checkObject(); err != nil {
		return err
	}
	named := f.model
	var err error
	if f.model, err = a.locate(ctx, named, hub.Model); err != nil || f.nerf == "" {
		return err
	}
	if f.weights2space != "" {
		f.weights2space, err = a.locate(ctx, f.weights2space, hub.Encoder)
		return err
	}
	if _, err := f.encoder(); err == nil || f.model == named {
		return err
	}
	// Another program may have loaded the model without its encoder.
	if f.weights2space, err = a.locate(ctx, named, hub.Encoder); err != nil {
		return fmt.Errorf("%w: give the encoder with --weights2space", err)
	}
	return nil
}

// checkObject reports whether the object is there.
func (f *objectFlags) checkObject() error {
	if f.nerf != "" {
		_, _, err := nerf.Find(f.nerf)
		return err
	}
	return checkFiles(f.vec)
}

// checkFiles reports whether files are there. Empty names are skipped.
func checkFiles(files ...string) error {
	for _, f := range files {
		if f == "" {
			continue
		}
		if _, err := os.Stat(f); err != nil {
			return err
		}
	}
	return nil
}

// hub returns a client that shows its progress on the console, and what is to be
// called in the end.
func (a *app) hub() (c *hub.Client, done func(), err error) {
	if c, err = hub.FromEnv(); err != nil {
		return nil, nil, err
	}
	p := downloadProgress{console: a.console(), bar: &ui.Bar{}, logged: time.Now()}
	c.Progress, c.Logf = p.update, p.console.Logf
	return c, p.close, nil
}

// downloadProgress shows how far a download is: a bar on a terminal, else a line
// now and then.
type downloadProgress struct {
	console *ui.Console
	bar     *ui.Bar
	total   int64
	logged  time.Time
}

func (p *downloadProgress) update(d hub.Progress) {
	if d.AllTotal != p.total {
		p.bar.Close()
		p.bar, p.total = p.console.ByteBar("downloading", d.AllTotal), d.AllTotal
	}
	p.bar.SetBytes(d.AllDone)
	if now := time.Now(); !p.console.Terminal() && now.Sub(p.logged) >= logInterval && d.AllTotal > 0 {
		p.logged = now
		p.console.Logf("downloading: %.1f %%, %s", 100*float64(d.AllDone)/float64(d.AllTotal), d.File)
	}
}

func (p *downloadProgress) close() { p.bar.Close() }

func downloadCommand(a *app) *cobra.Command {
	var revision string
	cmd := &cobra.Command{
		Use:   "download OWNER/NAME[/FILE] [--revision R]",
		Short: "Download a model of the Hugging Face Hub",
		Long: `Download a model of the Hugging Face Hub into the cache, or bring it up to date,
and print its folder. With a file, download this weights2space checkpoint and
print its path.

Commands with --model download what the cache does not have, too; here it can be
done where there is a network, before the work is done where there is none.
HF_HUB_CACHE and HF_HOME say where the cache is, HF_TOKEN who asks.`,
		Example: "  llana download andreamaduzzi/Spatial-LLaNA-7B\n  llana download andreamaduzzi/Spatial-LLaNA-7B --revision main --json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = a.do(func(ctx context.Context, args []string) error {
		r, ok := hub.Parse(args[0])
		if !ok {
			return usagef("%q: want OWNER/NAME[/FILE][@REVISION]", args[0])
		}
		if cmd.Flags().Changed("revision") {
			if r, ok = hub.Parse(r.WithoutRevision() + "@" + revision); !ok {
				return usagef("--revision %q: want a branch, a tag or a commit", revision)
			}
		}
		return a.download(ctx, r)
	})
	cmd.Flags().StringVar(&revision, "revision", hub.DefaultRevision, "branch, tag or commit")
	return cmd
}

func (a *app) download(ctx context.Context, r hub.Reference) error {
	c, done, err := a.hub()
	if err != nil {
		return err
	}
	defer done()
	part, get := hub.Model, c.Download
	if r.File != "" {
		part = hub.Encoder
	}
	if c.Offline {
		get = c.Resolve // says what is missing
	}
	s, err := get(ctx, r, part)
	if err != nil {
		return err
	}
	done()
	if a.json {
		return a.writeJSON(s)
	}
	_, err = fmt.Fprintln(a.out, s.Path)
	return err
}
