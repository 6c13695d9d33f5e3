package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// all returns every command of the program.
func all(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		list = append(list, all(c)...)
	}
	return list
}

// The example in every command's help is one that the program understands, and
// what it takes from the repository is there.
func TestExamples(t *testing.T) {
	for _, cmd := range all(newRoot(&app{})) {
		if cmd.Example == "" {
			t.Errorf("%s: its help has no example", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			// A command line may stand behind a pipe.
			parts := strings.Split(line, " | ")
			args := fields(parts[len(parts)-1])
			if len(args) < 1 || args[0] != "llana" {
				t.Errorf("%s: the example %q does not run llana", cmd.CommandPath(), line)
				continue
			}
			checkExample(t, args[1:])
		}
	}
}

// checkExample parses a command line without running it.
func checkExample(t *testing.T, args []string) {
	t.Helper()
	root := newRoot(&app{})
	for _, c := range all(root) {
		if c.RunE != nil {
			c.RunE = func(*cobra.Command, []string) error { return nil }
		}
	}
	root.SetArgs(args)
	root.SetOut(&bytes.Buffer{})
	if err := root.Execute(); err != nil {
		t.Errorf("example %q: %v", args, err)
	}
	for _, a := range args {
		if strings.HasPrefix(a, "infer/") || strings.HasPrefix(a, "train/") {
			if _, err := os.Stat(filepath.Join("../..", a)); err != nil {
				t.Errorf("example %q: %v", args, err)
			}
		}
	}
}

// fields splits a line at spaces outside double quotes.
func fields(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

func TestHelp(t *testing.T) {
	for _, cmd := range all(newRoot(&app{})) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		r := llana(t, "", args...)
		if r.code != exitOK || !strings.Contains(r.out, "Examples:") || r.err != "" {
			t.Errorf("%v: exit status %d, output %q, %q", args, r.code, r.out, r.err)
		}
	}
	if r := llana(t, ""); r.code != exitOK || !strings.Contains(r.out, "Available Commands:") {
		t.Errorf("without arguments: exit status %d, output %q", r.code, r.out)
	}
}

func TestUsageErrors(t *testing.T) {
	config := writeFile(t, "output_dir: x\n", t.TempDir(), "c.yaml")
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"nonsense", []string{`unknown command "nonsense"`}},
		{"nerf", []string{"needs a command", "fit", "render", "query"}},
		{"nerf burn", []string{`unknown command "burn"`}},
		{"train stage3", []string{`unknown command "stage3"`}},
		{"devices extra", []string{"extra"}},
		{"devices --nonsense", []string{"unknown flag: --nonsense"}},
		{"devices --device gpu", []string{`--device "gpu"`, "want auto, cpu"}},
		{"devices --seed x", []string{"--seed"}},
		{"train text", []string{`"config" not set`}},
		{"train text --config " + config + " --set nonsense", []string{"nonsense", "key=value"}},
		{"train text --config " + config + " --set nonsense=1", []string{"nonsense", "not found"}},
		{"train weights2space --config " + config + " --set model.nonsense=1", []string{"nonsense", "not found"}},
		{"toyworld --out x --scenes -1", []string{"negative"}},
		{"encode --weights2space w.pt --out v.npy", []string{"--matrix"}},
		{"encode --weights2space w.pt --out v.npy --matrix m.npy a.pth", []string{"not both"}},
		{"encode --weights2space w.pt --out v.npy " + bundled + "/heldout", []string{"v.npy", "folder"}},
		{"nerf render --nerf x --out y.png", []string{"transforms", "turntable"}},
		{"nerf render --nerf x --out y.png --turntable 0", []string{"--turntable 0"}},
		{"nerf render --nerf x --out y.png --turntable 2 --size 99999", []string{"--size 99999"}},
		{"nerf render --nerf x --out y.png --turntable 2 --background red", []string{`"red"`, "1,1,1"}},
		{"nerf render --nerf x --out y.png --turntable 2 --transforms t.json", []string{"transforms", "turntable"}},
		{"nerf fit --views x --out y.pth --network huge", []string{`"huge"`, "published"}},
		{"nerf fit --views x --out y.pth --scale 0", []string{"--scale"}},
		{"caption --model m", []string{"nerf", "vec"}},
		{"caption --model m --vec v.npy --top-p 2", []string{"top-p is 2"}},
		{"caption --model m --vec v.npy --top-p 0", []string{"--top-p"}},
		{"caption --model someone/none --vec v.npy --weights int3", []string{`--weights "int3"`}},
		{"eval run --model someone/none --data d --split hst --gpu-memory much", []string{"--gpu-memory", "much"}},
		{"logits --model someone/none --ids i.json --out l.npy --weights int3", []string{`--weights "int3"`}},
		{"caption --model m --vec v.npy --max-new-tokens 0", []string{"--max-new-tokens"}},
		{"caption --model m --vec v.npy --prompt-chunk 0", []string{"--prompt-chunk"}},
		{"caption --model m --vec v.npy --context -5", []string{"context is -5"}},
		{"data check d --max-faults -1", []string{"--max-faults -1"}},
		{"chat --model m --vec v.npy --repetition-penalty 0", []string{"--repetition-penalty"}},
		{"tokenize --model m --lines text", []string{"--lines"}},
		{"verify nonsense", []string{`"nonsense"`}},
		{"bench nonsense", []string{`"nonsense"`, "--list"}},
		{"bench matmul/f32/1x2", []string{"matmul/f32/1x2"}},
		{"bench matmul/f32/99999999x99999999x99999999", []string{"too large"}},
		{"bench --threads 2 --device vulkan", []string{"--threads", "cpu"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			wantFailure(t, llana(t, "", strings.Fields(c.args)...), exitUsage, c.parts...)
		})
	}
}
