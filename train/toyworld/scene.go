package toyworld

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"llana/models/checkpoint/atomicfile"
)

// Half is half the edge of the world's box.
const Half = 0.7

// Shapes, colours and sizes of solids, by name.
var (
	Shapes  = []string{"sphere", "box", "cone"}
	Colours = []string{"red", "green", "blue", "yellow", "purple", "white"}
	Sizes   = []string{"small", "large"}
)

// MaxObjects is the largest number of solids in a scene.
const MaxObjects = 3

var (
	rgbs  = [][3]float32{{0.9, 0.1, 0.1}, {0.1, 0.75, 0.15}, {0.1, 0.2, 0.95}, {0.95, 0.9, 0.1}, {0.65, 0.1, 0.8}, {0.95, 0.95, 0.95}}
	radii = []float64{0.24, 0.32}
	// Half extents of a solid of radius 1 along x, y and z: boxes are flat,
	// cones tall.
	extents = [][3]float64{{1, 1, 1}, {0.95, 0.95, 0.5}, {0.95, 0.95, 1.1}}
)

const (
	margin = 0.01 // between solids and the box
	gap    = 0.03 // between the bounding boxes of two solids
	tries  = 64   // draws of places before another composition is drawn
)

// Object is a coloured solid.
type Object struct {
	Shape  string     `json:"shape"`
	Colour string     `json:"colour"`
	Size   string     `json:"size"`
	Radius float64    `json:"radius"`
	Centre [3]float64 `json:"centre"`
}

// Scene is one to three solids that differ in colour and do not touch.
type Scene struct {
	Objects []Object `json:"objects"`
}

// SceneAt returns scene number index of a split. Splits are independent
// sequences of scenes.
func SceneAt(seed uint64, s Split, index int) Scene {
	return drawScene(newRandom(seed, streamScene, uint64(s), uint64(index)))
}

func drawScene(r *random) Scene {
	n := 1 + r.intN(MaxObjects)
	for {
		objects := drawObjects(r, n)
		for range tries {
			for i := range objects {
				objects[i].place(r)
			}
			if apart(objects) {
				return Scene{objects}
			}
		}
	}
}

// drawObjects draws everything but the places.
func drawObjects(r *random, n int) []Object {
	colours := r.perm(len(Colours))
	objects := make([]Object, n)
	for i := range objects {
		size := r.intN(len(Sizes))
		objects[i] = Object{Shape: pick(r, Shapes), Colour: Colours[colours[i]], Size: Sizes[size], Radius: radii[size]}
	}
	return objects
}

// place draws a centre for which the solid is inside the box, on a grid of
// 0.0001 so that the file holds it exactly.
func (o *Object) place(r *random) {
	for k, h := range o.HalfExtent() {
		c := r.uniform(-1, 1) * (Half - margin - h)
		o.Centre[k] = math.Round(c*1e4) / 1e4
	}
}

// HalfExtent returns half the edges of the solid's bounding box.
func (o *Object) HalfExtent() [3]float64 {
	h := extents[slices.Index(Shapes, o.Shape)]
	for k := range h {
		h[k] *= o.Radius
	}
	return h
}

// apart reports whether the bounding boxes of any two objects leave a gap on
// some axis.
func apart(objects []Object) bool {
	for i := range objects {
		for j := range i {
			if !objects[i].clearOf(&objects[j]) {
				return false
			}
		}
	}
	return true
}

func (o *Object) clearOf(p *Object) bool {
	a, b := o.HalfExtent(), p.HalfExtent()
	for k := range 3 {
		if math.Abs(o.Centre[k]-p.Centre[k]) > a[k]+b[k]+gap {
			return true
		}
	}
	return false
}

// Distance returns how far p is outside the solid; it is negative inside. Near
// the surface it is close to the true distance; its zeros are exact.
func (o *Object) Distance(p [3]float32) float64 {
	var q [3]float64
	for k := range q {
		q[k] = (float64(p[k]) - o.Centre[k]) / o.Radius
	}
	var d float64
	switch o.Shape {
	case "sphere":
		d = math.Sqrt(q[0]*q[0]+q[1]*q[1]+q[2]*q[2]) - 1
	case "box":
		e := extents[1]
		d = max(math.Abs(q[0])-e[0], math.Abs(q[1])-e[1], math.Abs(q[2])-e[2])
	case "cone": // its apex is on top
		e := extents[2]
		slope := e[0] / (2 * e[2])
		side := math.Sqrt(q[0]*q[0]+q[1]*q[1]) - (e[2]-q[2])*slope
		d = max(side/math.Sqrt(1+slope*slope), -e[2]-q[2])
	}
	return d * o.Radius
}

// RGB returns the solid's colour.
func (o *Object) RGB() [3]float32 { return rgbs[slices.Index(Colours, o.Colour)] }

// At returns the signed distance of the nearest solid at p, and its colour.
func (s Scene) At(p [3]float32) (distance float32, rgb [3]float32) {
	best := math.Inf(1)
	for i := range s.Objects {
		if d := s.Objects[i].Distance(p); d < best {
			best, rgb = d, s.Objects[i].RGB()
		}
	}
	return float32(best), rgb
}

// SceneName is the name of the file that describes a scene, beside its NeRF.
const SceneName = "scene.json"

// Write writes the scene's description.
func (s Scene) Write(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, SceneName), append(b, '\n'))
}

// ReadScene reads and checks a scene's description from its folder.
func ReadScene(dir string) (Scene, error) {
	path := filepath.Join(dir, SceneName)
	b, err := os.ReadFile(path)
	if err != nil {
		return Scene{}, err
	}
	s, err := ParseScene(b)
	if err != nil {
		return Scene{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ParseScene parses and checks a scene's description.
func ParseScene(b []byte) (Scene, error) {
	var s Scene
	if err := json.Unmarshal(b, &s); err != nil {
		return Scene{}, err
	}
	if n := len(s.Objects); n < 1 || n > MaxObjects {
		return Scene{}, fmt.Errorf("%d objects, want 1 to %d", n, MaxObjects)
	}
	for i, o := range s.Objects {
		for _, f := range []struct {
			name, value string
			known       []string
		}{{"shape", o.Shape, Shapes}, {"colour", o.Colour, Colours}, {"size", o.Size, Sizes}} {
			if !slices.Contains(f.known, f.value) {
				return Scene{}, fmt.Errorf("object %d: %s is %.20q, want one of %q", i, f.name, f.value, f.known)
			}
		}
		if !(o.Radius > 0 && o.Radius <= Half) {
			return Scene{}, fmt.Errorf("object %d: radius is %g, want more than 0 and at most %g", i, o.Radius, Half)
		}
	}
	return s, nil
}
