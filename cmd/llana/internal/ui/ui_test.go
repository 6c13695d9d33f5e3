package ui

import (
	"bytes"
	"testing"
)

// Away from a terminal there are logs and no bars; a quiet console shows
// neither.
func TestConsole(t *testing.T) {
	for quiet, want := range map[bool]string{false: "one 1\n", true: ""} {
		var b bytes.Buffer
		c := New(&b, quiet)
		bar := c.Bar("work", 10)
		bar.Set(3)
		bar.Add(1)
		bar.Describe("still %s", "work")
		c.Logf("one %d", 1)
		bar.Close()
		bar.Close()
		load := c.ByteBar("bytes", 1<<40)
		load.SetBytes(1 << 39)
		load.Close()
		if b.String() != want || c.Terminal() {
			t.Errorf("quiet %v: %q on a terminal %v, want %q on none", quiet, b.String(), c.Terminal(), want)
		}
	}
}
