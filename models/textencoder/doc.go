// Package textencoder turns sentences into vectors with the two encoders of
// the paper's evaluation, read from their Hugging Face folders:
//
//   - all-mpnet-base-v2 of sentence-transformers (Reimers and Gurevych,
//     "Sentence-BERT", EMNLP 2019, on MPNet: Song et al., NeurIPS 2020): the
//     mean of the last hidden states, scaled to length 1;
//   - sup-simcse-roberta-large (Gao et al., "SimCSE", EMNLP 2021, on RoBERTa:
//     Liu et al., 2019): the pooler's output.
//
// Their tokenizers, uncased WordPiece and byte-level BPE, are here too.
// Nothing is downloaded: FindCached looks where Hugging Face's libraries have
// put a model.
package textencoder
