package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"path/filepath"

	"llana/kernels"
	"llana/models/nerf"
	"llana/train/fit"
)

// Pictures returns a picture of an object, "" if there is none.
type Pictures func(ctx context.Context, objectID string) (template.URL, error)

// Sizes of a rendering.
const (
	pictureSize = 168   // pixels of the edge
	renderStep  = 0.006 // between samples along a ray
	pictureGrid = 32    // cells of the grid along an axis where a NeRF has none
)

// NeRFs renders the NeRFs of a folder, DIR/<object id>/nerf_weights.pth with
// grid.pth beside it or without, on a device.
func NeRFs(d kernels.Device, dir string) Pictures {
	return func(ctx context.Context, id string) (template.URL, error) {
		if !filepath.IsLocal(filepath.FromSlash(id)) {
			return "", nil
		}
		path := filepath.Join(dir, filepath.FromSlash(id))
		weights, gridPath, err := nerf.Find(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		f, err := nerf.ReadWeights(weights)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		var grid *nerf.Grid
		if gridPath != "" {
			if grid, err = nerf.ReadGrid(gridPath); err != nil {
				return "", err
			}
		}
		img, err := Render(ctx, d, f, grid)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return DataURL(img)
	}
}

// Render renders a field from the front, a little from the side and from
// above, on a transparent ground. Without a grid one is made.
func Render(ctx context.Context, d kernels.Device, f *nerf.Field, grid *nerf.Grid) (image.Image, error) {
	if grid == nil {
		grids, err := fit.Grids(ctx, d, []*nerf.Field{f}, pictureGrid)
		if err != nil {
			return nil, err
		}
		grid = grids[0]
	}
	o := nerf.RenderOptions{Half: grid.Half, Step: renderStep, Grid: grid, MinTransmittance: 1e-3}
	px, err := f.Render(ctx, d, nerf.Orbit(frontAzimuth, 25, 2.1, pictureSize), o)
	if err != nil {
		return nil, err
	}
	return transparent(px, pictureSize), nil
}

// frontAzimuth is where a camera of nerf.Orbit sees x to the right.
const frontAzimuth = 180

// transparent makes an image of pixels that were rendered over black.
func transparent(px nerf.Pixels, size int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		p := px[5*i : 5*i+4]
		alpha := min(max(p[3], 0), 1)
		to8 := func(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }
		c := color.NRGBA{A: to8(alpha)}
		if alpha > 0 {
			c.R, c.G, c.B = to8(p[0]/alpha), to8(p[1]/alpha), to8(p[2]/alpha)
		}
		img.SetNRGBA(i%size, i/size, c)
	}
	return img
}

// DataURL embeds a picture in a page as PNG.
func DataURL(img image.Image) (template.URL, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
