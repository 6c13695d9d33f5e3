package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// The demo is the end-to-end test: files, encoder, projector, decoder,
// generation, rendering. Its scores may not fall below what the project
// promises.
func TestDemo(t *testing.T) {
	sheet := filepath.Join(t.TempDir(), "sheet.png")
	var out, errs bytes.Buffer
	if code := runContext(context.Background(), []string{"demo", "--device", "cpu", "--json", "--out", sheet}, nil, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var r demoJSON
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	s := r.Scores
	if s.ObjectsNamed < 0.8 || s.SpatialAccuracy < 0.85 || s.Objects < 200 || s.Questions < 300 {
		t.Errorf("scores %+v", s)
	}
	if s.PooledSpatialAccuracy > s.SpatialAccuracy-0.2 {
		t.Errorf("one pooled token answers nearly as well: %+v", s)
	}
	if len(r.Scenes) != s.Scenes || r.Scenes[0].Caption == "" {
		t.Errorf("%d scenes, the first is %+v", len(r.Scenes), r.Scenes[0])
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Errorf("contact sheet: %v", err)
	}
}
