package cpu

// Passes over a row of scores.

// expSum sets dst = exp((a - t) s) and returns its sum.
func expSum(dst, a []float32, t, s float32) float32 {
	if len(dst) == 0 {
		return 0
	}
	if level > portable {
		a = a[:len(dst)]
		return expSumVector(&dst[0], &a[0], len(dst), t, s)
	}
	vecExp(dst, a, t, s)
	return sum(dst)
}

// softmaxBack turns the scores of a row into weights, exp((weights - t) scale),
// and the gradients of the weights into those of the scores,
// (grads - delta) scale weights.
func softmaxBack(weights, grads []float32, t, scale, delta float32) {
	if len(weights) == 0 {
		return
	}
	if level > portable {
		grads = grads[:len(weights)]
		softmaxBackVector(&weights[0], &grads[0], len(weights), t, scale, delta)
		return
	}
	vecExp(weights, weights, t, scale)
	vecSubScale(grads, grads, delta, scale)
	vecMul(grads, grads, weights)
}
