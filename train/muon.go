package train

import (
	"context"
	"fmt"
	"math"

	"llana/kernels"
	"llana/nn"
	"llana/tensor"
)

// Muon orthogonalises the momentum of weight matrices (Jordan et al. 2024) and
// leaves all other parameters to AdamW. At small sizes it trains weights2space
// in a fraction of AdamW's steps; the published training uses AdamW alone.
//
// A matrix moves by lr 0.4 sqrt(max(rows, columns)) times the orthogonalised
// Nesterov momentum, after decoupled weight decay.
type Muon struct {
	*AdamW // of the parameters that are not matrices; it also measures the norm
	all    []*nn.Param
	mats   []*nn.Param
	mom    []*tensor.Tensor
	rate   *tensor.Tensor // [1]
}

const (
	muonMomentum = 0.95
	muonScale    = 0.4
	muonRounds   = 5
)

// NewMuon returns an optimiser of params. isMatrix chooses among those with at
// least two axes longer than 1.
func NewMuon(d kernels.Device, params []*nn.Param, isMatrix func(p *nn.Param) bool) *Muon {
	m := &Muon{all: params, rate: tensor.New(d, d.Float(), 1)}
	var rest []*nn.Param
	for _, p := range params {
		if rows, cols := matrixShape(p); rows > 1 && cols > 1 && isMatrix(p) {
			m.mats = append(m.mats, p)
			b := tensor.New(d, p.Value.DType(), rows, cols)
			b.SetFloat32(make([]float32, rows*cols))
			m.mom = append(m.mom, b)
			continue
		}
		rest = append(rest, p)
	}
	m.AdamW = NewAdamW(d, rest)
	return m
}

// matrixShape sees a parameter as a matrix: rows, and all other axes together.
func matrixShape(p *nn.Param) (rows, cols int) {
	rows = p.Value.Dim(0)
	return rows, p.Value.Len() / max(1, rows)
}

// Params returns the optimised parameters, in the order of the state.
func (m *Muon) Params() []*nn.Param { return m.all }

// ZeroGrad starts a new sum of gradients.
func (m *Muon) ZeroGrad() {
	for _, p := range m.all {
		p.ZeroGrad()
	}
}

// Step updates every parameter that has a gradient.
func (m *Muon) Step(lr float64) {
	m.measured = m.all
	m.AdamW.Step(lr)
	for i, p := range m.mats {
		if p.HasGrad() {
			m.update(p, m.mom[i], lr)
		}
	}
}

func (m *Muon) update(p *nn.Param, mom *tensor.Tensor, lr float64) {
	d := m.dev
	s := &scratch{d: d}
	defer s.free()
	rows, cols := matrixShape(p)
	g := s.own(p.Grad.View(rows, cols))
	if m.MaxNorm > 0 {
		g = s.run(kernels.Mul, kernels.None{}, g, m.scale)
	}
	// mom = 0.95 mom + g; nesterov = g + 0.95 mom
	decayed := s.run(kernels.Scale, kernels.ScaleParams{By: muonMomentum}, mom)
	kernels.RunInto(d, kernels.Add, kernels.None{}, []*tensor.Tensor{decayed, g}, []*tensor.Tensor{mom})
	x := s.run(kernels.Add, kernels.None{}, g, s.run(kernels.Scale, kernels.ScaleParams{By: muonMomentum}, mom))
	x = s.orthogonalise(x)
	m.rate.SetFloat32([]float32{float32(-lr * muonScale * math.Sqrt(float64(max(rows, cols))))})
	step := s.run(kernels.Mul, kernels.None{}, x, m.rate)
	m.rate.SetFloat32([]float32{float32(1 - lr*m.WeightDecay)})
	w := s.own(p.Value.View(rows, cols))
	kept := s.run(kernels.Mul, kernels.None{}, w, m.rate)
	kernels.RunInto(d, kernels.Add, kernels.None{}, []*tensor.Tensor{kept, step}, []*tensor.Tensor{w})
}

// scratch owns the temporary tensors of one update.
type scratch struct {
	d    kernels.Device
	mine []*tensor.Tensor
}

func (s *scratch) own(t *tensor.Tensor) *tensor.Tensor { s.mine = append(s.mine, t); return t }

func (s *scratch) run(op *kernels.Op, p any, in ...*tensor.Tensor) *tensor.Tensor {
	return s.own(kernels.Run(s.d, op, p, in...)[0])
}

func (s *scratch) free() {
	for _, t := range s.mine {
		t.Free()
	}
}

// orthogonalise brings the singular values of x near 1 by Newton-Schulz
// iterations: X <- a X + (b Q + c Q^2) X with Q = X X^T, on the shorter side.
func (s *scratch) orthogonalise(x *tensor.Tensor) *tensor.Tensor {
	none := kernels.None{}
	sum := s.own(tensor.New(s.d, s.d.Float(), 1))
	sum.SetFloat32([]float32{1e-12})
	kernels.RunInto(s.d, kernels.SumSquares, none, []*tensor.Tensor{x}, []*tensor.Tensor{sum})
	clip := kernels.Run(s.d, kernels.ClipScale, kernels.ClipParams{MaxNorm: 1}, sum)
	norm := s.own(clip[0])
	s.own(clip[1])
	x = s.run(kernels.Div, none, x, norm)
	tall := x.Dim(0) > x.Dim(1)
	for range muonRounds {
		q := s.product(x, x, kernels.MatMulParams{TransA: tall, TransB: !tall})
		qq := s.product(q, q, kernels.MatMulParams{})
		poly := s.run(kernels.Add, none, s.run(kernels.Scale, kernels.ScaleParams{By: -4.775}, q), s.run(kernels.Scale, kernels.ScaleParams{By: 2.0315}, qq))
		var px *tensor.Tensor
		if tall {
			px = s.product(x, poly, kernels.MatMulParams{})
		} else {
			px = s.product(poly, x, kernels.MatMulParams{})
		}
		x = s.run(kernels.Add, none, s.run(kernels.Scale, kernels.ScaleParams{By: 3.4445}, x), px)
	}
	return x
}

func (s *scratch) product(a, b *tensor.Tensor, p kernels.MatMulParams) *tensor.Tensor {
	return s.run(kernels.MatMul, p, a, b, nil)
}

// State reads back the state of every parameter; a matrix has only its
// momentum, as ExpAvg.
func (m *Muon) State(ctx context.Context) ([]Moments, error) {
	rest, err := m.AdamW.State(ctx)
	if err != nil {
		return nil, err
	}
	var out []Moments
	nm, nr := 0, 0
	for _, p := range m.all {
		if nm < len(m.mats) && m.mats[nm] == p {
			v, err := m.mom[nm].ReadFloat32(ctx)
			if err != nil {
				return nil, err
			}
			out = append(out, Moments{Name: p.Name, Shape: p.Value.Shape(), ExpAvg: v})
			nm++
			continue
		}
		out = append(out, rest[nr])
		nr++
	}
	return out, nil
}

// Restore sets the state after the given number of steps.
func (m *Muon) Restore(steps int, state []Moments) error {
	if len(state) != len(m.all) {
		return fmt.Errorf("optimiser state has %d parameters, want %d", len(state), len(m.all))
	}
	var rest []Moments
	nm := 0
	for i, p := range m.all {
		if nm < len(m.mats) && m.mats[nm] == p {
			if len(state[i].ExpAvg) != m.mom[nm].Len() {
				return fmt.Errorf("optimiser state of %s has %d elements, want %d", p.Name, len(state[i].ExpAvg), m.mom[nm].Len())
			}
			m.mom[nm].SetFloat32(state[i].ExpAvg)
			nm++
			continue
		}
		rest = append(rest, state[i])
	}
	return m.AdamW.Restore(steps, rest)
}

// Free frees the state.
func (m *Muon) Free() {
	m.AdamW.Free()
	for _, t := range m.mom {
		t.Free()
	}
	m.rate.Free()
}
