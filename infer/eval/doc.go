// Package eval runs the paper's benchmarks on a model: it finds the
// annotations and object tokens of a data folder in the published layout, asks
// the questions, keeps a journal so that an interrupted run goes on where it
// was, and writes the predictions as the reference's eval_spatial_llana.py
// does. It also checks whether a data folder is complete and well formed.
//
// Where the reference has no protocol (multiple-choice questions) or one that
// loses results, docs/evaluation.md says what is done instead.
package eval
