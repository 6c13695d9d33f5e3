package infer

import (
	"context"
	"slices"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// mixed is a batch of prompts of different lengths: about shared objects, about
// one of their own, and about none.
func mixed(t *testing.T, m *spatialllana.Model) (prompts [][]int32, objects []*spatialllana.Object) {
	a, b, c := object(t, 0), object(t, 1), object(t, 2)
	for _, q := range []struct {
		object   *spatialllana.Object
		question string
	}{
		{a, question}, {b, "What is it?"}, {nil, "Who?"}, {a, "Is it red, or is it of another colour?"}, {c, "Where?"},
		{b, "What is it good for?"}, {nil, "Tell me a long story about a chair and a table."}, {a, question},
	} {
		ids, err := session(t, m, q.object).ids(turns(q.question))
		if err != nil {
			t.Fatal(err)
		}
		prompts, objects = append(prompts, ids), append(objects, q.object)
	}
	return prompts, objects
}

// alone answers a prompt in a session of its own.
func alone(t *testing.T, m *spatialllana.Model, prompt []int32, o *spatialllana.Object, options Options) Answer {
	t.Helper()
	a, err := session(t, m, o).Generate(context.Background(), prompt, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sameAnswer(t *testing.T, what string, got, want Answer) {
	t.Helper()
	if got.Text != want.Text || !slices.Equal(got.TokenIDs, want.TokenIDs) || got.Ended != want.Ended || got.Stop != want.Stop {
		t.Errorf("%s: %v %q %v %q, want %v %q %v %q", what, got.TokenIDs, got.Text, got.Ended, got.Stop, want.TokenIDs, want.Text, want.Ended, want.Stop)
	}
}

// A batch answers as one session for each prompt does.
func TestGenerateBatch(t *testing.T) {
	eachDevice(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		m.EOS = llama.TokenIDs{289, 2} // the first ends the first answer after 10 tokens
		prompts, objects := mixed(t, m)
		for _, o := range []Options{{MaxNewTokens: 15}, {MaxNewTokens: 12, Chunk: 48, Sampling: Sampling{RepetitionPenalty: 1.2}},
			{MaxNewTokens: 5, CacheType: tensor.F16}} {
			before := d.Stats().Live
			got, err := GenerateBatch(context.Background(), m, prompts, objects, o)
			if err != nil {
				t.Fatal(err)
			}
			if after := d.Stats().Live; after != before {
				t.Errorf("%d bytes in use, %d before", after, before)
			}
			for i, p := range prompts {
				sameAnswer(t, "a prompt of the batch", got[i], alone(t, m, p, objects[i], o))
			}
			if o.MaxNewTokens == 15 && (!got[0].Ended || len(got[0].TokenIDs) != 10) {
				t.Errorf("%d tokens, ended %v; want 10 and an end", len(got[0].TokenIDs), got[0].Ended)
			}
		}
	})
}

// A sampled answer follows from its prompt and its seed alone.
func TestBatchSeeds(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	prompts, objects := mixed(t, m)
	o := Options{MaxNewTokens: 10, Sampling: Sampling{Temperature: 1.2, TopK: 40, TopP: 0.95, Seed: 9}}
	got, err := GenerateBatch(context.Background(), m, prompts, objects, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range prompts {
		sameAnswer(t, "one seed", got[i], alone(t, m, p, objects[i], o))
	}
	o.Seeds = []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	if got, err = GenerateBatch(context.Background(), m, prompts, objects, o); err != nil {
		t.Fatal(err)
	}
	for i, p := range prompts {
		own := o
		own.Seed = o.Seeds[i]
		sameAnswer(t, "own seeds", got[i], alone(t, m, p, objects[i], own))
	}
	if slices.Equal(got[0].TokenIDs, got[7].TokenIDs) {
		t.Error("two seeds give one prompt the same answer")
	}
}

// Prompts are grouped so that what they have in common is read once.
func TestPlanBatches(t *testing.T) {
	a, b := &spatialllana.Object{Tokens: 100}, &spatialllana.Object{Tokens: 100}
	prompt := func(o *spatialllana.Object, tail ...int32) *row {
		r := &row{object: o, ids: []int32{1, 5, 6}}
		if o != nil {
			r.ids = longPrompt(o, 3, 0)
			r.shown = len(r.ids) - 1
		}
		r.ids = append(r.ids, tail...)
		return r
	}
	rows := []*row{prompt(a, 7, 8), prompt(nil, 4), prompt(b, 7, 9, 9), prompt(a, 7, 9), prompt(b, 7), prompt(nil, 4, 5)}
	parts := planBatches(rows, 512)
	if len(parts) != 2 {
		t.Fatalf("%d parts, want 2", len(parts))
	}
	text, about := parts[0], parts[1]
	if len(text.rows) != 2 || text.prefix != 0 || text.tokens() != 2*5 {
		t.Errorf("text: %d rows, %d shared, %d tokens to read", len(text.rows), text.prefix, text.tokens())
	}
	if !slices.Equal(about.groups, []int{2, 2}) || about.rows[0].object != about.rows[1].object || about.rows[2].object != about.rows[3].object {
		t.Errorf("groups %v", about.groups)
	}
	// <s>, two words, the object in its marks; the last of the shortest prompt is never shared.
	if about.prefix != 3+102 || about.together != 4 || about.tokens() != 2*105+4*3 {
		t.Errorf("%d shared, %d groups together, %d tokens to read", about.prefix, about.together, about.tokens())
	}
	// Nothing can follow an object that the prompt ends with.
	if p := planBatches([]*row{prompt(a), prompt(a)}, 512)[0]; p.prefix != 0 {
		t.Errorf("%d shared of prompts that end with the object, want 0", p.prefix)
	}
}

func TestGenerateBatchFaults(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	for _, c := range []struct {
		prompts [][]int32
		objects []*spatialllana.Object
		o       Options
		want    string
	}{
		{[][]int32{{1}}, nil, Options{}, "1 prompts with 0 objects"},
		{[][]int32{{1}, {}}, make([]*spatialllana.Object, 2), Options{}, "prompt 1: it is empty"},
		{[][]int32{{1}, {1, 603}}, make([]*spatialllana.Object, 2), Options{}, "prompt 1: row 0: id 603"},
		{[][]int32{{1}, {1, 600}}, make([]*spatialllana.Object, 2), Options{}, "no object"},
		{[][]int32{{1, 5, 6}}, make([]*spatialllana.Object, 1), Options{Context: 3}, "prompt 0: a prompt of 3 tokens"},
		{[][]int32{{1}}, make([]*spatialllana.Object, 1), Options{Seeds: []uint64{1, 2}}, "2 seeds"},
		{[][]int32{{1}}, make([]*spatialllana.Object, 1), Options{CacheType: tensor.Q8}, "stored as int8"},
		{[][]int32{{1}}, make([]*spatialllana.Object, 1), Options{Sampling: Sampling{TopK: -1}}, "top-k"},
	} {
		if _, err := GenerateBatch(context.Background(), m, c.prompts, c.objects, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	if got, err := GenerateBatch(context.Background(), m, nil, nil, Options{}); err != nil || len(got) != 0 {
		t.Errorf("no prompts: %v, %v", got, err)
	}
}
