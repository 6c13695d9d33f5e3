package spatialllana

import (
	"context"
	"math"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/models/conversation"
	"llana/models/golden"
	"llana/models/llama"
	"llana/tensor"
)

// A grouped batch must have the loss and the gradients of the same sequences
// written out.
func TestLossShared(t *testing.T) {
	f := golden.Open(t, "testdata")
	d := kernels.NewReference(tensor.F32)
	m := open(t, d)
	b, _ := goldenBatch(t, f)
	n := m.Projector.Tokens
	// Each prefix is <s> word <point_start> patches <point_end>.
	prefix := append([]int32{1, 300, 601}, make([]int32, n)...)
	for i := range n {
		prefix[3+i] = 600
	}
	prefix = append(prefix, 602)
	g := Group{Shared: llama.Shared{Groups: 2, Prefix: len(prefix), Rows: 3, Cols: 5}, Objects: b.Objects[:2]}
	whole := Batch{Rows: 6, Cols: len(prefix) + 5}
	var labels []int32
	for i := range 2 {
		g.PrefixIDs = append(g.PrefixIDs, prefix...)
		for r := range 3 {
			ids := []int32{13, int32(270 + 3*i + r), int32(290 + r), 310, 2}
			want := []int32{conversation.Ignore, conversation.Ignore, ids[2], ids[3], conversation.Ignore}
			g.IDs, g.Labels = append(g.IDs, ids...), append(g.Labels, want...)
			whole.IDs = append(append(whole.IDs, prefix...), ids...)
			whole.Objects = append(whole.Objects, b.Objects[i])
			for range prefix {
				labels = append(labels, conversation.Ignore)
			}
			labels = append(labels, want...)
		}
	}
	run := func(loss func(tape *autograd.Tape) (*autograd.Var, error)) (float32, map[string][]float32) {
		tape := autograd.New(d, autograd.Options{Record: true})
		defer tape.Release()
		l, err := loss(tape)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Params.All() {
			p.ZeroGrad()
		}
		tape.Backward(l.Keep())
		grads := map[string][]float32{}
		for _, p := range m.Params.All() {
			if p.HasGrad() {
				grads[p.Name], _ = p.Grad.ReadFloat32(context.Background())
			}
		}
		return read(t, l, nil)[0], grads
	}
	want, wantGrads := run(func(tape *autograd.Tape) (*autograd.Var, error) { return m.Loss(tape, whole, labels, Options{}) })
	got, gotGrads := run(func(tape *autograd.Tape) (*autograd.Var, error) { return m.LossShared(tape, g, Options{}) })
	if math.Abs(float64(got-want)) > 1e-5 {
		t.Errorf("loss %v, want %v", got, want)
	}
	if len(gotGrads) != len(wantGrads) {
		t.Errorf("%d gradients, want %d", len(gotGrads), len(wantGrads))
	}
	for name, w := range wantGrads {
		scale := 0.0
		for _, x := range w {
			scale = max(scale, math.Abs(float64(x)))
		}
		golden.Close(t, name, gotGrads[name], w, 1e-6+1e-4*scale, 0)
	}
}
