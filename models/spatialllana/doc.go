// Package spatialllana is the assembled model of Spatial LLaNA (NeurIPS 2025):
// a LLaMA-2 decoder that reads, between the words of a prompt, the spatial
// tokens of a NeRF, mapped to its width by a small projector.
//
// Models are Hugging Face folders: config.json, weights in safetensors or
// PyTorch files, the tokenizer's files, and projector.yaml, which describes the
// object tokens. Names and behaviour follow the reference
// (CVLAB-Unibo/Spatial-LLaNA, spatial_llana/model); the sizes, the projector's
// depth and the number of object tokens are free. A folder without a projector
// is a plain language model.
package spatialllana
