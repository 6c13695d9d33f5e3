package spatialllana

import (
	"math"
	"slices"
	"strings"
	"testing"

	"llana/autograd"
	"llana/models/checkpoint"
	"llana/models/golden"
)

func TestBatchFaults(t *testing.T) {
	f := golden.Open(t, "testdata")
	m := open(t, reference())
	for _, c := range []struct {
		name   string
		change func(b *Batch)
		want   string
	}{
		{"ids missing", func(b *Batch) { b.IDs = b.IDs[1:] }, "ids"},
		{"objects missing", func(b *Batch) { b.Objects = b.Objects[:1] }, "objects"},
		{"no object", func(b *Batch) { b.Objects[1] = nil }, "row 1: it has <point_patch>"},
		{"id outside", func(b *Batch) { b.IDs[b.Cols+2] = 603 }, "row 1: id 603 at position 2"},
		{"negative id", func(b *Batch) { b.IDs[0] = -1 }, "id -1"},
		{"fewer tokens", func(b *Batch) { b.Objects[0] = &Object{11, 28, make([]float32, 11*28)} }, "no <point_end> 12 positions behind"},
		{"other width", func(b *Batch) { b.Objects[0] = &Object{12, 27, make([]float32, 12*27)} }, "width 28"},
		{"cut off", func(b *Batch) {
			at := slices.Index(b.IDs, 602)
			*b = Batch{Rows: 1, Cols: at, IDs: b.IDs[:at], Objects: b.Objects[:1]}
		}, "no <point_end>"},
	} {
		b, _ := goldenBatch(t, f)
		c.change(&b)
		tape := autograd.Inference(m.Device())
		if _, err := m.Embed(tape, b, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		tape.Release()
	}
}

// An object may be shown in several turns, and rows may show none.
func TestObjectShownTwice(t *testing.T) {
	m := open(t, reference())
	obj := &Object{2, 28, make([]float32, 2*28)}
	for i := range obj.Data {
		obj.Data[i] = float32(i) / 50
	}
	b := Batch{Rows: 2, Cols: 9, Objects: []*Object{nil, obj},
		IDs: []int32{1, 5, 6, 7, 8, 9, 10, 11, 12, 1, 601, 600, 600, 602, 601, 600, 600, 602}}
	tape := autograd.Inference(m.Device())
	defer tape.Release()
	x, err := m.Embed(tape, b, Options{})
	must(t, err)
	v := read(t, x, nil)
	row := func(i int) []float32 { return v[(9+i)*48:][:48] }
	p := read(t, m.project.forward(tape.Float32(obj.Data, 2, 28)), nil)
	for i, want := range map[int][]float32{2: p[:48], 3: p[48:], 6: p[:48], 7: p[48:]} {
		if !slices.Equal(row(i), want) {
			t.Errorf("position %d is not the object's token", i)
		}
	}
	table := values(t, m)["model.embed_tokens.weight"]
	if !slices.Equal(row(8), table[602*48:603*48]) || !slices.Equal(v[48:96], table[5*48:6*48]) {
		t.Error("a word has not its embedding")
	}
}

func TestObjects(t *testing.T) {
	ones := func(shape ...int) *checkpoint.Tensor {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i)
		}
		return checkpoint.FromFloat32("x", shape, v)
	}
	p := Projector{Width: 4, Tokens: 3}
	for _, c := range []struct {
		p     Projector
		shape []int
		want  string
	}{
		{p, []int{3, 4}, ""}, {p, []int{2, 4}, "want 3 object tokens"}, {p, []int{3, 5}, "width 4"}, {p, []int{1, 3, 4}, "want object tokens"},
		{p, []int{4}, "want 3 object tokens"}, {Projector{Width: 4}, []int{4}, ""}, {Projector{Width: 4}, []int{9, 4}, ""},
		{p, []int{0, 4}, "want object tokens"}, {p, nil, "want object tokens"},
	} {
		_, err := c.p.Object(ones(c.shape...))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v, shape %v: error %v, want %q", c.p, c.shape, err, c.want)
		}
	}
	o, err := Projector{Width: 2, Tokens: 1, Pool: PoolMean}.Object(ones(3, 2))
	if err != nil || o.Tokens != 1 || math.Abs(float64(o.Data[0]-2)) > 1e-6 || math.Abs(float64(o.Data[1]-3)) > 1e-6 {
		t.Errorf("mean of 3 tokens is %+v (error %v), want 2 and 3", o, err)
	}
}

func TestObjectPath(t *testing.T) {
	if p, err := ObjectPath("vecs", "batch_1/abc"); err != nil || !strings.HasSuffix(p, "abc.npy") {
		t.Errorf("path %q, error %v", p, err)
	}
	for _, id := range []string{"../secret", "/etc/passwd", "a/../../b"} {
		if p, err := ObjectPath("vecs", id); err == nil {
			t.Errorf("object id %q gives the path %q, want an error", id, p)
		}
	}
}
