package opsdoc

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/ops.md")

const page = "../../docs/ops.md"

func TestPageIsFresh(t *testing.T) {
	want := Markdown()
	if *update {
		if err := os.WriteFile(page, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/ops.md is stale; go test ./autograd/opsdoc -update writes it anew")
	}
}
