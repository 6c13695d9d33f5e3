package cpu

import (
	"encoding/binary"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNEONEncodings compares the instructions of neon_arm64.h and of package
// tensor, which are given as numbers, with what GNU as makes of them for the
// first version of the architecture.
func TestNEONEncodings(t *testing.T) {
	const as, objcopy = "aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"
	for _, tool := range []string{as, objcopy} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs binutils for aarch64: ", err)
		}
	}
	var lines []string
	for _, name := range []string{"neon_arm64.h", "../../tensor/pack4_arm64.s"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	var source strings.Builder
	var words []uint32
	for _, line := range lines {
		if !strings.Contains(line, "WORD") {
			continue
		}
		m := regexp.MustCompile(`^#define \w+\(([\w, ]+)\) WORD \$\((.*)\) // (.*)$`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a macro with its instruction: %s", line)
		}
		for try := range 8 {
			code, text := m[2], m[3]
			for i, name := range strings.Split(m[1], ", ") {
				v := [...]int{0, 1, 2, 3, 31, 17, 8, 29}[(try+3*i)%8]
				switch name {
				case "i": // an element
					v = try % 4
				case "b": // a number of bits
					v = 1 + 4*try
				}
				code = strings.ReplaceAll(code, "("+name+")", fmt.Sprint(v))
				text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(v))
			}
			value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, code)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			word, _ := constant.Uint64Val(value.Value)
			words = append(words, uint32(word))
			fmt.Fprintln(&source, text)
		}
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("all.s"), []byte(source.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{
		exec.Command(as, "-march=armv8-a", "-o", file("all.o"), file("all.s")),
		exec.Command(objcopy, "-O", "binary", "-j", ".text", file("all.o"), file("all.bin")),
	} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	want, err := os.ReadFile(file("all.bin"))
	if err != nil {
		t.Fatal(err)
	}
	lines = strings.Split(source.String(), "\n")
	if len(want) != 4*len(words) {
		t.Fatalf("%d bytes for %d instructions", len(want), len(words))
	}
	for i, got := range words {
		if w := binary.LittleEndian.Uint32(want[4*i:]); got != w {
			t.Errorf("%s is %#08x, want %#08x", lines[i], got, w)
		}
	}
}
