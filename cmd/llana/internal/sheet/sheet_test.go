package sheet

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	pic := image.NewRGBA(image.Rect(0, 0, 60, 60))
	pic.Set(5, 5, color.RGBA{255, 0, 0, 255})
	cell := Cell{Pictures: []image.Image{pic, pic}, Labels: []string{"left", "right"},
		Lines: []Line{{Text: "a caption that is much longer than the two pictures are wide", Colour: Ink}}}
	s := &Sheet{Title: []Line{{Text: "title", Colour: Ink, Bold: true}}, Columns: 2, Cells: []Cell{cell, cell, cell}}
	path := filepath.Join(t.TempDir(), "sheet.png")
	if err := s.Write(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if w := img.Bounds().Dx(); w != 2*120+3*gap {
		t.Errorf("the sheet is %d wide, want %d", w, 2*120+3*gap)
	}
	reds := 0
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, _, _ := img.At(x, y).RGBA(); r == 0xffff && g == 0 {
				reds++
			}
		}
	}
	if reds != 6 {
		t.Errorf("%d pictures drawn, want 6", reds)
	}
}
