package eval

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llana/models/conversation"
)

// write writes a file, and its folders.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// writeVec writes an array of zeros that takes no room on the disk.
func writeVec(t testing.TB, path, descr string, shape ...int) {
	t.Helper()
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, python(shape))
	head := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text)))
	write(t, path, string(head)+text)
	size := int64(descr[2] - '0')
	for _, d := range shape {
		size *= int64(d)
	}
	if err := os.Truncate(path, int64(len(head)+len(text))+size); err != nil {
		t.Fatal(err)
	}
}

// record is a conversation of questions and answers.
func rec(id, kind string, turns ...string) conversation.Record {
	r := conversation.Record{ObjectID: id, Type: kind}
	for i, value := range turns {
		from := conversation.Human
		if i%2 == 1 {
			from = conversation.GPT
		}
		if i == 0 {
			value = conversation.PointMark + "\n" + value
		}
		r.Turns = append(r.Turns, conversation.Turn{From: from, Value: value})
	}
	return r
}

func writeRecords(t testing.TB, path string, records ...conversation.Record) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := conversation.WriteFile(path, records); err != nil {
		t.Fatal(err)
	}
}

// world makes a whole data folder in the published layout, two objects a
// split, and returns the folder that holds it and the one of Spatial ObjaNeRF.
func world(t testing.TB) (root string) {
	t.Helper()
	top := t.TempDir()
	root = filepath.Join(top, published)
	for i, split := range []string{"train", "val", ShapeTest, PointLLM, GPT4Point} {
		ids := []string{fmt.Sprintf("%d-a", i), fmt.Sprintf("%d-b", i)}
		var brief, others []conversation.Record
		for _, id := range ids {
			brief = append(brief, rec(id, Brief, "What is this?", "A chair."))
			others = append(others, rec(id, Detailed, "Describe it.", "A chair with four legs."),
				rec(id, Single, "Which colour?", "Brown."),
				rec(id, Multi, "Which colour?", "Brown.", "And the legs?", "Black.", "How many?", "Four."))
			writeVec(t, filepath.Join(root, split, "vecs", id+".npy"), []string{"<f4", "<f2"}[i%2], 3072, 516)
		}
		writeRecords(t, filepath.Join(root, split, "texts", briefName), brief...)
		if i < 3 {
			writeRecords(t, filepath.Join(root, split, "texts", complexName), others...)
		}
	}
	writeRecords(t, filepath.Join(root, hstName), rec("2-a", "", "What?", "A seat."), rec("2-a", "", "What is it?", "Seat."))
	spatial := filepath.Join(top, Spatial, "texts")
	writeRecords(t, filepath.Join(spatial, descriptionsName), rec("4-b", "", "Where?", "Legs below the seat."))
	writeRecords(t, filepath.Join(spatial, choiceName),
		rec("4-b", "", "Where are the legs?\nA. above the seat\nB. below the seat", "B"))
	return root
}

func at(root string, elem ...string) string { return filepath.Join(append([]string{root}, elem...)...) }

// contains reports whether s has all the parts.
func contains(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
