package toyworld

import "fmt"

// Split is a part of the data set.
type Split int

// The splits. No training sees a scene of Test.
const (
	Train Split = iota
	Val
	Test
	textOnly // scenes that exist in words only
)

// Splits lists all splits.
var Splits = []Split{Train, Val, Test}

// Folder returns the name of the split's folder, as the published data sets
// have it.
func (s Split) Folder() string { return [...]string{"train", "val", "shapenerf_test"}[s] }

// ObjectID returns the identifier of scene number index.
func (s Split) ObjectID(index int) string {
	return fmt.Sprintf("%s%06d", [...]string{"train", "val", "test", "text"}[s], index)
}
