package metrics

import (
	"fmt"
	"io"
	"iter"

	"llana/models/checkpoint/atomicfile"
)

// WritePredictions writes a file of predictions character by character as the
// reference does: an array indented by 2, ASCII only, no newline at the end. It
// holds one prediction at a time. The file is complete or absent.
func WritePredictions(path string, predictions iter.Seq2[Prediction, error]) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		n := 0
		for p, err := range predictions {
			if err != nil {
				return err
			}
			if n == 0 {
				if _, err := io.WriteString(w, "["); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(w, "%s\n  {\n    \"object_id\": %s,\n    \"question\": %s,\n    \"ground_truth\": %s,\n    \"model_output\": %s\n  }",
				comma(n), pyString(p.ObjectID), pyString(p.Question), pyString(p.GroundTruth), pyString(p.ModelOutput))
			if err != nil {
				return err
			}
			n++
		}
		end := "\n]"
		if n == 0 {
			end = "[]"
		}
		_, err := io.WriteString(w, end)
		return err
	})
}
