// Package metrics scores a language model's answers against true texts with
// the metrics of the paper: BLEU-1 to 4, ROUGE-1, 2 and L, METEOR, and the
// similarity of sentence embeddings, each from 0 to 100.
//
// By default the definitions are those of the reference's evaluator, its
// quirks included, so that scores can be compared with published ones: an
// answer is cut after 200 code points while the truth is not, an empty answer
// becomes "##", the weights of BLEU-3 sum to 0.99, METEOR looks stems up in
// WordNet, and ROUGE counts sets of n-grams. FullText scores whole answers
// instead; the two modes must not be compared with each other.
//
// ReadPredictions, Evaluate and Evaluation.Write read, score and write the
// reference's files. MeanInterval and Compare say how sure a mean and the
// difference of two models are.
package metrics
