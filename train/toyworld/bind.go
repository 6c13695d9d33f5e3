package toyworld

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Levels is the number of steps that places are told in, along each axis.
const Levels = 9

// Level returns the step of a coordinate, from 0 to Levels-1. Places that
// differ by PlaceMargin differ in it.
func Level(v float64) int {
	const edge = Half + 0.02
	return min(max(int(math.Floor((v+edge)/(2*edge)*Levels)), 0), Levels-1)
}

// name is "red sphere".
func (o *Object) name() string { return o.Colour + " " + o.Shape }

// ref is the name, or "red object": colours are distinct.
func (o *Object) ref(r *random) string {
	if r.chance(0.7) {
		return o.name()
	}
	return o.Colour + " " + anyObject
}

// on is the word for the object's place on an axis, "x3", or its size.
func (o *Object) on(by Axis) string {
	if by == SmallerLarger {
		return o.Size
	}
	return fmt.Sprintf("%c%d", "xyz"[by], Level(o.Centre[by]))
}

// at is "x3 y0 z8".
func (o *Object) at() string {
	return o.on(LeftRight) + " " + o.on(FrontBehind) + " " + o.on(BelowAbove)
}

// ordered returns the objects in the order of Colours, in which captions list
// them: an order by place would have to be worked out first.
func (s Scene) ordered() []Object {
	objects := slices.Clone(s.Objects)
	slices.SortFunc(objects, func(a, b Object) int {
		return slices.Index(Colours, a.Colour) - slices.Index(Colours, b.Colour)
	})
	return objects
}

func (s Scene) list(describe func(o *Object) string) string {
	var parts []string
	for _, o := range s.ordered() {
		parts = append(parts, describe(&o))
	}
	return strings.Join(parts, ", ")
}

func (s Scene) caption() string {
	return s.list(func(o *Object) string { return "a " + o.name() })
}

func bindList(s Scene, _ *random) (words, bool) {
	return words{
		"list":   s.caption(),
		"places": s.list(func(o *Object) string { return "a " + o.Size + " " + o.name() + " at " + o.at() }),
		"count":  counts[len(s.Objects)],
	}, true
}

func objectWords(o *Object, r *random) words {
	return words{"ref": o.ref(r), "name": o.name(), "colour": o.Colour, "shape": o.Shape, "size": o.Size,
		"x": o.on(LeftRight), "y": o.on(FrontBehind), "z": o.on(BelowAbove)}
}

func bindObject(s Scene, r *random) (words, bool) {
	return objectWords(&s.Objects[r.intN(len(s.Objects))], r), true
}

// bindOnlyShape takes an object whose shape no other has.
func bindOnlyShape(s Scene, r *random) (words, bool) {
	o := &s.Objects[r.intN(len(s.Objects))]
	for i := range s.Objects {
		if p := &s.Objects[i]; p != o && p.Shape == o.Shape {
			return nil, false
		}
	}
	return objectWords(o, r), true
}

// bindColour takes a colour that is there, or one that is not.
func bindColour(s Scene, r *random) (words, bool) {
	var there, absent []string
	for _, c := range Colours {
		if slices.ContainsFunc(s.Objects, func(o Object) bool { return o.Colour == c }) {
			there = append(there, c)
		} else {
			absent = append(absent, c)
		}
	}
	if r.chance(0.5) {
		return words{"list": s.caption(), "colour": pick(r, there), "verdict": "yes"}, true
	}
	return words{"list": s.caption(), "colour": pick(r, absent), "verdict": "no"}, true
}

// bound is a pair of objects to compare, a first.
type bound struct {
	a, b *Object
	by   Axis
	more int // 1 if a has more of the axis than b, else 0
}

func (s Scene) bindPair(r *random) (bound, words, bool) {
	by, ok := s.pickAxis(r)
	if !ok {
		return bound{}, nil, false
	}
	pairs := slices.DeleteFunc(s.Pairs(), func(p Pair) bool { return p.By != by })
	p := pick(r, pairs)
	b := bound{a: &s.Objects[p.A], b: &s.Objects[p.B], by: by}
	if Compare(b.a, b.b, by) > 0 {
		b.more = 1
	}
	return b, words{"ref": b.a.ref(r), "other ref": b.b.ref(r), "compared": compared(by, b.a, b.b)}, true
}

// pickAxis picks an axis on which some objects differ.
func (s Scene) pickAxis(r *random) (Axis, bool) {
	var differ []Axis
	for _, p := range s.Pairs() {
		if !slices.Contains(differ, p.By) {
			differ = append(differ, p.By)
		}
	}
	if len(differ) == 0 {
		return 0, false
	}
	return pick(r, differ), true
}

// compared is "the red sphere is at x3, the blue box is at x6".
func compared(by Axis, objects ...*Object) string {
	var parts []string
	for _, o := range objects {
		at := "at "
		if by == SmallerLarger {
			at = ""
		}
		parts = append(parts, "the "+o.name()+" is "+at+o.on(by))
	}
	return strings.Join(parts, ", ")
}

// listing is "left yes, right no": both directions in their order.
func (b bound) listing(direction [2]string) string {
	holds := [2]string{"yes", "no"}
	return direction[0] + " " + holds[b.more] + ", " + direction[1] + " " + holds[1-b.more]
}

func bindEither(s Scene, r *random) (words, bool) {
	b, w, ok := s.bindPair(r)
	if !ok {
		return nil, false
	}
	first := r.intN(2) // which of the two is asked for first
	w["less"], w["more"] = wordsOf[b.by].relation[first], wordsOf[b.by].relation[1-first]
	w["verdict"] = wordsOf[b.by].verdict[b.more]
	w["listing"] = b.listing(wordsOf[b.by].verdict)
	return w, true
}

func bindYesNo(s Scene, r *random) (words, bool) {
	b, w, ok := s.bindPair(r)
	if !ok {
		return nil, false
	}
	asked := r.intN(2)
	w["relation"], w["asked"] = wordsOf[b.by].relation[asked], wordsOf[b.by].verdict[asked]
	w["listing"] = b.listing(wordsOf[b.by].verdict)
	w["verdict"] = "no"
	if asked == b.more {
		w["verdict"] = "yes"
	}
	return w, true
}

func bindWhich(s Scene, r *random) (words, bool) {
	b, w, ok := s.bindPair(r)
	if !ok {
		return nil, false
	}
	asked := r.intN(2)
	w["degree"], w["asked"] = wordsOf[b.by].degree[asked], wordsOf[b.by].short[asked]
	w["listing"] = b.listing(wordsOf[b.by].short)
	w["verdict"], w["holds"] = b.b.name(), "no"
	if asked == b.more {
		w["verdict"], w["holds"] = b.a.name(), "yes"
	}
	return w, true
}

// bindMost takes an axis and an end of it where one object clearly stands out.
func bindMost(s Scene, r *random) (words, bool) {
	by, end := Axis(r.intN(int(axes))), r.intN(2)
	objects := s.ordered()
	var all []*Object
	var best *Object
	for i := range objects {
		o := &objects[i]
		all = append(all, o)
		if outdoes(o, objects, by, end) {
			best = o
		}
	}
	if best == nil || len(objects) < 2 {
		return nil, false
	}
	return words{"extreme": wordsOf[by].extreme[end], "compared": compared(by, all...), "verdict": best.name()}, true
}

// outdoes reports whether o has clearly less (end 0) or more (end 1) of the
// axis than all others.
func outdoes(o *Object, objects []Object, by Axis, end int) bool {
	for i := range objects {
		if p := &objects[i]; p != o && Compare(o, p, by) != 2*end-1 {
			return false
		}
	}
	return true
}
