// Package weights2space is the network of Spatial LLaNA (NeurIPS 2025) that
// turns the weights of a NeRF into spatial tokens: the vectors of a tri-plane,
// from which an implicit decoder recovers the NeRF's colours and densities.
//
// The published model maps a weight matrix of 336 x 64 to 3072 tokens of width
// 516, a tri-plane of 3 x 32 x 32. Sizes are free here; state-dict names,
// parameter order and arithmetic are those of the reference
// (CVLAB-Unibo/Spatial-LLaNA, weights2space/models).
package weights2space
