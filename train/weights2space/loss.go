// Package weights2space trains models/weights2space: from rays, as the
// reference does, or from points of the NeRFs.
package weights2space

import (
	"llana/autograd"
	model "llana/models/weights2space"
)

// RayBatch is one step's supervision from rays, for B NeRFs: M positions for
// each, of which the first Foreground[b] are samples of rays and the rest lie
// in empty space.
type RayBatch struct {
	Positions  []float32 // B M x 3, world
	Foreground []int     // samples of rays, for each NeRF
	// Of all rays, NeRF after NeRF: Offsets counts their samples, Spans are
	// those samples' intervals, Target and Background are colours.
	Offsets    []int32
	Spans      []float32 // samples x 2
	Target     []float32 // rays x 3
	Background []float32 // rays x 3
}

// Loss is the reference's loss for tokens (B, T, width):
//
//	(1 - bgWeight) smoothL1(rendered, target) + bgWeight smoothL1(background, colour)
//
// where a position in empty space is blended as rgb sigma + bg (1 - sigma),
// with the raw density, and the shorter lists of such positions are padded
// with zeros that count in the mean. It also returns the rendered colours
// (rays, 3) and the blended ones of all positions in empty space, without the
// padding.
func Loss(m *model.Model, tokens *autograd.Var, b RayBatch, bgWeight float32) (loss, colours, empty *autograd.Var) {
	t := tokens.Tape()
	items := len(b.Foreground)
	perItem := len(b.Positions) / 3 / items
	rgb, sigma := m.Decode(tokens, m.NewPoints(t, b.Positions, items))
	fg, bg, bgRay, padded := b.rows(perItem)
	rays := len(b.Offsets) - 1

	background := t.Float32(b.Background, rays, 3)
	pixels := autograd.Composite(gather(rgb, fg), gather(sigma.View(-1, 1), fg).View(-1), autograd.RaySamples{
		Spans:      t.Float32(b.Spans, len(fg), 2).Value(),
		Offsets:    t.Int32(b.Offsets, rays+1),
		Background: background.Value(),
	})
	colours = autograd.Slice(pixels, 1, 0, 3)
	loss = autograd.Scale(autograd.SmoothL1(colours, t.Float32(b.Target, rays, 3)), 1-bgWeight)
	if len(bg) == 0 {
		return loss, colours, nil
	}
	colour := gather(background, bgRay)
	density := gather(sigma.View(-1, 1), bg)
	// rgb sigma + c (1 - sigma) = c + sigma (rgb - c)
	empty = autograd.Add(colour, autograd.Mul(density, autograd.Sub(gather(rgb, bg), colour)))
	share := float32(len(bg)) / float32(padded)
	return autograd.Add(loss, autograd.Scale(autograd.SmoothL1(empty, colour), bgWeight*share)), colours, empty
}

// rows returns the rows of all positions that belong to rays and to empty
// space, for each of the latter a ray of the same NeRF, and the number of
// empty positions when every NeRF has as many as the one with most.
func (b *RayBatch) rows(perItem int) (fg, bg, bgRay []int32, padded int) {
	most := 0
	raysPerItem := (len(b.Offsets) - 1) / len(b.Foreground)
	for i, n := range b.Foreground {
		for j := range perItem {
			row := int32(i*perItem + j)
			if j < n {
				fg = append(fg, row)
			} else {
				bg = append(bg, row)
				bgRay = append(bgRay, int32(i*raysPerItem))
			}
		}
		most = max(most, perItem-n)
	}
	return fg, bg, bgRay, most * len(b.Foreground)
}

// gather returns rows of a matrix.
func gather(x *autograd.Var, rows []int32) *autograd.Var {
	return autograd.Embedding(x, x.Tape().Int32(rows, len(rows)))
}
