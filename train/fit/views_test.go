package fit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/models/nerf"
	"llana/train"
	"llana/train/fit"
	"llana/train/toyworld"
)

// photograph traces a ray through each of 2 x 2 parts of every pixel of the
// scene: no NeRF has a part in the pictures. worldScale enlarges the world.
func photograph(scene toyworld.Scene, c nerf.Camera) image.Image {
	const parts = 2
	fine := c
	fine.W, fine.H = parts*c.W, parts*c.H
	img := image.NewNRGBA(image.Rect(0, 0, c.W, c.H))
	for y := range c.H {
		for x := range c.W {
			var sum [3]float64
			hits := 0.0
			for k := range parts * parts {
				if rgb, hit := trace(scene, fine.Ray(parts*x+k%parts, parts*y+k/parts)); hit {
					hits++
					for a := range sum {
						sum[a] += float64(rgb[a])
					}
				}
			}
			to8 := func(v float64) uint8 { return uint8(255*v + 0.5) }
			n := max(1, hits)
			img.SetNRGBA(x, y, color.NRGBA{to8(sum[0] / n), to8(sum[1] / n), to8(sum[2] / n), to8(hits / (parts * parts))})
		}
	}
	return img
}

// trace follows a ray to the surface. The distances are never too large.
func trace(scene toyworld.Scene, r kernels.Ray) (rgb [3]float32, hit bool) {
	for t := float32(0); t < 4; {
		var p [3]float32
		for a := range p {
			p[a] = r.O[a] + t*r.D[a]
		}
		d, rgb := scene.At(p)
		if d < 1e-4 {
			return rgb, true
		}
		t += d
	}
	return rgb, false
}

// writeViews writes pictures of a scene from n places all around it, in a world that is
// larger by a factor, and their cameras.
func writeViews(t *testing.T, dir, split string, scene toyworld.Scene, n, size int, turn, factor float64) {
	t.Helper()
	tr := nerf.Transforms{CameraAngleX: nerf.ShapeNetAngleX}
	if err := os.MkdirAll(filepath.Join(dir, split), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		// A spiral from below to above.
		elevation := math.Asin(0.9*(2*(float64(i)+0.5)/float64(n)-1)) * 180 / math.Pi
		c := nerf.Orbit(turn+137.5*float64(i), elevation, 2, size)
		name := fmt.Sprintf("./%s/r_%d", split, i)
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, photograph(scene, c)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		frame := nerf.Frame{FilePath: name}
		for a, row := range c.Pose {
			if a < 3 {
				row[3] *= factor
			}
			frame.TransformMatrix = append(frame.TransformMatrix, append([]float64(nil), row[:]...))
		}
		tr.Frames = append(tr.Frames, frame)
	}
	b, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "transforms_"+split+".json"), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func readViews(t *testing.T, dir, split string, scale float64) []nerf.View {
	t.Helper()
	path := filepath.Join(dir, "transforms_"+split+".json")
	tr, err := nerf.ReadTransforms(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Scale(scale); err != nil {
		t.Fatal(err)
	}
	views, err := tr.ReadViews(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return views
}

// smallViews are settings for pictures of few pixels.
func smallViews() fit.ViewOptions {
	o := fit.DefaultViews()
	o.Steps, o.Rays, o.Samples, o.GridRes, o.Step = 250, 512, 8192, 24, 0.02
	return o
}

func TestViews(t *testing.T) {
	dir := t.TempDir()
	scene := toyworld.SceneAt(1, toyworld.Train, 2)
	writeViews(t, dir, "train", scene, 24, 48, 0, 3)
	writeViews(t, dir, "test", scene, 4, 48, 40, 3)
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		ctx := context.Background()
		live := d.Stats().Live
		o := smallViews()
		var last train.Metrics
		done := 0
		o.Progress = func(n int, m train.Metrics) { done, last = n, m }
		field, grid, err := fit.Views(ctx, d, nerf.Toy, readViews(t, dir, "train", 1./3), o)
		if err != nil {
			t.Fatal(err)
		}
		if done != o.Steps || !(last.Loss > 0) || !(last.GradNorm > 0) {
			t.Errorf("%d steps reported, last %+v", done, last)
		}
		for _, split := range []string{"train", "test"} {
			views := readViews(t, dir, split, 1./3)
			ro := nerf.RenderOptions{Grid: grid, Step: o.Step}
			psnr, err := fit.PSNR(ctx, d, field, views, ro, nil)
			if err != nil {
				t.Fatal(err)
			}
			ro.Grid = nil
			full, err := fit.PSNR(ctx, d, field, views, ro, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s views: PSNR %.2f dB, %.2f dB without the grid", split, psnr, full)
			if psnr < 22 {
				t.Errorf("%s views: PSNR %.2f dB, want 22", split, psnr)
			}
		}
		checkGrid(t, scene, grid)
		if now := d.Stats().Live; now != live {
			t.Errorf("%d bytes are still held", now-live)
		}
	})
}

// checkGrid checks that the grid covers the solids' surfaces, and little more.
func checkGrid(t *testing.T, scene toyworld.Scene, g *nerf.Grid) {
	t.Helper()
	lost, surface, far, occupied := 0, 0, 0, 0
	for c, is := range g.Cells {
		var p [3]float32
		for a, k := range [3]int{c / (g.Res * g.Res), c / g.Res % g.Res, c % g.Res} {
			p[a] = ((float32(k)+0.5)/float32(g.Res)*2 - 1) * g.Half
		}
		d, _ := scene.At(p)
		if d > -0.03 && d < 0 {
			if surface++; is == 0 {
				lost++
			}
		}
		if is != 0 {
			if occupied++; d > 0.1 {
				far++
			}
		}
	}
	t.Logf("%d of %d surface cells lost, %d of %d occupied cells far from a solid", lost, surface, far, occupied)
	if lost*10 > surface || far*4 > occupied || occupied*2 > len(g.Cells) {
		t.Errorf("%d of %d surface cells lost; %d of %d occupied cells far from a solid", lost, surface, far, occupied)
	}
}

func TestViewsStops(t *testing.T) {
	d := cpu.New(1)
	defer d.Close()
	dir := t.TempDir()
	writeViews(t, dir, "train", toyworld.SceneAt(1, toyworld.Train, 2), 2, 8, 0, 1)
	views := readViews(t, dir, "train", 1)
	ctx, cancel := context.WithCancel(context.Background())
	o := smallViews()
	o.GridRes = 8
	o.Progress = func(done int, _ train.Metrics) {
		if done > 16 {
			cancel()
		}
	}
	field, grid, err := fit.Views(ctx, d, nerf.Toy, views, o)
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("cancelled: %v", err)
	}
	if field == nil || grid == nil {
		t.Fatal("what was fitted is lost")
	}
	moved := 0
	for i, w := range nerf.Toy.Init(nerf.SharedSeed) {
		if field.Weights[i] != w {
			moved++
		}
	}
	if moved < len(field.Weights)/2 {
		t.Errorf("%d of %d weights have changed", moved, len(field.Weights))
	}
}

func TestViewsRefuses(t *testing.T) {
	d := cpu.New(1)
	defer d.Close()
	if _, _, err := fit.Views(context.Background(), d, nerf.Toy, nil, smallViews()); err == nil {
		t.Error("no views")
	}
	o := smallViews()
	o.Samples = 1 << 30
	if _, _, err := fit.Views(context.Background(), d, nerf.Toy, make([]nerf.View, 1), o); err == nil {
		t.Error("too many samples")
	}
}
