// Package tensor holds arrays: their shape, their element type and where their
// bytes live, in host memory or in a GPU's. It knows no arithmetic.
//
// Every tensor is contiguous and in C order, so a kernel needs nothing but a
// pointer and a shape. A view shares the bytes of another tensor under another
// shape. Memory is counted, never left to the garbage collector: Free gives a
// tensor's bytes back to its device's pool once its last view is freed.
package tensor
