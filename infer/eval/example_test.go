package eval_test

import (
	"fmt"
	"log"

	"llana/infer/eval"
)

// A multiple-choice question embeds its options; a reply picks one by letter or
// in its words.
func ExampleChoice_Pick() {
	c := eval.Choice{Options: eval.ParseOptions("Where are the legs?\nA. above the seat\nB. below the seat")}
	for _, reply := range []string{"B", "The answer is (A).", "Below the seat.", "A chair has legs."} {
		fmt.Printf("%q: %q\n", reply, eval.Letter(c.Pick(reply)))
	}
	// Output:
	// "B": "B"
	// "The answer is (A).": "A"
	// "Below the seat.": "B"
	// "A chair has legs.": ""
}

// The kind of text is part of the results' name, unlike in the reference, where
// one overwrites the other.
func ExampleTask_FileName() {
	for _, text := range []string{"", eval.Detailed, eval.Single} {
		t, err := eval.NewTask(eval.ShapeTest, text)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.FileName())
	}
	// Output:
	// shapenerf_test_brief_description.json
	// shapenerf_test_detailed_description.json
	// shapenerf_test_single_round.json
}
