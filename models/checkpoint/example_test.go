package checkpoint_test

import (
	"fmt"
	"log"

	"llana/models/checkpoint"
)

func ExampleOpen() {
	src, err := checkpoint.Open("testdata/weights2space/ckpt.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	model := checkpoint.TrimPrefix(src, "weights2space.module.")
	t, err := model.Tensor("query_tokens")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Name, t.DType, t.Shape)
	// Output: query_tokens float32 [1 48 28]
}

func ExampleReadTorch() {
	v, err := checkpoint.ReadTorch("testdata/train.pt")
	if err != nil {
		log.Fatal(err)
	}
	ckpt := v.(*checkpoint.Dict)
	epoch, err := checkpoint.Get[int64](ckpt, "epoch")
	if err != nil {
		log.Fatal(err)
	}
	optimizer, err := checkpoint.Get[*checkpoint.Dict](ckpt, "optimizer")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(epoch, optimizer.Keys())
	// Output: 7 [state param_groups]
}
