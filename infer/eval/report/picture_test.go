package report

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llana/kernels/cpu"
	"llana/models/nerf"
	"llana/train/fit"
)

// A NeRF is drawn with a grid or without one; an object that has none is left
// out, a broken one is an error that names it.
func TestNeRFs(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "a"), os.DirFS("../../toymodel/data/heldout/test000003")); err != nil {
		t.Fatal(err)
	}
	draw := NeRFs(d, dir)
	picture := func(id string) []byte {
		t.Helper()
		url, err := draw(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(url), "data:image/png;base64,"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// opaque counts pixels that show the object.
	opaque := func(b []byte) (n int) {
		t.Helper()
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for y := range pictureSize {
			for x := range pictureSize {
				if _, _, _, a := img.At(x, y).RGBA(); a > 0x8000 {
					n++
				}
			}
		}
		return n
	}
	without := opaque(picture("a"))
	if all := pictureSize * pictureSize; without < all/100 || without > all/2 {
		t.Errorf("%d of %d pixels show the scene", without, all)
	}
	f, err := nerf.ReadWeights(filepath.Join(dir, "a", nerf.WeightsName))
	if err != nil {
		t.Fatal(err)
	}
	grids, err := fit.Grids(t.Context(), d, []*nerf.Field{f}, 24)
	if err != nil {
		t.Fatal(err)
	}
	if err := grids[0].Write(filepath.Join(dir, "a", nerf.GridName)); err != nil {
		t.Fatal(err)
	}
	if with := opaque(picture("a")); with < without*9/10 || with > without*11/10 {
		t.Errorf("%d pixels with the NeRF's own grid, %d with one that was made", with, without)
	}
	for _, id := range []string{"none", "../a", "/a"} {
		if url, err := draw(t.Context(), id); url != "" || err != nil {
			t.Errorf("object %q: picture of %d bytes, %v; want none", id, len(url), err)
		}
	}
	weights := filepath.Join(dir, "a", nerf.WeightsName)
	if err := os.Truncate(weights, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := draw(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), weights) {
		t.Errorf("a broken NeRF: error %v", err)
	}
}
