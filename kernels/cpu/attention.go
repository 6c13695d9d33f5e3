package cpu

import (
	"math"

	"llana/kernels"
)

func init() {
	fast[kernels.Attention] = onWideCache(attentionForward)
	fast[kernels.AttentionBackward] = attentionBackward
}

const (
	// tileQueries x tileKeys scores are in memory at a time for each worker.
	tileQueries = 48
	tileKeys    = 192
	// scoreRow is how far rows of scores lie apart: a power of two would put
	// them all into the same few places of a cache.
	scoreRow = tileKeys + 16
	// maxHead is the largest head size computed by tiles.
	maxHead = maxDepth
	// fewQueries is the number of queries up to which packing keys does not
	// pay.
	fewQueries = 4
)

// attention is one call: operands, lengths and masks.
type attention struct {
	kernels.AttentionParams
	kernels.AttentionSize
	kn      kernel
	q, k, v []float32 // k and v are nil where they are stored packed
	keys    keyRows
	values  keyRows
	lengths []int32
	mask    mask
	scale   float32
}

func newAttention(c *kernels.Call, lengths, seed int) *attention {
	p := c.P.(kernels.AttentionParams)
	a := &attention{
		AttentionParams: p, AttentionSize: p.SizeOf(c.In[0].Shape(), c.In[1].Shape()),
		kn: tileKernel(), q: floats(c.In[0]), keys: keyRowsOf(c.In[1]), values: keyRowsOf(c.In[2]), lengths: ints(c.In[lengths]),
	}
	a.k, a.v = a.keys.f, a.values.f
	if p.Dropout > 0 {
		a.mask = newMask(ints(c.In[seed])[0], p.Dropout)
	}
	a.scale = p.ScaleFor(a.D)
	return a
}

// The rows of one head are this far apart in q and in k.
func (a *attention) strideQ() int { return a.H * a.D }
func (a *attention) strideK() int { return a.Hkv * a.D }

// query and key return where a head's rows begin in q and in k.
func (a *attention) query(b, i, h int) int { return ((b*a.Tq+i)*a.H + h) * a.D }
func (a *attention) key(b, j, h int) int   { return ((b*a.Rows+j)*a.Hkv + h) * a.D }

// visible returns how many keys query i of item b sees.
func (a *attention) visible(b, i int) int {
	keys := a.Tk
	if a.lengths != nil {
		keys = max(0, min(keys, int(a.lengths[b])))
	}
	return a.Visible(i, keys)
}

// masked tells whether queries see different numbers of keys.
func (a *attention) masked() bool { return a.Causal || a.lengths != nil }

// tiled tells whether the call can be computed by tiles. A tile computes some
// masked pairs, with weight 0, so that a NaN or an infinity in them would
// come through: then the reference has to do it.
func (a *attention) tiled(operands ...[]float32) bool {
	if a.D > maxHead || a.D == 0 || !(a.scale > 0) {
		return false
	}
	if a.masked() {
		for _, x := range operands {
			if s := sum(x); s-s != 0 {
				return false
			}
		}
	}
	return true
}

// hashRow is the counter of key 0 for dropout.
func (a *attention) hashRow(b, h, i int) uint32 { return uint32(((b*a.H+h)*a.Tq + i) * a.Tk) }

// packKeys packs rows of k or v, as the right operand of products with
// rows (transposed: depth D, one column for each key) or with weights (depth
// keys, D columns).
func (a *attention) packKeys(w *worker, slot int, x []float32, b, h int, transposed bool, tiles []gemm) []gemm {
	tiles = tiles[:0]
	n, size := a.Tk, 0
	for j := 0; j < n; j += tileKeys {
		g := gemm{k: min(tileKeys, n-j), n: a.D, b: x[a.key(b, j, h):], bks: a.strideK(), bns: 1}
		if transposed {
			g.n, g.k, g.bks, g.bns = g.k, g.n, 1, g.bks
		}
		size += g.packedSize(&a.kn)
		tiles = append(tiles, g)
	}
	buf := w.floats(slot, size)
	for i := range tiles {
		g := &tiles[i]
		n := g.packedSize(&a.kn)
		g.packInto(w, buf[:n], &a.kn)
		g.packedK = g.k
		buf = buf[n:]
	}
	return tiles
}

// multiply computes rows x cols of a left operand and a packed one:
// c = a b, or += with add.
func (a *attention) multiply(w *worker, right *gemm, left []float32, ars, aks, rows, depth, cols int, c []float32, ldc int, add bool) {
	g := *right
	g.m, g.k, g.n = rows, depth, cols
	g.a, g.ars, g.aks, g.c, g.ldc, g.add = left, ars, aks, c, ldc, add
	g.run(w, &a.kn, 0, rows, 0, (cols+a.kn.nr-1)/a.kn.nr)
}

func attentionForward(d *device, c *kernels.Call) {
	out, lse := floats(c.Out[0]), floats(c.Out[1])
	a := newAttention(c, 3, 4)
	switch {
	case a.D > 0 && a.Tq <= fewQueries:
		a.decode(d, out, lse)
	case a.tiled(a.v):
		// A head's queries are cut when there are few heads.
		cuts := 1
		for cuts*a.B*a.H < 8 && a.Tq/cuts >= 4*tileQueries {
			cuts *= 2
		}
		each := roundUp((a.Tq+cuts-1)/cuts, tileQueries)
		d.rows(a.B*a.H*cuts, each*a.Tk*a.D/16, func(w *worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				first := i % cuts * each
				a.head(w, i/cuts/a.H, i/cuts%a.H, first, min(first+each, a.Tq), out, lse)
			}
		})
	default:
		c.Reference()
	}
}

// head computes the queries q0..q1 of one head, tile by tile with running
// maximum and sum ("online softmax").
func (a *attention) head(w *worker, b, h, q0, q1 int, out, lse []float32) {
	hk := h / (a.H / a.Hkv)
	w.right[0] = a.packKeys(w, scratch0, a.k, b, hk, true, w.right[0])
	w.right[1] = a.packKeys(w, scratch1, a.v, b, hk, false, w.right[1])
	keys, values := w.right[0], w.right[1]
	scores := w.floats(scratch2, tileQueries*scoreRow)
	o := w.floats(scratch3, tileQueries*a.D)
	var top, total [tileQueries]float32
	masked := a.masked()
	for i := q0; i < q1; i += tileQueries {
		rows := min(tileQueries, q1-i)
		for r := range rows {
			top[r], total[r] = float32(math.Inf(-1)), 0
		}
		clear(o)
		last := a.visible(b, i+rows-1) // no row of the tile sees more
		for t := 0; t*tileKeys < last; t++ {
			j := t * tileKeys
			n := min(tileKeys, last-j)
			a.multiply(w, &keys[t], a.q[a.query(b, i, h):], a.strideQ(), 1, rows, a.D, n, scores, scoreRow, false)
			for r := range rows {
				s := scores[r*scoreRow : r*scoreRow+n]
				if masked {
					seen := max(0, min(n, a.visible(b, i+r)-j))
					clear(s[seen:])
					if seen == 0 {
						continue
					}
					s = s[:seen]
				}
				m := max(top[r], largest(s))
				if m != top[r] && t > 0 {
					f := expf((top[r] - m) * a.scale)
					total[r] *= f
					row := o[r*a.D : (r+1)*a.D]
					vecSubScale(row, row, 0, f)
				}
				top[r] = m
				total[r] += expSum(s, s, m, a.scale)
				if a.Dropout > 0 {
					a.mask.drop(s, s, a.hashRow(b, h, i+r)+uint32(j))
				}
			}
			a.multiply(w, &values[t], scores, scoreRow, 1, rows, n, a.D, o, a.D, true)
		}
		for r := range rows {
			at, row := a.query(b, i+r, h), (b*a.H+h)*a.Tq+i+r
			if a.visible(b, i+r) == 0 {
				clear(out[at : at+a.D])
				lse[row] = float32(math.Inf(-1))
				continue
			}
			vecSubScale(out[at:at+a.D], o[r*a.D:(r+1)*a.D], 0, 1/total[r])
			lse[row] = a.scale*top[r] + float32(math.Log(float64(total[r])))
		}
	}
}
