"""Writes warpers.json: distributions of the next token after the repetition
penalty, temperature, top-k and top-p as transformers 4.40 defines them
(generation/logits_process.py; the order is that of generate()), written out
here in PyTorch: RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
TopKLogitsWarper, TopPLogitsWarper with min_tokens_to_keep 1."""

import json

import torch

MINUS_INF = float("-inf")


def penalty(ids, scores, p):
    at = torch.tensor(ids)
    score = torch.gather(scores, 0, at)
    score = torch.where(score < 0, score * p, score / p)
    return scores.scatter(0, at, score)


def top_k(scores, k):
    k = min(k, scores.numel())
    return scores.masked_fill(scores < torch.topk(scores, k)[0][-1], MINUS_INF)


def top_p(scores, p):
    ascending, order = torch.sort(scores, descending=False)
    cumulative = ascending.softmax(dim=-1).cumsum(dim=-1)
    remove = cumulative <= (1 - p)
    remove[-1:] = False
    return scores.masked_fill(remove.scatter(0, order, remove), MINUS_INF)


def case(generator, size, ids, p=1.0, temperature=1.0, k=0, nucleus=1.0, ties=False):
    logits = 3 * torch.randn(size, generator=generator)
    if ties:
        logits = logits.round()
    scores = logits.clone()
    if p != 1.0:
        scores = penalty(ids, scores, p)
    greedy = int(scores.argmax())
    if temperature != 1.0:
        scores = scores / temperature
    if k:
        scores = top_k(scores, k)
    if nucleus < 1.0:
        scores = top_p(scores, nucleus)
    probability = scores.softmax(dim=-1)
    kept = [i for i in range(size) if scores[i] > MINUS_INF]
    return {
        "logits": logits.tolist(), "ids": ids, "penalty": p, "temperature": temperature, "top_k": k, "top_p": nucleus,
        "likeliest": greedy, "kept": kept, "probabilities": [float(probability[i]) for i in kept],
    }


g = torch.Generator().manual_seed(7)
ids = [3, 11, 3, 40, 0, 7, 7, 7]
cases = [
    case(g, 48, ids),
    case(g, 48, ids, p=1.3),
    case(g, 48, ids, p=0.7),
    case(g, 48, list(range(48)), p=1.8, temperature=0.6),
    case(g, 48, ids, temperature=0.35),
    case(g, 48, ids, temperature=2.5),
    case(g, 48, ids, k=5),
    case(g, 48, ids, k=1),
    case(g, 48, ids, k=100),
    case(g, 48, ids, k=4, ties=True),
    case(g, 48, ids, k=9, ties=True, temperature=1.5),
    case(g, 48, ids, nucleus=0.9),
    case(g, 48, ids, nucleus=0.05),
    case(g, 48, ids, nucleus=0.999),
    case(g, 48, ids, temperature=1.7, nucleus=0.8),
    case(g, 48, ids, k=12, nucleus=0.6),
    case(g, 48, ids, k=50, nucleus=0.95),
    case(g, 48, ids, p=1.2, temperature=0.7, k=20, nucleus=0.9),
    case(g, 48, ids, p=1.1, temperature=1.4, k=30, nucleus=0.97),
]
with open("warpers.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
