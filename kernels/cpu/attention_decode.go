package cpu

import "math"

// keysAtOnce is the number of keys that a piece of work reads of all heads.
const keysAtOnce = 64

// decoding is attention with few queries and many keys. A piece of work is a
// run of keys, whose rows it reads from end to end, all heads together: the
// rows of one head alone lie far apart. Each piece leaves its largest score,
// the sum of exponentials and the weighted sum of values of each query head,
// which are put together at the end.
type decoding struct {
	*attention
	parts    int // runs of keys
	sums     []float32
	top, all []float32 // largest scores, sums of exponentials
	out, lse []float32
}

// at returns the place of a query head's results of a part.
func (d *decoding) at(b, i, part, h int) int { return ((b*d.Tq+i)*d.parts+part)*d.H + h }

func (a *attention) decode(dev *device, out, lse []float32) {
	d := &decoding{attention: a, parts: (a.Tk + keysAtOnce - 1) / keysAtOnce, out: out, lse: lse}
	n := a.B * a.Tq * d.parts * a.H
	d.sums = dev.common.floats(scratch0, n*a.D)
	d.top, d.all = dev.common.floats(scratch1, n), dev.common.floats(scratch2, n)
	cost := a.Tq * min(a.Tk, keysAtOnce) * a.H * (a.D/8 + 8)
	dev.rows(a.B*d.parts, cost, func(w *worker, lo, hi int) {
		for p := lo; p < hi; p++ {
			for i := range a.Tq {
				d.part(w, p/d.parts, i, p%d.parts)
			}
		}
	})
	dev.rows(a.B*a.Tq*a.H, d.parts*(a.D/8+32), func(_ *worker, lo, hi int) {
		for q := lo; q < hi; q++ {
			d.combine(q/a.H/a.Tq, q/a.H%a.Tq, q%a.H)
		}
	})
}

// part reads one run of keys for one query.
func (d *decoding) part(w *worker, b, i, part int) {
	j := part * keysAtOnce
	n := min(keysAtOnce, d.visible(b, i)-j)
	if n <= 0 {
		return
	}
	scores := w.floats(scratch0, d.H*keysAtOnce)
	d.score(w, scores, d.q[d.query(b, i, 0):], d.key(b, j, 0), n)
	first := d.at(b, i, part, 0)
	for h := range d.H {
		s := scores[h*keysAtOnce:][:n]
		d.top[first+h], d.all[first+h] = expShifted(s, s)
		if math.IsInf(float64(d.top[first+h]), -1) { // other parts may have weights
			d.all[first+h] = 0
			clear(s)
		}
		if d.Dropout > 0 {
			d.mask.drop(s, s, d.hashRow(b, h, i)+uint32(j))
		}
	}
	sums := d.sums[first*d.D:][:d.H*d.D]
	clear(sums)
	d.weigh(w, sums, scores, d.key(b, j, 0), n)
}

// score sets the scores of the n keys from element at on, for all heads of a
// query, four keys at a time.
func (d *decoding) score(w *worker, scores, query []float32, at, n int) {
	group, step := d.H/d.Hkv, d.strideK()
	for t := 0; t < n; {
		rows := min(4, n-t)
		keys := d.keys.read(w, at+t*step, rows*step)
		for h := range d.H {
			q, k := query[h*d.D:(h+1)*d.D], keys[h/group*d.D:]
			s := scores[h*keysAtOnce+t:][:rows]
			if rows == 4 {
				for r, v := range dot4(q, k, step) {
					s[r] = d.scale * v
				}
				continue
			}
			for r := range s {
				s[r] = d.scale * dot(q, k[r*step:][:d.D])
			}
		}
		t += rows
	}
}

// weigh adds n rows of values times their weights to the sums of all heads.
func (d *decoding) weigh(w *worker, sums, weights []float32, at, n int) {
	group, step := d.H/d.Hkv, d.strideK()
	for t := 0; t < n; {
		rows := min(4, n-t)
		values := d.values.read(w, at+t*step, rows*step)
		for h := range d.H {
			o, v := sums[h*d.D:(h+1)*d.D], values[h/group*d.D:]
			p := weights[h*keysAtOnce+t:][:rows]
			if rows == 4 {
				addRows4(o, v, step, (*[4]float32)(p))
				continue
			}
			for r, f := range p {
				vecAddScaled(o, o, v[r*step:][:d.D], f)
			}
		}
		t += rows
	}
}

// combine puts the parts of a query head together.
func (d *decoding) combine(b, i, h int) {
	row, o := (b*d.H+h)*d.Tq+i, d.out[d.query(b, i, h):][:d.D]
	parts := (d.visible(b, i) + keysAtOnce - 1) / keysAtOnce
	clear(o)
	if parts == 0 {
		d.lse[row] = float32(math.Inf(-1))
		return
	}
	top := d.top[d.at(b, i, 0, h)]
	for p := 1; p < parts; p++ {
		top = max(top, d.top[d.at(b, i, p, h)])
	}
	var total float32
	for p := range parts {
		at := d.at(b, i, p, h)
		f := expf(d.top[at] - top)
		total += f * d.all[at]
		vecAddScaled(o, o, d.sums[at*d.D:(at+1)*d.D], f)
	}
	vecSubScale(o, o, 0, 1/total)
	d.lse[row] = top + float32(math.Log(float64(total)))
}
