package main

import (
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/models/nerf"
)

type renderFlags struct {
	nerf, grid          string
	transforms          string
	frame, turntable    int
	size                int
	out, raw            string
	background          string
	scale               float64
	elevation, distance float64
	minTransmittance    float32
}

// maxSize bounds a picture's edge.
const maxSize = 8192

func nerfRenderCommand(a *app) *cobra.Command {
	var f renderFlags
	cmd := &cobra.Command{
		Use:   "render --nerf F (--transforms T --frame I | --turntable N) --size S --out PATH",
		Short: "Render a NeRF to PNG",
		Long: `Render a NeRF to PNG, from a camera of a transforms file or from N cameras
around it. An occupancy grid makes it faster: the one of --grid, or that of the
NeRF's folder if --nerf is a folder.

Several views go to a folder as 000.png, 001.png, … or, if PATH ends in .png, into
one picture side by side. --raw also writes what was rendered as float32
(H, W, 4): red, green, blue over the background, and opacity; (N, H, W, 4) of N
views.`,
		Example: `  llana nerf render --nerf infer/toymodel/data/heldout/test000003 --turntable 4 --size 128 --out views.png
  llana nerf render --nerf chair/nerf_weights.pth --grid chair/grid.pth --transforms chair/transforms_train.json --frame 3 --out view.png --raw view.npy`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error { return a.renderNeRF(ctx, f) })
	fl := cmd.Flags()
	fl.StringVar(&f.nerf, "nerf", "", "NeRF: file or folder")
	fl.StringVar(&f.grid, "grid", "", "occupancy grid (grid.pth)")
	fl.StringVar(&f.transforms, "transforms", "", "camera file in the NeRF-synthetic layout")
	fl.IntVar(&f.frame, "frame", 0, "number of the camera in --transforms")
	fl.Float64Var(&f.scale, "scale", 1, "factor of the positions in --transforms, as the NeRF was fitted with")
	fl.IntVar(&f.turntable, "turntable", 0, "views around the NeRF")
	fl.IntVar(&f.size, "size", 224, "width and height in pixels")
	fl.StringVar(&f.out, "out", "", "PNG, or folder for several")
	fl.StringVar(&f.raw, "raw", "", "also write the floats (.npy)")
	fl.StringVar(&f.background, "background", "0,0,0", "red,green,blue from 0 to 1")
	fl.Float64Var(&f.elevation, "elevation", 30, "of the turntable's cameras, in degrees")
	fl.Float64Var(&f.distance, "distance", 2, "of the turntable's cameras from the centre")
	fl.Float32Var(&f.minTransmittance, "min-transmittance", 1e-4, "where a ray ends")
	_ = cmd.MarkFlagRequired("nerf")
	_ = cmd.MarkFlagRequired("out")
	cmd.MarkFlagsMutuallyExclusive("transforms", "turntable")
	cmd.MarkFlagsMutuallyExclusive("frame", "turntable")
	cmd.MarkFlagsOneRequired("transforms", "turntable")
	return cmd
}

// cameras returns the cameras that the flags ask for.
func (f *renderFlags) cameras() ([]nerf.Camera, error) {
	if f.size < 1 || f.size > maxSize {
		return nil, usagef("--size %d: want 1 to %d", f.size, maxSize)
	}
	if !(f.scale > 0) {
		return nil, usagef("--scale %g: want a positive factor", f.scale)
	}
	if f.transforms != "" {
		t, err := nerf.ReadTransforms(f.transforms)
		if err != nil {
			return nil, err
		}
		if f.frame < 0 || f.frame >= len(t.Frames) {
			return nil, fmt.Errorf("%s: no frame %d, it has 0 to %d", f.transforms, f.frame, len(t.Frames)-1)
		}
		if err := t.Scale(f.scale); err != nil {
			return nil, fmt.Errorf("%s: %w", f.transforms, err)
		}
		return []nerf.Camera{t.Camera(f.frame, f.size, f.size)}, nil
	}
	if f.turntable < 1 || f.turntable > 10000 {
		return nil, usagef("--turntable %d: want 1 to 10000 views", f.turntable)
	}
	var cams []nerf.Camera
	for i := range f.turntable {
		cams = append(cams, nerf.Orbit(90+360*float64(i)/float64(f.turntable), f.elevation, f.distance, f.size))
	}
	return cams, nil
}

func (f *renderFlags) options() (nerf.RenderOptions, error) {
	o := nerf.RenderOptions{MinTransmittance: f.minTransmittance}
	bg := &o.Background
	if n, err := fmt.Sscanf(f.background, "%g,%g,%g", &bg[0], &bg[1], &bg[2]); err != nil || n != 3 {
		return o, usagef("--background %q: want red,green,blue, for example 1,1,1", f.background)
	}
	return o, nil
}

func (a *app) renderNeRF(ctx context.Context, f renderFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	cams, err := f.cameras()
	if err != nil {
		return err
	}
	field, grid, err := readNeRF(f.nerf, f.grid)
	if err != nil {
		return err
	}
	if err := makeFolders(f.out, f.raw); err != nil {
		return err
	}
	o.Grid = grid
	views := make([]nerf.Pixels, len(cams))
	err = a.withDevice(func(d kernels.Device) error {
		rays := f.size * f.size
		bar := a.console().Bar("rendering", rays*len(cams))
		defer bar.Close()
		for i, c := range cams {
			o.Progress = func(done, _ int) { bar.Set(i*rays + done) }
			if views[i], err = field.Render(ctx, d, c, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.raw != "" {
		if err := writeRaw(f.raw, views, f.size); err != nil {
			return err
		}
	}
	paths, err := writeViews(f.out, views, f.size)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(map[string]any{"files": paths, "size": f.size})
	}
	_, err = fmt.Fprintln(a.out, strings.Join(paths, "\n"))
	return err
}

// writeRaw writes colour and opacity of views: (H, W, 4) of one, (N, H, W, 4) of
// several.
func writeRaw(path string, views []nerf.Pixels, size int) error {
	var v []float32
	for _, px := range views {
		for i := 0; i < len(px); i += 5 {
			v = append(v, px[i:i+4]...)
		}
	}
	shape := []int{size, size, 4}
	if len(views) > 1 {
		shape = append([]int{len(views)}, shape...)
	}
	return checkpoint.WriteNPY(path, shape, v)
}

// writeViews writes views to a PNG, side by side if they are several, or to
// numbered files in a folder. It returns the files' names.
func writeViews(path string, views []nerf.Pixels, size int) ([]string, error) {
	if strings.EqualFold(filepath.Ext(path), ".png") {
		columns := int(math.Ceil(math.Sqrt(float64(len(views)))))
		rows := (len(views) + columns - 1) / columns
		sheet := image.NewRGBA(image.Rect(0, 0, columns*size, rows*size))
		for i, v := range views {
			at := image.Pt(i%columns*size, i/columns*size)
			draw.Draw(sheet, image.Rectangle{at, at.Add(image.Pt(size, size))}, v.Image(size, size), image.Point{}, draw.Src)
		}
		return []string{path}, writePNG(path, sheet)
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, err
	}
	var paths []string
	for i, v := range views {
		p := filepath.Join(path, fmt.Sprintf("%03d.png", i))
		if err := writePNG(p, v.Image(size, size)); err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, nil
}

func writePNG(path string, img image.Image) error {
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}
