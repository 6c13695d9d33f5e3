package textencoder

import (
	"context"
	"fmt"
	"math"
	"slices"

	"llana/autograd"
)

// Tokens returns the ids of a text between <s> and </s>, cut to the encoder's
// length.
func (e *Encoder) Tokens(text string) []int32 {
	ids := e.tok.encode(text)
	ids = ids[:min(len(ids), e.most-2)]
	return append(append([]int32{startID}, ids...), endID)
}

// The most that is computed at once: texts, and tokens with their padding.
const (
	batchTexts  = 32
	batchTokens = 2048
)

// Embed returns the vector of each text, of HiddenSize elements: of length 1
// from MPNet, as the pooler gives it from RoBERTa. Texts of similar length are
// computed together; a text's vector does not depend on the others but for
// rounding. progress, which may be nil, is told what share of the work is done,
// up to 1.
func (e *Encoder) Embed(ctx context.Context, texts []string, progress func(share float64)) ([][]float32, error) {
	ids := make([][]int32, len(texts))
	order := make([]int, len(texts))
	tokens, finished := 0, 0 // work, in tokens: the longest texts come first
	for i, text := range texts {
		ids[i], order[i] = e.Tokens(text), i
		tokens += len(ids[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(ids[b]) - len(ids[a]) })
	out := make([][]float32, len(texts))
	for done := 0; done < len(order); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(len(order)-done, batchTexts, max(1, batchTokens/len(ids[order[done]])))
		if err := e.embedBatch(ctx, ids, order[done:done+n], out); err != nil {
			return nil, err
		}
		for _, i := range order[done : done+n] {
			finished += len(ids[i])
		}
		done += n
		if progress != nil {
			progress(float64(finished) / float64(tokens))
		}
	}
	return out, nil
}

// embedBatch sets the vectors of the texts of the given numbers.
func (e *Encoder) embedBatch(ctx context.Context, ids [][]int32, numbers []int, out [][]float32) error {
	var rows [][]int32
	for _, i := range numbers {
		rows = append(rows, ids[i])
	}
	t := autograd.Inference(e.Params.Device())
	defer t.Release()
	v, err := e.model.embed(t, newBatch(rows)).ReadFloat32(ctx)
	if err != nil {
		return err
	}
	for k, i := range numbers {
		out[i] = v[k*e.HiddenSize : (k+1)*e.HiddenSize]
		if e.Kind == MPNet {
			normalize(out[i])
		}
	}
	return nil
}

// normalize scales a vector to length 1.
func normalize(v []float32) {
	if n := math.Sqrt(dot(v, v)); n > 0 {
		for i := range v {
			v[i] = float32(float64(v[i]) / n)
		}
	}
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// Cosine returns the cosine of the angle between two vectors.
func Cosine(a, b []float32) float64 { return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)) }

// Similarities returns the cosine of each pair of texts a[i], b[i]. A text
// that occurs several times is encoded once. progress, which may be nil, is
// told how many pairs are done, as far as they can be counted.
func (e *Encoder) Similarities(ctx context.Context, a, b []string, progress func(done int)) ([]float64, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("expected pairs of texts, found %d and %d", len(a), len(b))
	}
	number := map[string]int{}
	var texts []string
	for _, list := range [][]string{a, b} {
		for _, s := range list {
			if _, ok := number[s]; !ok {
				number[s] = len(texts)
				texts = append(texts, s)
			}
		}
	}
	v, err := e.Embed(ctx, texts, func(share float64) {
		if progress != nil {
			progress(int(share * float64(len(a))))
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(a))
	for i := range out {
		out[i] = Cosine(v[number[a[i]]], v[number[b[i]]])
	}
	return out, nil
}
