package nerf_test

import (
	"context"
	"errors"
	"testing"

	"llana/autograd"
	"llana/kernels"
	"llana/kernels/devices/devicetest"
	"llana/models/golden"
	"llana/models/nerf"
	"llana/tensor"
)

func TestFiles(t *testing.T) {
	g := golden.Open(t, "testdata")
	f, err := nerf.ReadWeights(g.Path("nerf_weights.pth"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "params", f.Weights, g.Floats(t, "params"), 0, 0)
	g.Check(t, "matrix", f.Arch.Matrix(f.Weights))
	grid, err := nerf.ReadGrid(g.Path("grid.pth"))
	if err != nil {
		t.Fatal(err)
	}
	cells := make([]float32, len(grid.Cells))
	for i, c := range grid.Cells {
		cells[i] = float32(c)
	}
	g.Check(t, "grid_binary", cells)
	if grid.Half != 0.7 {
		t.Errorf("half edge %v, want 0.7", grid.Half)
	}
}

func TestNetwork(t *testing.T) {
	g := golden.Open(t, "testdata")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		tape := autograd.Inference(d)
		defer tape.Release()
		u := tape.Float32(g.Floats(t, "unit_points"), 64, 3)
		g.Check(t, "encoding", read(t, autograd.FrequencyEncode(tape, u.Value(), 24)))
		for params, want := range map[string]string{"params": "raw_unit", "params_rough": "raw_unit_rough"} {
			net := nerf.NewNet(d, nerf.Published, g.Floats(t, params))
			rgb, sigma := net.Raw(u)
			g.Check(t, want, read(t, autograd.Concat(1, rgb, sigma.View(-1, 1))))
			net.Free()
		}
	})
}

func TestQuery(t *testing.T) {
	g := golden.Open(t, "testdata")
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		f := field(t, g)
		got, err := f.Query(context.Background(), d, g.Floats(t, "query_points"))
		if err != nil {
			t.Fatal(err)
		}
		var rgb, density []float32
		for i := 0; i < len(got); i += 4 {
			rgb = append(rgb, got[i:i+3]...)
			density = append(density, got[i+3])
		}
		g.Check(t, "query_rgb", rgb)
		g.Check(t, "query_density", density)
	})
}

// camera is the camera of the golden rays.
func camera(t *testing.T, g *golden.Folder) nerf.Camera {
	var c struct {
		TransformMatrix [4][4]float64 `json:"transform_matrix"`
		CameraAngleX    float64       `json:"camera_angle_x"`
		Width, Height   int
	}
	g.Value(t, "camera", &c)
	return nerf.Camera{Pose: c.TransformMatrix, AngleX: c.CameraAngleX, W: c.Width, H: c.Height}
}

func TestRays(t *testing.T) {
	g := golden.Open(t, "testdata")
	c := camera(t, g)
	xy := g.Ints(t, "pixel_xy")
	var o, d, tmin, tmax []float32
	for i := 0; i < len(xy); i += 2 {
		r := c.Ray(int(xy[i]), int(xy[i+1]))
		o, d = append(o, r.O[:]...), append(d, r.D[:]...)
		lo, hi := kernels.MarchParams{Half: 0.7}.Enter(r)
		tmin, tmax = append(tmin, lo), append(tmax, hi)
	}
	g.Check(t, "rays_o", o)
	g.Check(t, "rays_d", d)
	g.Check(t, "t_min", tmin)
	g.Check(t, "t_max", tmax)
}

func TestMarch(t *testing.T) {
	g := golden.Open(t, "testdata")
	grid, err := nerf.ReadGrid(g.Path("grid.pth"))
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, variant := range []string{"nogrid", "grid", "gridjit"} {
			tape := autograd.Inference(d)
			p := kernels.MarchParams{Half: 0.7, Step: kernels.PublishedStep}
			var cells, jitter *tensor.Tensor
			if variant != "nogrid" {
				p.Res, cells = grid.Res, tape.Int32(grid.Cells, len(grid.Cells))
			}
			if variant == "gridjit" {
				jitter = tape.Float32(g.Floats(t, "jitter"), 24).Value()
			}
			o, dir := tape.Float32(g.Floats(t, "rays_o"), 24, 3).Value(), tape.Float32(g.Floats(t, "rays_d"), 24, 3).Value()
			counts, err := tape.Run1(kernels.MarchCount, p, o, dir, cells, jitter).ReadInt32(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			offsets := make([]int32, 25)
			for i, want := range g.Ints(t, "march_"+variant+"_count") {
				if counts[i] != want {
					t.Errorf("%s: ray %d has %d samples, want %d", variant, i, counts[i], want)
				}
				offsets[i+1] = offsets[i] + want
			}
			n := int(offsets[24])
			ids, spans := tape.Own(tensor.New(d, tensor.I32, n)), tape.Own(tensor.New(d, d.Float(), n, 2))
			tape.RunInto(kernels.MarchSamples, p, []*tensor.Tensor{o, dir, cells, jitter, tape.Int32(offsets, 25)}, ids, spans)
			got, err := spans.ReadFloat32(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			starts, ends := make([]float32, n), make([]float32, n)
			for i := range n {
				starts[i], ends[i] = got[2*i], got[2*i+1]
			}
			g.Check(t, "march_"+variant+"_ts", starts)
			g.Check(t, "march_"+variant+"_te", ends)
			tape.Release()
		}
	})
}

func TestRender(t *testing.T) {
	g := golden.Open(t, "testdata")
	grid, err := nerf.ReadGrid(g.Path("grid.pth"))
	if err != nil {
		t.Fatal(err)
	}
	bg := [3]float32(g.Floats(t, "bkgd"))
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		net := nerf.NewNet(d, nerf.Published, g.Floats(t, "params"))
		defer net.Free()
		for _, variant := range []string{"nogrid_all", "nogrid_vis", "grid_all", "grid_vis"} {
			o := nerf.RenderOptions{Half: 0.7, Background: bg}
			if variant[:4] == "grid" {
				o.Grid = grid
			}
			if variant[len(variant)-3:] == "vis" {
				o.MinTransmittance = 1e-4
			}
			px, err := nerf.Render(context.Background(), d, net.Query, g.Floats(t, "rays_o"), g.Floats(t, "rays_d"), o)
			if err != nil {
				t.Fatal(err)
			}
			var colour, opacity, depth []float32
			for i := 0; i < len(px); i += 5 {
				colour, opacity, depth = append(colour, px[i:i+3]...), append(opacity, px[i+3]), append(depth, px[i+4])
			}
			g.Check(t, "render_"+variant+"_color", colour)
			g.Check(t, "render_"+variant+"_opacity", opacity)
			g.Check(t, "render_"+variant+"_depth", depth)
		}
		stopped, stop := context.WithCancel(context.Background())
		stop()
		if _, err := nerf.Render(stopped, d, net.Query, g.Floats(t, "rays_o"), g.Floats(t, "rays_d"), nerf.RenderOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: error %v", err)
		}
		if _, err := field(t, g).Query(stopped, d, []float32{0, 0, 0}); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled query: error %v", err)
		}
	})
}

func field(t *testing.T, g *golden.Folder) *nerf.Field {
	f, err := nerf.ReadWeights(g.Path("nerf_weights.pth"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, v *autograd.Var) []float32 {
	t.Helper()
	f, err := v.Value().ReadFloat32(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}
