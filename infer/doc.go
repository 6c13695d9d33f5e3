// Package infer asks a model: captions, answers and chats about an object,
// greedy or sampled, streamed as they come.
//
// A Session answers questions about one object and reads it once. GenerateBatch
// answers several prompts, of any lengths and about different objects, together.
// Prompts are read in pieces, so that memory beside keys and values does not grow
// with their length, and prompt and answer keep to a context: docs/generation.md
// describes both, and how tokens are chosen.
package infer
