package gradcheck

import "testing"

func TestCentralDifferences(t *testing.T) {
	Rules(func(r Result) {
		t.Run(r.Rule+"/"+r.Case, func(t *testing.T) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		})
	})
}
