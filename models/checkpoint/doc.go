// Package checkpoint reads and writes the files that model weights and arrays
// are published in: safetensors, PyTorch's zip container (.pth, .pt, .bin),
// Hugging Face model folders made of either, and NumPy's .npy.
//
// Open gives lazy access to the named tensors of any of them, ReadTorch the
// whole object tree of a training checkpoint, ReadNPY one array.
//
// Files are not trusted: every size and offset a header claims is checked
// against the file before memory is taken for it, and the unpickler builds
// tensors and plain containers only. It never looks up, let alone calls, a
// name that is not on its short list. Errors name the file, the tensor, what
// was expected and what was found.
package checkpoint
