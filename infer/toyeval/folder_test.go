package toyeval

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"llana/kernels/cpu"
	"llana/models/spatialllana"
	"llana/train/toyworld"
)

// TestFolder scores a model folder on a toy world's validation or test split:
// LLANA_TOY_MODEL, LLANA_TOY_DATA and LLANA_TOY_SPLIT (val or test) say which.
func TestFolder(t *testing.T) {
	dir, data := os.Getenv("LLANA_TOY_MODEL"), os.Getenv("LLANA_TOY_DATA")
	if dir == "" || data == "" {
		t.Skip("LLANA_TOY_MODEL and LLANA_TOY_DATA are not set")
	}
	split := toyworld.Val
	if os.Getenv("LLANA_TOY_SPLIT") == "test" {
		split = toyworld.Test
	}
	d := cpu.New(1)
	defer d.Close()
	m, err := spatialllana.Open(d, dir, spatialllana.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var indices []int
	var objects []*spatialllana.Object
	for i := range 128 {
		o, err := m.Projector.ReadObject(filepath.Join(data, split.Folder(), "vecs", split.ObjectID(i)+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		indices, objects = append(indices, i), append(objects, o)
	}
	scenes, err := Run(context.Background(), m, indices, objects, Options{Seed: 1, Split: split, Questions: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", Sum(scenes))
	t.Logf("%+v", ByKind(scenes))
	for _, s := range scenes[:8] {
		t.Logf("%v\n  caption %q", s.Objects, s.Caption)
		for _, q := range s.Questions {
			t.Logf("  %q\n     given %q\n     truth %q", q.Question, q.Given, q.Answer)
		}
	}
}
