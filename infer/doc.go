// Package infer asks a model: captions, answers and chats about an object,
// greedy or sampled, streamed as they come.
package infer
