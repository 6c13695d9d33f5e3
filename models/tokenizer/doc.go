// Package tokenizer turns text into the token ids of a LLaMA-2 language
// model and back.
//
// It reads the files of a Hugging Face model folder (tokenizer.model,
// tokenizer_config.json, added_tokens.json, special_tokens_map.json) and
// follows two programs id for id:
//
//   - SentencePiece (google/sentencepiece, src/bpe_model.cc) for what is
//     inside tokenizer.model: byte-pair encoding with byte fallback;
//   - the slow LLaMA tokenizer of Hugging Face transformers
//     (tokenization_utils.py, tokenization_llama.py) for everything around
//     it: special tokens, where a word-start mark is put, decoding.
//
// # Encoding
//
// Text is cut at special tokens, leftmost and longest first. Each part
// between them is encoded on its own: spaces become U+2581 "▁", then
// starting from single characters the neighbouring pair that forms the piece
// of the highest score is merged, the leftmost on ties, until none is left. A
// character that is no piece becomes its UTF-8 bytes, pieces <0x00> to
// <0xFF>. Bytes that are not valid UTF-8 are read as U+FFFD, one for each
// such byte, as SentencePiece does.
//
// The "legacy" flag of tokenizer_config.json says where "▁" is put in front.
// When it is true or absent, before every part, so a word right after a
// special token is the same token as after a space. When it is false, once
// before the whole text.
//
// # Decoding
//
// Pieces are concatenated, bytes are gathered into characters, "▁" becomes a
// space, and the "▁" in front is dropped. A byte that belongs to no valid
// UTF-8 character becomes U+FFFD. The text is not stripped and
// clean_up_tokenization_spaces, which LLaMA models leave off, is not applied.
package tokenizer
