// Package nerf holds the radiance fields that llana reads: bias-free MLPs over
// a frequency encoding, as tiny-cuda-nn and nerfacc fitted them for LLaNA and
// nf2vec. It reads and writes their files, evaluates and renders them, and
// fits new ones to posed views.
package nerf
