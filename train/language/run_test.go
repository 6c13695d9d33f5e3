package language

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/kernels/cpu"
	"llana/models/checkpoint"
	"llana/models/conversation"
	"llana/models/spatialllana"
	"llana/train"
)

// writeData writes a small data folder: n objects of 12 tokens of width 28,
// each with a brief description and a conversation of two rounds.
func writeData(t *testing.T, n int) string {
	t.Helper()
	root := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	var brief, complex []conversation.Record
	for i := range n {
		id := fmt.Sprintf("object%d", i)
		v := make([]float32, 12*28)
		for j := range v {
			v[j] = float32(r.NormFloat64())
		}
		path := filepath.Join(root, "train", "vecs", id+".npy")
		must(t, os.MkdirAll(filepath.Dir(path), 0o777))
		must(t, checkpoint.WriteNPY(path, []int{12, 28}, v))
		colour := []string{"red", "blue", "green"}[i%3]
		turns := []conversation.Turn{{From: conversation.Human, Value: "<point>\nWhat is it?"}, {From: conversation.GPT, Value: "A " + colour + " chair."}}
		brief = append(brief, conversation.Record{ObjectID: id, Type: Brief, Turns: turns})
		more := append(slices.Clone(turns), conversation.Turn{From: conversation.Human, Value: "Which color?"}, conversation.Turn{From: conversation.GPT, Value: colour})
		complex = append(complex, conversation.Record{ObjectID: id, Type: Multi, Turns: more})
	}
	texts := filepath.Join(root, "train", "texts")
	must(t, os.MkdirAll(texts, 0o777))
	must(t, conversation.WriteFile(filepath.Join(texts, "conversations_brief.json"), brief))
	must(t, conversation.WriteFile(filepath.Join(texts, "conversations_complex.json"), complex))
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run trains and returns the metrics.
func run(t *testing.T, s Stage, c Config, o RunOptions) []train.Metrics {
	t.Helper()
	d := cpu.New(0)
	defer d.Close()
	must(t, Run(context.Background(), d, s, c, o))
	m, err := train.ReadMetrics(filepath.Join(c.OutputDir, train.MetricsName))
	must(t, err)
	return m
}

func losses(ms []train.Metrics) []float64 {
	var l []float64
	for _, m := range ms {
		l = append(l, m.Loss)
	}
	return l
}

// stage1Config is a short stage 1 on 7 objects, in batches of 2.
func stage1Config(t *testing.T, root string) Config {
	c := Defaults(Stage1)
	c.ModelPath, c.Root, c.OutputDir = modelDir, root, filepath.Join(t.TempDir(), "out")
	c.BatchSize, c.Epochs, c.SystemPrompt = 2, 2, new(string)
	return c
}

func TestStages(t *testing.T) {
	root := writeData(t, 7)
	c1 := stage1Config(t, root)
	m1 := run(t, Stage1, c1, RunOptions{})
	if len(m1) != 8 || m1[0].LR != 0 || m1[7].Epoch != 2 {
		t.Errorf("stage 1: %d steps, first learning rate %v, last epoch %v; want 8, 0, 2", len(m1), m1[0].LR, m1[7].Epoch)
	}
	c2 := Defaults(Stage2)
	c2.ModelPath, c2.Root, c2.OutputDir = c1.OutputDir, root, filepath.Join(t.TempDir(), "out")
	c2.BatchSize, c2.Epochs, c2.LearningRate, c2.Checkpoint = 2, 6, 5e-3, true
	c2.ConversationTypes = Names{Brief, Multi}
	m2 := run(t, Stage2, c2, RunOptions{})
	if first, last := m2[0].Loss, m2[len(m2)-1].Loss; !(last < first/2) {
		t.Errorf("stage 2: loss went from %v to %v, want it halved", first, last)
	}
	d := cpu.New(0)
	defer d.Close()
	m, err := spatialllana.Open(d, c2.OutputDir, spatialllana.OpenOptions{})
	must(t, err)
	defer m.Free()
	if m.SystemPrompt != "" || m.Projector == nil || m.Projector.Tokens != 12 {
		t.Errorf("final model: system prompt %q, projector %+v", m.SystemPrompt, m.Projector)
	}
	src, err := checkpoint.Open(filepath.Join(c1.OutputDir, spatialllana.ProjectorFile))
	must(t, err)
	defer src.Close()
	if n := len(src.Names()); n != 5 {
		t.Errorf("%s has %d tensors, want 5", spatialllana.ProjectorFile, n)
	}
}

func TestPooledTokens(t *testing.T) {
	c := stage1Config(t, writeData(t, 3))
	c.PoolTokens, c.ProjectorHidden = spatialllana.PoolMean, []int{16, 24}
	var log []string
	run(t, Stage1, c, RunOptions{Log: func(l string) { log = append(log, l) }})
	if !slices.Contains(log, "initialised: projector") {
		t.Errorf("log %q does not tell that the projector is new", log)
	}
	cfg, err := spatialllana.ReadConfig(c.OutputDir)
	must(t, err)
	if p := cfg.Projector; p.Pool != spatialllana.PoolMean || p.Tokens != 1 || !slices.Equal(p.Hidden, []int{16, 24}) {
		t.Errorf("saved projector %+v", p)
	}
	c2 := Defaults(Stage2)
	c2.ModelPath, c2.Root, c2.OutputDir, c2.MaxSteps = c.OutputDir, c.Root, filepath.Join(t.TempDir(), "out"), 1
	c2.ConversationTypes = Names{Brief}
	run(t, Stage2, c2, RunOptions{})
}

// A training that is interrupted and resumed has the losses of one that is not.
func TestResume(t *testing.T) {
	root := writeData(t, 7)
	for name, set := range map[string]func(c *Config){
		"accumulated": func(c *Config) { c.Accumulation = 2 },
		"shared prefixes": func(c *Config) {
			c.QuestionsPerObject, c.ConversationTypes = 3, Names{Brief, Multi}
		},
		"muon": func(c *Config) { c.Optimiser, c.MaxSteps = "muon", 4 },
	} {
		t.Run(name, func(t *testing.T) {
			c := stage1Config(t, root)
			c.FixLLM = false
			set(&c)
			checkResume(t, c)
		})
	}
}

func checkResume(t *testing.T, c Config) {
	want := losses(run(t, Stage2, c, RunOptions{}))

	c.OutputDir, c.SaveSteps, c.SaveTotalLimit = filepath.Join(t.TempDir(), "out"), 1, 2
	ctx, cancel := context.WithCancel(context.Background())
	d := cpu.New(0)
	defer d.Close()
	err := Run(ctx, d, Stage2, c, RunOptions{Progress: func(done, _ int, _ train.Metrics) {
		if done == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("error %v, want %v", err, train.ErrInterrupted)
	}
	if steps, _ := checkpoints(c.OutputDir); !slices.Equal(steps, []int{2, 3}) {
		t.Errorf("checkpoints of steps %v, want 2 and 3", steps)
	}
	if err := Run(context.Background(), d, Stage2, c, RunOptions{}); err == nil || !strings.Contains(err.Error(), "former training") {
		t.Errorf("starting over: error %v, want a refusal", err)
	}
	if got := losses(run(t, Stage2, c, RunOptions{Resume: true})); !slices.Equal(got, want) {
		t.Errorf("losses %v after resuming, want %v", got, want)
	}
	// Resuming a finished training does nothing.
	if got := losses(run(t, Stage2, c, RunOptions{Resume: true})); !slices.Equal(got, want) {
		t.Errorf("losses %v after resuming the finished training, want %v", got, want)
	}
}

func TestResumeWithOtherSettings(t *testing.T) {
	c := stage1Config(t, writeData(t, 4))
	c.SaveSteps = 1
	d := cpu.New(0)
	defer d.Close()
	ctx, cancel := context.WithCancel(context.Background())
	err := Run(ctx, d, Stage1, c, RunOptions{Progress: func(int, int, train.Metrics) { cancel() }})
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	c.BatchSize = 1
	if err := Run(context.Background(), d, Stage1, c, RunOptions{Resume: true}); err == nil || !strings.Contains(err.Error(), "other settings") {
		t.Errorf("error %v, want one about other settings", err)
	}
}

func TestText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "texts.jsonl")
	lines := strings.Repeat(`{"text": "a red chair is left of a blue table ."}`+"\n"+
		`{"conversations": [{"from": "human", "value": "What color?"}, {"from": "gpt", "value": "red"}]}`+"\n", 4)
	must(t, os.WriteFile(path, []byte(lines), 0o666))
	c := Defaults(Text)
	c.ModelPath, c.OutputDir, c.TrainFiles = modelDir, filepath.Join(t.TempDir(), "out"), Names{path}
	c.FromScratch, c.BatchSize, c.Epochs, c.LearningRate = true, 4, 40, 5e-3
	m := run(t, Text, c, RunOptions{})
	if first, last := m[0].Loss, m[len(m)-1].Loss; !(last < first/2) {
		t.Errorf("loss went from %v to %v, want it halved", first, last)
	}
}

func TestMissingTokens(t *testing.T) {
	root := writeData(t, 3)
	must(t, os.Remove(filepath.Join(root, "train", "vecs", "object1.npy")))
	d := cpu.New(0)
	defer d.Close()
	err := Run(context.Background(), d, Stage1, stage1Config(t, root), RunOptions{})
	if err == nil || !strings.Contains(err.Error(), "1 of 3 objects") || !strings.Contains(err.Error(), "object1.npy") {
		t.Errorf("error %v, want it to name the missing file", err)
	}
}
