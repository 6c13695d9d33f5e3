package toyworld

import "math"

// Axis is what two solids are compared by.
type Axis int

// The axes: x, y and z of the centres, and the size.
const (
	LeftRight Axis = iota
	FrontBehind
	BelowAbove
	SmallerLarger
	axes
)

// Differences below these are not asked about.
const (
	PlaceMargin  = 0.25
	RadiusMargin = 0.05
)

// Compare returns -1 if a is further left, in front, lower or smaller than b, 1
// if the opposite, and 0 if the difference is too small to be asked about.
func Compare(a, b *Object, by Axis) int {
	d, m := a.Radius-b.Radius, RadiusMargin
	if by != SmallerLarger {
		d, m = a.Centre[by]-b.Centre[by], PlaceMargin
	}
	switch {
	case math.Abs(d) <= m:
		return 0
	case d < 0:
		return -1
	}
	return 1
}

// Pair is two different objects of a scene, by index, that differ along By.
type Pair struct {
	A, B int
	By   Axis
}

// Pairs lists every pair that can be asked about, in both orders.
func (s Scene) Pairs() []Pair {
	var ps []Pair
	for by := range axes {
		for a := range s.Objects {
			for b := range s.Objects {
				if a != b && Compare(&s.Objects[a], &s.Objects[b], by) != 0 {
					ps = append(ps, Pair{a, b, by})
				}
			}
		}
	}
	return ps
}
