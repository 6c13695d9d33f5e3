package cpu

import (
	"math"

	"llana/kernels"
)

// adamWConsts are the factors of a step, in the order the vector code loads
// them.
type adamWConsts struct {
	scale, decay, beta1, rest1, beta2, rest2, rootC2, eps, rate float32
}

func adamW(d *device, c *kernels.Call) {
	o := c.P.(kernels.AdamWParams)
	step := floats(c.In[1])
	k := &adamWConsts{
		scale: 1, decay: 1 - step[0]*float32(o.WeightDecay),
		beta1: float32(o.Beta1), rest1: float32(1 - o.Beta1), beta2: float32(o.Beta2), rest2: float32(1 - o.Beta2),
		rootC2: float32(math.Sqrt(float64(step[2]))), eps: float32(o.Eps), rate: step[0] / step[1],
	}
	if s := floats(c.In[2]); s != nil {
		k.scale = s[0]
	}
	g, p, m, v := floats(c.In[0]), floats(c.Out[0]), floats(c.Out[1]), floats(c.Out[2])
	d.split(len(g), 2, func(_ *worker, lo, hi int) { vecAdamW(p[lo:hi], m[lo:hi], v[lo:hi], g[lo:hi], k) })
}

// vecAdamW makes one step.
func vecAdamW(p, m, v, g []float32, k *adamWConsts) {
	if len(p) == 0 {
		return
	}
	m, v, g = m[:len(p)], v[:len(p)], g[:len(p)]
	if level > portable {
		adamWVector(&p[0], &m[0], &v[0], &g[0], len(p), k)
		return
	}
	for i := range p {
		x := g[i] * k.scale
		m[i] = k.beta1*m[i] + k.rest1*x
		v[i] = k.beta2*v[i] + k.rest2*x*x
		p[i] = p[i]*k.decay - k.rate*m[i]/(float32(math.Sqrt(float64(v[i])))/k.rootC2+k.eps)
	}
}
