package kernels

import "llana/tensor"

// attentionShape describes a case of Attention or AttentionBackward.
type attentionShape struct {
	name                   string
	p                      AttentionParams
	b, tq, rows, h, hkv, d int
	lengths                []float64
	special, bench         bool
	cache                  tensor.DType // of keys and values; only forward
}

func attentionCases(build func(attentionShape) Case) []Case {
	causal, dropped := AttentionParams{Causal: true}, AttentionParams{Dropout: 0.3}
	var cases []Case
	for _, s := range []attentionShape{
		{name: "odd head size", b: 2, tq: 9, rows: 7, h: 3, hkv: 3, d: 43, special: true},
		{name: "larger than a tile", b: 1, tq: 70, rows: 131, h: 2, hkv: 2, d: 43, special: true},
		{name: "head size 7", b: 2, tq: 66, rows: 20, h: 2, hkv: 2, d: 7},
		{name: "head size 64", b: 1, tq: 20, rows: 65, h: 2, hkv: 2, d: 64},
		{name: "head size 128", b: 1, tq: 65, rows: 66, h: 2, hkv: 2, d: 128},
		{name: "head size 200", b: 1, tq: 20, rows: 70, h: 1, hkv: 1, d: 200},
		{name: "head size 300", b: 1, tq: 9, rows: 9, h: 1, hkv: 1, d: 300},
		{name: "own scale", p: AttentionParams{Scale: 0.7}, b: 1, tq: 10, rows: 10, h: 2, hkv: 2, d: 8},
		{name: "causal", p: causal, b: 1, tq: 130, rows: 130, h: 2, hkv: 2, d: 32},
		{name: "causal, before a cache", p: AttentionParams{Causal: true, Offset: 65}, b: 2, tq: 10, rows: 75, h: 2, hkv: 2, d: 16},
		{name: "causal, rows without keys", p: AttentionParams{Causal: true, Offset: -70}, b: 1, tq: 80, rows: 80, h: 1, hkv: 1, d: 16},
		{name: "grouped", p: causal, b: 2, tq: 33, rows: 33, h: 6, hkv: 2, d: 16},
		{name: "one key head", b: 1, tq: 33, rows: 70, h: 4, hkv: 1, d: 24},
		{name: "lengths", b: 4, tq: 20, rows: 70, h: 2, hkv: 2, d: 16, lengths: []float64{5, 70, 0, 100}},
		{name: "causal with lengths", p: causal, b: 2, tq: 70, rows: 70, h: 2, hkv: 1, d: 16, lengths: []float64{40, 66}},
		{name: "part of a cache", p: AttentionParams{Causal: true, Offset: 30, Keys: 40}, b: 2, tq: 10, rows: 100, h: 2, hkv: 2, d: 16},
		{name: "dropout", p: dropped, b: 2, tq: 70, rows: 66, h: 2, hkv: 2, d: 43},
		{name: "dropout, grouped, causal, lengths", p: AttentionParams{Causal: true, Dropout: 0.1}, b: 2, tq: 70, rows: 70, h: 4, hkv: 2, d: 16, lengths: []float64{70, 50}},
		{name: "dropout, few queries", p: dropped, b: 1, tq: 2, rows: 70, h: 2, hkv: 2, d: 16},
		{name: "many heads", b: 2, tq: 70, rows: 67, h: 64, hkv: 64, d: 43, special: true},
		{name: "many heads, dropout", p: dropped, b: 2, tq: 65, rows: 66, h: 64, hkv: 64, d: 43},
		{name: "many heads of 64, causal, lengths", p: causal, b: 2, tq: 130, rows: 130, h: 64, hkv: 32, d: 64, lengths: []float64{130, 75}},
		{name: "many heads of 20, before a cache", p: AttentionParams{Causal: true, Offset: 3, Keys: 70}, b: 4, tq: 66, rows: 80, h: 32, hkv: 32, d: 20},
		{name: "many heads of 13", b: 1, tq: 66, rows: 66, h: 128, hkv: 128, d: 13},
		{name: "one query", p: AttentionParams{Causal: true, Offset: 699}, b: 1, tq: 1, rows: 700, h: 4, hkv: 2, d: 128},
		{name: "one query, odd head size", b: 2, tq: 1, rows: 300, h: 3, hkv: 3, d: 43, special: true},
		{name: "one query, head size 256", b: 1, tq: 1, rows: 257, h: 1, hkv: 1, d: 256},
		{name: "one query, short cache", p: AttentionParams{Causal: true, Offset: 4, Keys: 5}, b: 2, tq: 1, rows: 300, h: 2, hkv: 2, d: 32},
		{name: "one query, lengths", b: 3, tq: 1, rows: 600, h: 2, hkv: 2, d: 16, lengths: []float64{5, 600, 0}},
		{name: "few queries", p: AttentionParams{Causal: true, Offset: 254}, b: 2, tq: 3, rows: 260, h: 2, hkv: 1, d: 8},
		{name: "few queries, rows without keys", p: AttentionParams{Causal: true, Offset: -2}, b: 1, tq: 4, rows: 5, h: 2, hkv: 1, d: 8},
		{name: "no queries", b: 2, tq: 0, rows: 5, h: 2, hkv: 2, d: 8},
		{name: "no keys", b: 1, tq: 20, rows: 0, h: 2, hkv: 2, d: 8},
		{name: "one query, no keys", b: 1, tq: 1, rows: 0, h: 2, hkv: 2, d: 8},
		{name: "bench, 12 heads of 43", b: 1, tq: 3072, rows: 3072, h: 12, hkv: 12, d: 43, bench: true},
		{name: "bench, 12 heads of 43, dropout", p: AttentionParams{Dropout: 0.1}, b: 1, tq: 3072, rows: 3072, h: 12, hkv: 12, d: 43, bench: true},
		{name: "bench, 12 heads of 43, 336 keys", b: 1, tq: 3072, rows: 336, h: 12, hkv: 12, d: 43, bench: true},
		{name: "bench, training, 12 heads of 64", p: causal, b: 8, tq: 512, rows: 512, h: 12, hkv: 12, d: 64, bench: true},
		{name: "bench, causal, 32 heads of 128", p: causal, b: 1, tq: 3125, rows: 3125, h: 32, hkv: 32, d: 128, bench: true},
		{name: "bench, one query", p: AttentionParams{Causal: true, Offset: 3199, Keys: 3200}, b: 1, tq: 1, rows: 4096, h: 32, hkv: 32, d: 128, bench: true},
	} {
		cases = append(cases, build(s))
	}
	return cases
}

func attentionCase(s attentionShape) Case {
	lengths, seed := s.masks()
	return Case{Name: s.name, P: s.p, Special: s.special, Bench: s.bench,
		In: []Fill{Normal(s.b, s.tq, s.h, s.d), Normal(s.b, s.rows, s.hkv, s.d).As(s.cache), Normal(s.b, s.rows, s.hkv, s.d).As(s.cache), lengths, seed}}
}

// cachedCases have keys and values of 16 bits, by fours, by twos and one query.
func cachedCases() []Case {
	var cases []Case
	for _, d := range []tensor.DType{tensor.F16, tensor.BF16} {
		for _, s := range []attentionShape{
			{name: "head size 64", b: 2, tq: 70, rows: 90, h: 4, hkv: 2, d: 64, special: true},
			{name: "head size 6", b: 2, tq: 20, rows: 30, h: 2, hkv: 2, d: 6},
			{name: "one query", p: AttentionParams{Causal: true, Offset: 699}, b: 1, tq: 1, rows: 700, h: 4, hkv: 2, d: 128},
			{name: "one query, head size 64", p: AttentionParams{Causal: true, Offset: 299}, b: 1, tq: 1, rows: 300, h: 12, hkv: 12, d: 64},
			{name: "one query, head size 6", b: 2, tq: 1, rows: 40, h: 3, hkv: 3, d: 6},
		} {
			s.name, s.cache = d.String()+", "+s.name, d
			cases = append(cases, attentionCase(s))
		}
	}
	return append(cases, attentionCase(attentionShape{name: "bench, float16, one query", p: AttentionParams{Causal: true, Offset: 3199, Keys: 3200},
		b: 1, tq: 1, rows: 4096, h: 32, hkv: 32, d: 128, bench: true, cache: tensor.F16}))
}

// attentionBackwardCase draws out and lse freely, lse so that no weight is far
// above 1.
func attentionBackwardCase(s attentionShape) Case {
	lengths, seed := s.masks()
	q, k := Normal(s.b, s.tq, s.h, s.d), Normal(s.b, s.rows, s.hkv, s.d)
	return Case{Name: s.name, P: s.p, Bench: s.bench,
		In: []Fill{q, k, k, q, Uniform(3, 5, s.b, s.h, s.tq), q, lengths, seed}}
}

func (s attentionShape) masks() (lengths, seed Fill) {
	if s.lengths != nil {
		lengths = Values(s.lengths, s.b)
	}
	if s.p.Dropout > 0 {
		seed = Fixed(1234567, 1)
	}
	return lengths, seed
}
