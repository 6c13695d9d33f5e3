package language

import (
	"errors"
	"math/rand/v2"

	"llana/models/conversation"
	"llana/models/llama"
	"llana/models/spatialllana"
)

// byObject lists the samples of each object, in the order of the files.
func (d *dataset) byObject() ([][]int, error) {
	index := map[string]int{}
	var objects [][]int
	for i, s := range d.samples {
		if s.plain || !s.record.HasPoint() {
			return nil, errors.New("questions_per_object wants records about objects only")
		}
		id := s.record.ObjectID
		n, ok := index[id]
		if !ok {
			n = len(objects)
			index[id] = n
			objects = append(objects, nil)
		}
		objects[n] = append(objects[n], i)
	}
	return objects, nil
}

// drawSamples returns n of an object's samples: all different while there are
// enough, and each as often as another otherwise.
func drawSamples(r *rand.Rand, samples []int, n int) []int {
	out := make([]int, 0, n)
	for len(out) < n {
		for _, i := range r.Perm(len(samples)) {
			if len(out) < n {
				out = append(out, samples[i])
			}
		}
	}
	return out
}

// group encodes the samples of several objects, as many of each, into a batch
// that computes what they have in common once.
func (e *encoder) group(objects [][]int) (*spatialllana.Group, int, error) {
	g := &spatialllana.Group{Shared: llama.Shared{Groups: len(objects), Rows: len(objects[0])}}
	var examples []conversation.Example
	for _, samples := range objects {
		for i, n := range samples {
			ex, obj, err := e.example(&e.data.samples[n])
			if err != nil {
				return nil, 0, err
			}
			if i == 0 {
				g.Objects = append(g.Objects, obj)
			}
			examples = append(examples, ex)
		}
	}
	g.Prefix = commonPrefix(examples)
	var rest []conversation.Example
	tokens := g.Split()
	for i, ex := range examples {
		if i%g.Rows == 0 {
			g.PrefixIDs = append(g.PrefixIDs, ex.IDs[:g.Prefix]...)
		}
		tail := conversation.Example{IDs: ex.IDs[g.Prefix:], Labels: ex.Labels[g.Prefix:]}
		rest = append(rest, tail)
		tokens += len(tail.IDs)
	}
	b := conversation.Collate(rest, e.m.Tokenizer.PadID())
	g.Cols, g.IDs, g.Labels = b.Cols, b.IDs, b.Labels
	return g, tokens, nil
}

// commonPrefix returns how many ids all examples begin with in common, but for
// the one before the first label, which has to stay with it.
func commonPrefix(examples []conversation.Example) int {
	n := len(examples[0].IDs)
	for _, ex := range examples {
		n = min(n, len(ex.IDs)-1)
		for i := range n {
			if ex.IDs[i] != examples[0].IDs[i] || i+1 < len(ex.Labels) && ex.Labels[i+1] != conversation.Ignore {
				n = i
				break
			}
		}
	}
	return n
}
