package textencoder

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/golden"
)

// goldenText is a line of mpnet_tokens.json and roberta_tokens.json.
type goldenText struct {
	Text  string   `json:"text"`
	Words []string `json:"words"`
	IDs   []int32  `json:"ids"`
}

func goldenTexts(t testing.TB, kind string) []goldenText {
	t.Helper()
	var texts []goldenText
	readTestJSON(t, kind+"_tokens.json", &texts)
	return texts
}

func readTestJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokens(t *testing.T) {
	for _, kind := range []string{MPNet, RoBERTa} {
		e, err := readFolder(os.DirFS("testdata/" + kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range goldenTexts(t, kind) {
			if got := e.Tokens(c.Text); !slices.Equal(got, c.IDs) {
				t.Errorf("%s: %q has ids %v, want %v", kind, c.Text, got, c.IDs)
			}
			if w, ok := e.tok.(*wordPiece); ok {
				if got := w.words(c.Text); !slices.Equal(got, c.Words) {
					t.Errorf("%q has words %q, want %q", c.Text, got, c.Words)
				}
			}
		}
	}
}

func TestBuckets(t *testing.T) {
	g := golden.Open(t, "testdata")
	shape := g.Shape(t, "mpnet_buckets")
	for i, want := range g.Ints(t, "mpnet_buckets") {
		q, k := i/shape[1], i%shape[1]
		if got := relativeBucket(q-k, 32); got != want {
			t.Errorf("query %d, key %d: bucket %d, want %d", q, k, got, want)
		}
	}
}

// Hidden states and vectors are those of PyTorch, from both formats of the
// weights, of which pytorch_model.bin has RoBERTa's prefix.
func TestHidden(t *testing.T) {
	g := golden.Open(t, "testdata")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, kind := range []string{MPNet, RoBERTa} {
			e, err := Open(d, "testdata/"+kind)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Free()
			b := newBatch(goldenIDs(t, kind))
			if got := g.Ints(t, kind+"_input_ids"); !slices.Equal(got, b.ids) {
				t.Fatalf("%s: ids %v, want %v", kind, b.ids, got)
			}
			tape := autograd.Inference(d)
			defer tape.Release()
			h, err := e.model.hidden(tape, b).Value().ReadFloat32(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for i := range h { // of padding, they mean nothing
				if token := i / e.HiddenSize; token%b.tokens >= int(b.lengths[token/b.tokens]) {
					h[i] = 0
				}
			}
			g.Check(t, kind+"_hidden", h)
		}
	})
}

func goldenIDs(t testing.TB, kind string) [][]int32 {
	var ids [][]int32
	for _, c := range goldenTexts(t, kind) {
		ids = append(ids, c.IDs)
	}
	return ids
}

func TestEmbed(t *testing.T) {
	g := golden.Open(t, "testdata")
	var pairs []struct {
		A, B   int
		SBERT  float64 `json:"sbert_x100"`
		SimCSE float64 `json:"simcse_x100"`
	}
	readTestJSON(t, "pairs.json", &pairs)
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, kind := range []string{MPNet, RoBERTa} {
			e, err := Open(d, "testdata/"+kind)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Free()
			var texts []string
			for _, c := range goldenTexts(t, kind) {
				texts = append(texts, c.Text)
			}
			v, err := e.Embed(context.Background(), texts, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.Check(t, map[string]string{MPNet: "mpnet_embedding", RoBERTa: "roberta_pooled"}[kind], slices.Concat(v...))
			var cos []float32
			for _, a := range v {
				for _, b := range v {
					cos = append(cos, float32(Cosine(a, b)))
				}
			}
			g.Check(t, kind+"_cos", cos)
			var left, right []string
			var want []float32
			for _, p := range pairs {
				left, right = append(left, texts[p.A]), append(right, texts[p.B])
				want = append(want, float32(map[string]float64{MPNet: p.SBERT, RoBERTa: p.SimCSE}[kind]/100))
			}
			got, err := e.Similarities(context.Background(), left, right, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden.Close(t, "similarities of pairs", floats32(got), want, 2e-5, 0)
		}
	})
}

func floats32(x []float64) []float32 {
	var out []float32
	for _, v := range x {
		out = append(out, float32(v))
	}
	return out
}

// The distances at which PyTorch's float32 logarithm enters a new bucket.
func TestBucketBounds(t *testing.T) {
	bounds := []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91}
	want := int32(0)
	for n := range 600 {
		if slices.Contains(bounds, n) {
			want++
		}
		if got := relativeBucket(n, 32); got != want {
			t.Errorf("distance %d is in bucket %d, want %d", n, got, want)
		}
		if got := relativeBucket(-n, 32); n > 0 && got != want+16 {
			t.Errorf("distance %d is in bucket %d, want %d", -n, got, want+16)
		}
	}
}
