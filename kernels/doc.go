// Package kernels declares every operation of llana once: its meaning as a
// plain Go reference, its WGSL kernel, its cost, and the cases it is checked
// on. It knows nothing of gradients or layers.
//
// An operation NAME stands in NAME.go (parameters, shape rule, reference,
// dispatch rule, cases) and NAME.wgsl (the kernel); how its gradient is made
// of other operations stands in package autograd. Adding one touches those
// three files. Package conformance checks any Device against the table that
// Ops returns.
//
// # Conventions of the shaders
//
// Binding 0 of group 0 is a uniform block of 4-byte scalars; the storage
// buffers follow from binding 1 in the order of the dispatch's Bind list,
// inputs before outputs. A workgroup's linear number is
// wid.x + wid.y * num_workgroups.x (see Plan.Fold). Shaders stay inside the
// dialect that the lint test enforces.
package kernels
