package conversation

// Batch holds examples of different lengths as rows of equal length.
type Batch struct {
	Rows, Cols int
	IDs        []int32 // (Rows, Cols), filled up on the right with the padding id
	Labels     []int32 // (Rows, Cols), filled up with Ignore
	Lengths    []int   // (Rows), the ids of each row before the padding

	pad int32
}

// Collate puts examples into one batch, as long as the longest of them.
func Collate(examples []Example, pad int) Batch {
	b := Batch{Rows: len(examples), Lengths: make([]int, len(examples)), pad: int32(pad)}
	for i, ex := range examples {
		b.Lengths[i] = len(ex.IDs)
		b.Cols = max(b.Cols, len(ex.IDs))
	}
	b.IDs = make([]int32, b.Rows*b.Cols)
	b.Labels = make([]int32, b.Rows*b.Cols)
	for i, ex := range examples {
		ids, labels := b.IDs[i*b.Cols:(i+1)*b.Cols], b.Labels[i*b.Cols:(i+1)*b.Cols]
		copy(ids, ex.IDs)
		copy(labels, ex.Labels)
		for j := len(ex.IDs); j < b.Cols; j++ {
			ids[j], labels[j] = b.pad, Ignore
		}
	}
	return b
}

// Mask returns (Rows, Cols): whether attention may look at a position. As in
// the reference that is every id but the padding id, also where the padding
// id (<unk>) stands inside a conversation.
func (b Batch) Mask() []bool {
	mask := make([]bool, len(b.IDs))
	for i, id := range b.IDs {
		mask[i] = id != b.pad
	}
	return mask
}
