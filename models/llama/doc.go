// Package llama is the decoder of LLaMA-2 (Touvron et al. 2023) as Hugging
// Face transformers defines and names it: RMSNorm before each part, rotary
// positions, causal attention whose key heads may be shared by groups of query
// heads, SwiGLU, no biases.
//
// A Model registers its parameters in the caller's nn.Set, so that a larger
// model can hold it. Sequences are batches (B, T, width); where they have
// different lengths they are filled up on the right, which causal attention
// never looks at from a real token.
package llama
