"""Times PyTorch on the cases of `llana bench`, on the processor, and prints one
line each: case, seconds (median). Run it beside llana:

    python3 docs/compare/pytorch.py THREADS
    llana bench --device cpu --threads THREADS matmul llama110m/forward512 llama110m/train512
"""
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def median(f, least=5, budget=3.0):
    f()
    times, start = [], time.time()
    while len(times) < least or time.time() - start < budget:
        t = time.time()
        f()
        times.append(time.time() - t)
    return sorted(times)[len(times) // 2]


class Block(nn.Module):
    """A LLaMA-2 layer of width 768, 12 heads, FFN 2048."""

    def __init__(self, w=768, h=12, ffn=2048):
        super().__init__()
        self.h = h
        self.q, self.k, self.v, self.o = (nn.Linear(w, w, bias=False) for _ in range(4))
        self.gate, self.up, self.down = nn.Linear(w, ffn, bias=False), nn.Linear(w, ffn, bias=False), nn.Linear(ffn, w, bias=False)
        self.n1, self.n2 = nn.Parameter(torch.ones(w)), nn.Parameter(torch.ones(w))

    def norm(self, x, w):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * w

    def forward(self, x, cos, sin, mask):
        b, t, w = x.shape
        n = self.norm(x, self.n1)
        q, k, v = (m(n).view(b, t, self.h, -1).transpose(1, 2) for m in (self.q, self.k, self.v))

        def rope(y):
            a, c = y.chunk(2, -1)
            return y * cos + torch.cat([-c, a], -1) * sin

        s = rope(q) @ rope(k).transpose(-1, -2) / (w // self.h) ** 0.5 + mask
        y = (s.softmax(-1) @ v).transpose(1, 2).reshape(b, t, w)
        x = x + self.o(y)
        n = self.norm(x, self.n2)
        return x + self.down(F.silu(self.gate(n)) * self.up(n))


class LLaMA(nn.Module):
    def __init__(self, vocab=32000, w=768, layers=12):
        super().__init__()
        self.embed, self.head = nn.Embedding(vocab, w), nn.Linear(w, vocab, bias=False)
        self.layers = nn.ModuleList(Block() for _ in range(layers))
        self.n = nn.Parameter(torch.ones(w))

    def forward(self, ids):
        t = ids.shape[1]
        a = torch.outer(torch.arange(t).float(), 10000 ** (-torch.arange(0, 64, 2).float() / 64)).repeat(1, 2)
        mask = torch.full((t, t), float("-inf")).triu(1)
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, a.cos(), a.sin(), mask)
        return self.head(self.layers[0].norm(x, self.n))


def main(threads):
    torch.set_num_threads(threads)
    for m, n, k in ((512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (3072, 516, 516), (3072, 2064, 516)):
        a, b = torch.randn(m, k), torch.randn(n, k)
        s = median(lambda: a @ b.t(), budget=1.0)
        print(f"matmul/f32/{m}x{n}x{k}\t{s:.5f} s\t{2 * m * n * k / s / 1e9:.0f} GFLOP/s", flush=True)
    net, ids = LLaMA(), torch.randint(0, 32000, (1, 512))
    with torch.no_grad():
        s = median(lambda: net(ids), least=3)
    print(f"llama110m/forward512\t{s:.3f} s\t{512 / s:.0f} tokens/s", flush=True)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def step():
        opt.zero_grad()
        F.cross_entropy(net(ids)[0, :-1], ids[0, 1:]).backward()
        opt.step()

    s = median(step, least=3)
    print(f"llama110m/train512\t{s:.3f} s\t{512 / s:.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
