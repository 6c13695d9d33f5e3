// Package language trains the language model: on text alone (Text), then its
// projector with the decoder frozen (Stage1), then everything (Stage2).
//
// The two stages follow the reference (CVLAB-Unibo/Spatial-LLaNA,
// spatial_llana/train) and the transformers Trainer it uses: AdamW without
// decay, gradients clipped to a norm of 1, a cosine schedule whose first step
// has a learning rate of 0, the mean cross entropy of a batch's answers.
// Arithmetic is float32.
package language
