// Package autograd differentiates programs made of the operations of package
// kernels. A Tape records what is computed; Backward runs the tape in reverse.
//
// Each function here (MatMul, LayerNorm, ...) launches a forward operation and
// says, as a closure, how its gradient is made of other operations. Nothing
// waits for the device. A tape owns every tensor made on it: during Backward
// each is freed as soon as no earlier step needs it, and Release frees the
// rest, so that a training step leaves no live memory behind.
//
// Models are written once, for training and for inference: on a tape that does
// not record, Block frees the intermediate results of each layer.
package autograd
