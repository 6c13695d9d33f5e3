package nerf

import (
	"bufio"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// View is a posed picture.
type View struct {
	Camera
	Image image.RGBA64Image
}

// Pixel returns the colour of pixel (x, y), counted from the top left, over
// black, and its opacity, all from 0 to 1.
func (v *View) Pixel(x, y int) (rgb [3]float32, alpha float32) {
	min := v.Image.Bounds().Min
	c := v.Image.RGBA64At(min.X+x, min.Y+y) // premultiplied
	const max = 0xffff
	return [3]float32{float32(c.R) / max, float32(c.G) / max, float32(c.B) / max}, float32(c.A) / max
}

// ReadViews reads the pictures of a transforms file, PNGs of any size and
// colour type, into views at their cameras: all of them, or at most limit,
// evenly spread, if it is above 0. file is the name of the transforms file,
// which the pictures' paths are relative to.
func (t *Transforms) ReadViews(file string, limit int) ([]View, error) {
	n := len(t.Frames)
	if limit > 0 {
		n = min(n, limit)
	}
	views := make([]View, n)
	pixels := 0
	for i := range views {
		frame := i * len(t.Frames) / n
		path, err := t.Frames[frame].imagePath(file)
		if err != nil {
			return nil, fmt.Errorf("%s: frame %d: %w", file, frame, err)
		}
		img, err := readPNG(path)
		if err != nil {
			return nil, fmt.Errorf("%s: frame %d: %w", file, frame, err)
		}
		w, h := img.Bounds().Dx(), img.Bounds().Dy()
		if pixels += w * h; pixels > maxPixels {
			return nil, fmt.Errorf("%s: the pictures up to frame %d have %d pixels, want at most %d in all", file, frame, pixels, maxPixels)
		}
		views[i] = View{t.Camera(frame, w, h), img}
	}
	return views, nil
}

// imagePath returns where the frame's picture is. The extension may be left
// out, as NeRF-synthetic does.
func (f *Frame) imagePath(file string) (string, error) {
	if f.FilePath == "" {
		return "", fmt.Errorf("no file_path")
	}
	path := filepath.FromSlash(f.FilePath)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	if !strings.EqualFold(filepath.Ext(path), ".png") {
		path += ".png"
	}
	return path, nil
}

const (
	maxEdge   = 8192    // of a picture, in pixels
	maxPixels = 1 << 28 // of all pictures together; 1 to 2 GiB
	// maxInflation is how much deflate can shrink, with a margin: a smaller
	// file cannot hold the pixels that its header claims.
	maxInflation = 1100
)

// readPNG reads a picture after a look at the size that its header claims.
func readPNG(path string) (image.RGBA64Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head, err := png.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if head.Width < 1 || head.Height < 1 || max(head.Width, head.Height) > maxEdge {
		return nil, fmt.Errorf("%s: %d x %d pixels, want 1 to %d each way", path, head.Width, head.Height, maxEdge)
	}
	if most := st.Size() * 8 * maxInflation; int64(head.Width)*int64(head.Height) > most {
		return nil, fmt.Errorf("%s: %d bytes cannot hold the %d x %d pixels that the header claims", path, st.Size(), head.Width, head.Height)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := png.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	v, ok := img.(image.RGBA64Image)
	if !ok { // no type of the image package
		return nil, fmt.Errorf("%s: pictures of type %T are not read", path, img)
	}
	return v, nil
}
