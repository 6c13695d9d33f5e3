// Package nn builds layers of named parameters on package autograd: linear
// maps, normalisations, embeddings and attention as PyTorch defines them, with
// PyTorch's initialisation and state-dict keys, so that its checkpoints load
// by name. It knows neither files nor tasks.
package nn
