package cpu

import (
	"llana/kernels"
)

// attentionGradient is a call of AttentionBackward.
type attentionGradient struct {
	attention
	out, lse, dout []float32
	dq, dk, dv     []float32
}

func attentionBackward(d *device, c *kernels.Call) {
	a := &attentionGradient{
		attention: *newAttention(c, 6, 7),
		out:       floats(c.In[3]), lse: floats(c.In[4]), dout: floats(c.In[5]),
		dq: floats(c.Out[0]), dk: floats(c.Out[1]), dv: floats(c.Out[2]),
	}
	if !a.tiled(a.q, a.k, a.v, a.dout) {
		c.Reference()
		return
	}
	clear(a.dq)
	clear(a.dk)
	clear(a.dv)
	d.rows(a.B*a.Hkv, a.H/a.Hkv*a.Tq*a.Tk*a.D/4, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.keyHead(w, i/a.Hkv, i%a.Hkv)
		}
	})
}

// keyHead computes everything that belongs to one head of keys: its dk and dv
// and the dq of the query heads that read it.
func (a *attentionGradient) keyHead(w *worker, b, hk int) {
	w.right[0] = a.packKeys(w, scratch0, a.k, b, hk, true, w.right[0])
	w.right[1] = a.packKeys(w, scratch1, a.v, b, hk, true, w.right[1])
	w.right[2] = a.packKeys(w, scratch2, a.k, b, hk, false, w.right[2])
	group := a.H / a.Hkv
	for h := hk * group; h < (hk+1)*group; h++ {
		for i := 0; i < a.Tq; i += tileQueries {
			a.queryTile(w, b, hk, h, i, min(tileQueries, a.Tq-i))
		}
	}
}

// queryTile adds what the queries from i on give and get.
func (a *attentionGradient) queryTile(w *worker, b, hk, h, i, rows int) {
	weights, grads := w.floats(scratch3, tileQueries*scoreRow), w.floats(scratch4, tileQueries*scoreRow)
	at := a.query(b, i, h)
	// The tile's rows of q and dout as right operands.
	q := gemm{n: a.D, k: rows, b: a.q[at:], bks: a.strideQ(), bns: 1}
	dout := gemm{n: a.D, k: rows, b: a.dout[at:], bks: a.strideQ(), bns: 1}
	q.packInto(w, w.floats(scratch5, q.packedSize(&a.kn)), &a.kn)
	dout.packInto(w, w.floats(scratch6, dout.packedSize(&a.kn)), &a.kn)
	var delta [tileQueries]float32 // sum over keys of a weight times its gradient
	for r := range rows {
		o := a.query(b, i+r, h)
		delta[r] = dot(a.dout[o:o+a.D], a.out[o:o+a.D])
	}
	last := a.visible(b, i+rows-1)
	for t := 0; t*tileKeys < last; t++ {
		j := t * tileKeys
		n := min(tileKeys, last-j)
		a.multiply(w, &w.right[0][t], a.q[at:], a.strideQ(), 1, rows, a.D, n, weights, scoreRow, false)
		a.multiply(w, &w.right[1][t], a.dout[at:], a.strideQ(), 1, rows, a.D, n, grads, scoreRow, false)
		for r := range rows {
			a.scoreGradients(b, h, i+r, j, delta[r], weights[r*scoreRow:][:n], grads[r*scoreRow:][:n])
		}
		key, step := a.key(b, j, hk), a.strideK()
		a.multiply(w, &dout, weights, 1, scoreRow, n, rows, a.D, a.dv[key:], step, true)
		a.multiply(w, &q, grads, 1, scoreRow, n, rows, a.D, a.dk[key:], step, true)
		a.multiply(w, &w.right[2][t], grads, scoreRow, 1, rows, n, a.D, a.dq[at:], a.strideQ(), true)
	}
}

// scoreGradients turns the scores of a query and the keys from j on into
// weights, dropped ones scaled, and the gradients of the weights into those of
// the scores. Both become 0 where the query does not see the key.
func (a *attentionGradient) scoreGradients(b, h, i, j int, delta float32, weights, grads []float32) {
	seen := max(0, min(len(weights), a.visible(b, i)-j))
	clear(weights[seen:])
	clear(grads[seen:])
	weights, grads = weights[:seen], grads[:seen]
	t := a.lse[(b*a.H+h)*a.Tq+i] / a.scale
	if a.Dropout == 0 {
		softmaxBack(weights, grads, t, a.scale, delta)
		return
	}
	hash := a.hashRow(b, h, i) + uint32(j)
	a.mask.drop(grads, grads, hash)
	softmaxBack(weights, grads, t, a.scale, delta)
	a.mask.drop(weights, weights, hash)
}
