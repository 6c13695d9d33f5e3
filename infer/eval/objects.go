package eval

import (
	"fmt"
	"hash/maphash"

	"llana/models/checkpoint"
)

// objectSet checks the tokens of each object once. It keeps 8 bytes of each.
type objectSet struct {
	src     Source
	shape   Shape
	seed    maphash.Seed
	seen    map[uint64]struct{}
	missing int
	first   error // of the missing
}

// add checks an item's object unless it is known. Missing tokens are counted;
// any other fault is an error.
func (s *objectSet) add(item Item) error {
	if s.seen == nil {
		s.seed, s.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	h := maphash.String(s.seed, item.ObjectID)
	if _, known := s.seen[h]; known {
		return nil
	}
	s.seen[h] = struct{}{}
	path, err := s.src.VecPath(item.ObjectID)
	if err == nil {
		var info checkpoint.Info
		if info, err = checkpoint.NPYInfo(path); err != nil {
			return err // names the file
		}
		if err := s.shape.Check(info); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	err = fmt.Errorf("%s: record %d, object %q: %w", s.src.Path, item.Record, item.ObjectID, err)
	if !notFound(err) {
		return err
	}
	if s.missing++; s.missing == 1 {
		s.first = err
	}
	return nil
}

// err says which objects are missing, if any.
func (s *objectSet) err() error {
	if s.missing == 0 {
		return nil
	}
	return fmt.Errorf("the tokens of %d of %d objects are missing (llana encode makes them of NeRFs), the first: %w", s.missing, len(s.seen), s.first)
}
