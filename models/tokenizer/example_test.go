package tokenizer_test

import (
	"fmt"

	"llana/models/tokenizer"
)

func Example() {
	tok, err := tokenizer.Build([]string{"the", "red", "ball"}, "<point_patch>")
	if err != nil {
		fmt.Println(err)
		return
	}
	ids := tok.Encode("<point_patch>the red ball.")
	for _, id := range ids {
		fmt.Println(tok.Piece(id))
	}
	fmt.Println(tok.Decode(ids, true))
	// Output:
	// <s>
	// <point_patch>
	// ▁the
	// ▁red
	// ▁ball
	// .
	// the red ball.
}
