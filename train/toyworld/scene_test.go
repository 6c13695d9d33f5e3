package toyworld

import (
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestScenesObeyTheRules(t *testing.T) {
	var counts [MaxObjects + 1]int
	shapes, colours, sizes := map[string]int{}, map[string]int{}, map[string]int{}
	const n = 3000
	objects := 0
	for i := range n {
		s := SceneAt(1, Train, i)
		counts[len(s.Objects)]++
		objects += len(s.Objects)
		for k, o := range s.Objects {
			shapes[o.Shape]++
			colours[o.Colour]++
			sizes[o.Size]++
			for axis, h := range o.HalfExtent() {
				if math.Abs(o.Centre[axis])+h > Half-margin+1e-4 {
					t.Fatalf("scene %d: %+v leaves the box", i, o)
				}
			}
			for _, p := range s.Objects[:k] {
				if p.Colour == o.Colour || !o.clearOf(&p) {
					t.Fatalf("scene %d: %+v and %+v are too alike or too close", i, o, p)
				}
			}
		}
	}
	even := func(what string, got map[string]int, choices int) {
		for name, c := range got {
			if share := float64(c) / float64(objects) * float64(choices); share < 0.85 || share > 1.15 {
				t.Errorf("%s %s: %d of %d", what, name, c, objects)
			}
		}
		if len(got) != choices {
			t.Errorf("%d of %d values of %s occur", len(got), choices, what)
		}
	}
	even("shape", shapes, len(Shapes))
	even("colour", colours, len(Colours))
	even("size", sizes, len(Sizes))
	for k := 1; k <= MaxObjects; k++ {
		if counts[k] < n/4 || counts[k] > n*5/12 {
			t.Errorf("%d of %d scenes have %d objects", counts[k], n, k)
		}
	}
}

// A scene is decided by its seed, split and number. These values must not
// change: models are trained and scored on them.
var wantTest0 = Scene{[]Object{
	{Shape: "cone", Colour: "green", Size: "large", Radius: 0.32, Centre: [3]float64{-0.1043, 0.2815, 0.067}},
}}

func TestScenesStay(t *testing.T) {
	if got := SceneAt(1, Test, 0); !reflect.DeepEqual(got, wantTest0) {
		t.Errorf("scene 0 of the test split is %#v", got)
	}
	a := SceneAt(1, Train, 7)
	for _, other := range []Scene{SceneAt(2, Train, 7), SceneAt(1, Val, 7), SceneAt(1, Train, 8)} {
		if reflect.DeepEqual(a, other) {
			t.Error("scenes of different keys are the same")
		}
	}
}

func TestDistance(t *testing.T) {
	sphere := Object{Shape: "sphere", Radius: 0.2, Centre: [3]float64{0.1, 0, 0}}
	box := Object{Shape: "box", Radius: 0.2}
	cone := Object{Shape: "cone", Radius: 0.2}
	for _, c := range []struct {
		o    Object
		p    [3]float32
		want float64
	}{
		{sphere, [3]float32{0.1, 0, 0}, -0.2},
		{sphere, [3]float32{0.1, 0.5, 0}, 0.3},
		{box, [3]float32{0, 0, 0.1}, 0},
		{box, [3]float32{0.19, 0.19, 0}, 0},
		{box, [3]float32{0, 0.29, 0}, 0.1},
		{cone, [3]float32{0, 0, 0.22}, 0},
		{cone, [3]float32{0.095, 0, 0}, 0},
		{cone, [3]float32{0, 0, -0.32}, 0.1},
	} {
		if got := c.o.Distance(c.p); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s at %v: distance %g, want %g", c.o.Shape, c.p, got, c.want)
		}
	}
}

// A solid's bounding box is where its distance says it is.
func TestHalfExtentFitsDistance(t *testing.T) {
	for _, shape := range Shapes {
		o := Object{Shape: shape, Radius: 0.3}
		var reach [3]float64
		const n = 60
		for i := range n * n * n {
			var p [3]float32
			for axis, k := range [3]int{i / (n * n), i / n % n, i % n} {
				p[axis] = (float32(k)+0.5)/n - 0.5
			}
			if o.Distance(p) < 0 {
				for axis := range reach {
					reach[axis] = max(reach[axis], math.Abs(float64(p[axis])))
				}
			}
		}
		for axis, h := range o.HalfExtent() {
			if reach[axis] > h || reach[axis] < h-0.03 {
				t.Errorf("%s reaches %g along axis %d, its bounding box %g", shape, reach[axis], axis, h)
			}
		}
	}
}

func TestSceneAt(t *testing.T) {
	d, rgb := twoObjects.At([3]float32{-0.2, 0, 0.3})
	if math.Abs(float64(d)+0.32) > 1e-6 || rgb != rgbs[0] {
		t.Errorf("in the middle of the red sphere: distance %g, colour %v", d, rgb)
	}
	if _, rgb = twoObjects.At([3]float32{0.3, 0.6, -0.5}); rgb != rgbs[2] {
		t.Errorf("near the blue box the colour is %v", rgb)
	}
}

func TestCompare(t *testing.T) {
	blue, red := &twoObjects.Objects[0], &twoObjects.Objects[1]
	for by, want := range map[Axis]int{LeftRight: 1, FrontBehind: 0, BelowAbove: -1, SmallerLarger: -1} {
		if got := Compare(blue, red, by); got != want {
			t.Errorf("axis %d: %d, want %d", by, got, want)
		}
		if got := Compare(red, blue, by); got != -want {
			t.Errorf("axis %d the other way: %d, want %d", by, got, -want)
		}
	}
	want := []Pair{{0, 1, LeftRight}, {1, 0, LeftRight}, {0, 1, BelowAbove}, {1, 0, BelowAbove}, {0, 1, SmallerLarger}, {1, 0, SmallerLarger}}
	if got := twoObjects.Pairs(); !slices.Equal(got, want) {
		t.Errorf("pairs %v, want %v", got, want)
	}
}

func TestSceneFile(t *testing.T) {
	dir := t.TempDir()
	if err := twoObjects.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := ReadScene(dir)
	if err != nil || !reflect.DeepEqual(got, twoObjects) {
		t.Errorf("read %+v, %v", got, err)
	}
	for _, bad := range []string{``, `{}`, `{"objects":[]}`, `[1]`, `{"objects":[{"shape":"cube","colour":"red","size":"small","radius":0.2}]}`,
		`{"objects":[{"shape":"box","colour":"red","size":"small","radius":-1}]}`} {
		if _, err := ParseScene([]byte(bad)); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}

func FuzzParseScene(f *testing.F) {
	f.Add([]byte(`{"objects":[{"shape":"box","colour":"red","size":"small","radius":0.24,"centre":[0,0.1,-0.2]}]}`))
	f.Add([]byte(`{"objects":[{"shape":"cone","centre":[1e999]}]}`))
	f.Add([]byte(`{"objects":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseScene(b)
		if err != nil {
			return
		}
		s.At([3]float32{0.1, 0.2, 0.3})
		s.Pairs()
		if s.ScoreCaption(s.caption()).Objects != len(s.Objects) {
			t.Error("the score counts other objects")
		}
	})
}
