package cpu

// transpose sets dst[c*ds + r] = src[r*ss + c] for r < rows, c < cols.
func transpose(dst []float32, ds int, src []float32, ss, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = dst[(cols-1)*ds+rows-1], src[(rows-1)*ss+cols-1]
	r, wide := 0, cols-cols%transposeLen
	if level > portable && wide > 0 {
		for ; r+transposeLen <= rows; r += transposeLen {
			transposeVector(&dst[r], ds, &src[r*ss], ss, wide/transposeLen)
			for c := wide; c < cols; c++ {
				for i := range transposeLen {
					dst[c*ds+r+i] = src[(r+i)*ss+c]
				}
			}
		}
	}
	for ; r+4 <= rows; r += 4 {
		s0, s1, s2, s3 := src[r*ss:][:cols], src[(r+1)*ss:][:cols], src[(r+2)*ss:][:cols], src[(r+3)*ss:][:cols]
		for c, x := range s0 {
			d := dst[c*ds+r:][:4]
			d[0], d[1], d[2], d[3] = x, s1[c], s2[c], s3[c]
		}
	}
	for ; r < rows; r++ {
		for c, x := range src[r*ss:][:cols] {
			dst[c*ds+r] = x
		}
	}
}
