package eval

import (
	"errors"
	"iter"

	"llana/infer/metrics"
)

// predictions yields what the entries of journals come to, one at a time.
func predictions(journals ...string) iter.Seq2[metrics.Prediction, error] {
	return func(yield func(metrics.Prediction, error) bool) {
		stop := errors.New("stop")
		for _, path := range journals {
			_, err := ReadJournal(path, func(e Entry) error {
				for _, p := range e.Pairs {
					if !yield(metrics.Prediction{ObjectID: e.ObjectID, Question: p[0], GroundTruth: p[1], ModelOutput: e.Output}, nil) {
						return stop
					}
				}
				return nil
			})
			switch {
			case errors.Is(err, stop):
				return
			case err != nil:
				yield(metrics.Prediction{}, err)
				return
			}
		}
	}
}
