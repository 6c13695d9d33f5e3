"""Writes lm.json: what PyTorch computes for the operations of language models
(attention, rotary positions, cross-entropy, softmax, SwiGLU, embedding), in
float64. Run in this folder: python3 make.py
"""
import json

import torch
from torch.nn import functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def flat(t):
    return t.detach().reshape(-1).tolist()


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


def attention(b, tq, rows, h, hkv, d, causal=False, offset=0, keys=0, lengths=None):
    """The textbook form, with the matrix of scores. Every query sees a key."""
    q, k, v, dout = leaf(b, tq, h, d), leaf(b, rows, hkv, d), leaf(b, rows, hkv, d), torch.randn(b, tq, h, d)
    n, scale = keys or rows, 0.375
    kk = k[:, :n].repeat_interleave(h // hkv, dim=2)
    vv = v[:, :n].repeat_interleave(h // hkv, dim=2)
    s = scale * torch.einsum("bihd,bjhd->bhij", q, kk)
    i, j = torch.arange(tq)[:, None], torch.arange(n)[None]
    if causal:
        s = s.masked_fill(j > i + offset, float("-inf"))
    if lengths:
        s = s.masked_fill(j >= torch.tensor(lengths)[:, None, None, None], float("-inf"))
    out = torch.einsum("bhij,bjhd->bihd", torch.softmax(s, -1), vv)
    out.backward(dout)
    return {
        "B": b, "Tq": tq, "Rows": rows, "H": h, "Hkv": hkv, "D": d,
        "Params": {"Causal": causal, "Offset": offset, "Keys": keys, "Scale": scale}, "Lengths": lengths,
        "Q": flat(q), "K": flat(k), "V": flat(v), "DOut": flat(dout),
        "Out": flat(out), "LSE": flat(torch.logsumexp(s, -1)), "DQ": flat(q.grad), "DK": flat(k.grad), "DV": flat(v.grad),
    }


def rope():
    """As the published LLaMA code of Hugging Face has it."""
    b, t, h, d, offset = 2, 3, 2, 8, 1000
    x, dy = leaf(b, t, h, d), torch.randn(b, t, h, d)
    inv = 1.0 / (10000.0 ** (torch.arange(0, d, 2) / d))
    angle = (torch.arange(t) + offset)[:, None] * inv
    emb = torch.cat((angle, angle), -1)[None, :, None]
    half = torch.cat((-x[..., d // 2:], x[..., : d // 2]), -1)
    y = x * emb.cos() + half * emb.sin()
    y.backward(dy)
    return {"Shape": [b, t, h, d], "Offset": offset, "X": flat(x), "Y": flat(y), "DY": flat(dy), "DX": flat(x.grad)}


def cross_entropy():
    labels = torch.tensor([3, -100, 0, 6, -100])
    x = leaf(5, 7)
    loss = F.cross_entropy(x, labels, ignore_index=-100)
    (2 * loss).backward()
    return {"N": 5, "V": 7, "Labels": labels.tolist(), "X": flat(x), "Loss": loss.item(),
            "LSE": flat(torch.logsumexp(x, -1)), "DLoss": 2.0, "DX": flat(x.grad)}


def softmax():
    x, dy = leaf(3, 5), torch.randn(3, 5)
    y = torch.softmax(x, -1)
    y.backward(dy)
    return {"Rows": 3, "N": 5, "X": flat(x), "Y": flat(y), "DY": flat(dy), "DX": flat(x.grad)}


def swiglu():
    gate, up, dy = leaf(9), leaf(9), torch.randn(9)
    y = F.silu(gate) * up
    y.backward(dy)
    return {"Gate": flat(gate), "Up": flat(up), "Y": flat(y), "DY": flat(dy), "DGate": flat(gate.grad), "DUp": flat(up.grad)}


def embedding():
    table, dy, ids = leaf(6, 3), torch.randn(5, 3), torch.tensor([4, 0, 4, 5, 4])
    y = F.embedding(ids, table)
    y.backward(dy)
    return {"V": 6, "W": 3, "IDs": ids.tolist(), "Table": flat(table), "Y": flat(y), "DY": flat(dy), "DTable": flat(table.grad)}


with open("lm.json", "w") as f:
    json.dump({
        "Attention": [
            attention(2, 4, 5, 2, 2, 3),
            attention(1, 5, 5, 4, 2, 3, causal=True),
            attention(2, 2, 8, 2, 1, 4, causal=True, offset=4, keys=6),
            attention(2, 3, 6, 2, 2, 3, lengths=[4, 6]),
        ],
        "RoPE": rope(), "CrossEntropy": cross_entropy(), "Softmax": softmax(), "SwiGLU": swiglu(), "Embedding": embedding(),
    }, f, separators=(",", ":"))
    f.write("\n")
