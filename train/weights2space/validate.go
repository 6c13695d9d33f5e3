package weights2space

import (
	"context"
	"math"
	"math/rand/v2"

	"llana/autograd"
	"llana/models/nerf"
)

// validationPoints is the number of positions a NeRF is validated at with
// supervision from points.
const validationPoints = 2048

// validate measures the model on NeRFs it is not trained on, in evaluation
// mode. With supervision from points, "val_iou" is the overlap of where the
// reconstruction and the NeRF are solid, and "val_colour_error" the mean
// difference of their colours where the NeRF is; from rays, "val_psnr" is that
// of the rendered pixels. All draws are the same each time.
func (tr *Trainer) validate(ctx context.Context) (map[string]float64, error) {
	if tr.valid == nil {
		return nil, nil
	}
	r := rand.New(rand.NewPCG(tr.cfg.Seed, 0xda7a))
	sum, n := map[string]float64{}, 0
	for i := range min(tr.valid.Len(), tr.cfg.ValidationSize) {
		it, err := tr.valid.Item(i)
		if err != nil {
			return nil, err
		}
		var m map[string]float64
		if tr.cfg.Supervision == "points" {
			m, err = tr.validatePoints(ctx, r, it)
		} else {
			m, err = tr.validateRays(ctx, r, it)
		}
		if err != nil {
			return nil, err
		}
		if m != nil {
			n++
		}
		for k, v := range m {
			sum[k] += v
		}
	}
	for k := range sum {
		sum[k] /= float64(n)
	}
	if mse, ok := sum["mse"]; ok {
		delete(sum, "mse")
		sum["val_psnr"] = -10 * math.Log10(max(mse, 1e-12))
	}
	return sum, nil
}

func (tr *Trainer) validatePoints(ctx context.Context, r *rand.Rand, it *Item) (map[string]float64, error) {
	positions := make([]float32, 3*validationPoints)
	for i := range positions {
		positions[i] = (2*r.Float32() - 1) * it.Field.Half
	}
	t := autograd.Inference(tr.dev)
	defer t.Release()
	colour, logit := teach(t, []*Item{it}, positions)
	want, err := autograd.Concat(1, colour, logit).Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	got, err := tr.model.Raw(tr.tokens(t, []*Item{it}), tr.model.NewPoints(t, positions, 1)).Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	var both, either, solid, difference float64
	for i := 0; i < len(want); i += 4 {
		w, g := want[i+3] > 0, got[i+3] > 0
		if w && g {
			both++
		}
		if w || g {
			either++
		}
		if w {
			solid++
			for c := range 3 {
				difference += math.Abs(float64(sigmoid(got[i+c])-sigmoid(want[i+c]))) / 3
			}
		}
	}
	if solid == 0 {
		return nil, nil
	}
	return map[string]float64{"val_iou": both / either, "val_colour_error": difference / solid}, nil
}

func (tr *Trainer) validateRays(ctx context.Context, r *rand.Rand, it *Item) (map[string]float64, error) {
	ri, err := tr.drawRays(ctx, r, it, [3]float32{})
	if ri == nil || err != nil {
		return nil, err
	}
	t := autograd.Inference(tr.dev)
	defer t.Release()
	tokens := tr.tokens(t, []*Item{it})
	rgb, sigma := tr.model.Decode(tokens, tr.model.NewPoints(t, ri.positions[:3*ri.foreground], 1))
	offsets := make([]int32, len(ri.counts)+1)
	for i, c := range ri.counts {
		offsets[i+1] = offsets[i] + c
	}
	px, err := autograd.Composite(rgb, sigma, autograd.RaySamples{
		Spans: t.Float32(ri.spans, ri.foreground, 2).Value(), Offsets: t.Int32(offsets, len(offsets)),
	}).Value().ReadFloat32(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]float64{"mse": meanSquare(nerf.Pixels(px), ri.target)}, nil
}

// meanSquare is the mean squared difference of pixels' colours (5 values each)
// and targets (3 values each).
func meanSquare(px nerf.Pixels, target []float32) float64 {
	var sum float64
	for i, want := range target {
		d := float64(px[i/3*5+i%3] - want)
		sum += d * d
	}
	return sum / float64(len(target))
}
