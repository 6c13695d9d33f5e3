"""Times PyTorch on cases of `llana bench`, on the processor. Prints one line a
case: the median of several runs, processor time of the cheapest run, rate, and the
peak memory of the process, each case being one of its own. Run it beside llana:

    python3 docs/compare/pytorch.py THREADS [CASE]...
    llana bench --device cpu --threads THREADS matmul/f32 matvec/f32 attention llama110m/forward512 \
        llama110m/train512 weights2space/encode weights2space/train nerf kernel/adamw

A case is named by its name or by the beginning of it.
"""
import resource
import statistics
import subprocess
import sys
import time

import openblas  # before torch
import torch
import torch.nn.functional as F
from torch import nn

import nerf
import weights2space

PRODUCTS = ((512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (3072, 516, 516), (3072, 2064, 516),
            (3072, 516, 2064), (3072, 1024, 336), (336, 516, 1024), (35000, 1024, 660), (35000, 1024, 1024), (777, 777, 777),
            (512, 768, 2048), (512, 32000, 768), (3125, 4096, 4096), (3125, 11008, 4096), (65536, 64, 144), (65536, 64, 64))
VECTORS = ((2048, 768), (768, 2048), (32000, 768), (4096, 4096))


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


def product(m, n, k):
    a, b = torch.randn(m, k), torch.randn(n, k)
    return lambda: a @ b.t()


def attention(tq, tk, h, d, backward=False):
    """Attention from plain operations: this version of PyTorch has no fused one."""
    q, k, v = (torch.randn(1, h, t, d, requires_grad=backward) for t in (tq, tk, tk))

    def forward():
        return (q @ k.transpose(-1, -2) * d ** -0.5).softmax(-1) @ v

    if not backward:
        return forward
    out, g = forward(), torch.randn(1, h, tq, d)
    return lambda: torch.autograd.grad(out, (q, k, v), g, retain_graph=True)


def llama(training):
    net, ids = LLaMA(), torch.randint(0, 32000, (1, 512))
    opt = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def forward():
        with torch.no_grad():
            net(ids)

    def step():
        opt.zero_grad()
        F.cross_entropy(net(ids)[0, :-1], ids[0, 1:]).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1)
        opt.step()

    return step if training else forward


def adamw(n):
    p = nn.Parameter(torch.randn(n))
    p.grad = torch.randn(n)
    return torch.optim.AdamW([p]).step


def cases():
    """Yields name, a function that prepares the case, and its work: how much of which unit."""
    for m, n, k in PRODUCTS:
        yield f"matmul/f32/{m}x{n}x{k}", lambda m=m, n=n, k=k: product(m, n, k), 2e-9 * m * n * k, "GFLOP/s"
    for n, k in VECTORS:
        yield f"matvec/f32/{n}x{k}", lambda n=n, k=k: product(1, n, k), 4e-9 * n * k, "GB/s"
    pairs = 1e-9 * 3072 * 3072 * 12 * 43
    yield "attention/forward/1x3072x12x43", lambda: attention(3072, 3072, 12, 43), 4 * pairs, "GFLOP/s"
    yield "attention/backward/1x3072x12x43", lambda: attention(3072, 3072, 12, 43, True), 10 * pairs, "GFLOP/s"
    yield "attention/decode/1x1024x12x64", lambda: attention(1, 1024, 12, 64), 8e-9 * 1024 * 12 * 64, "GB/s"
    yield "attention/decode/1x3200x32x128", lambda: attention(1, 3200, 32, 128), 8e-9 * 3200 * 32 * 128, "GB/s"
    yield "kernel/adamw", lambda: adamw(2064 * 516), 28e-9 * 2064 * 516, "GB/s"
    yield "nerf/query", lambda: nerf.query(nerf.PUBLISHED, 1, nerf.QUERIES), nerf.QUERIES, "positions/s"
    yield "nerf/query262144", lambda: nerf.query(nerf.PUBLISHED, 1, nerf.MANY), nerf.MANY, "positions/s"
    yield "nerf/small64/query", lambda: nerf.query(nerf.TOY, nerf.NERFS, nerf.POINTS), nerf.NERFS * nerf.POINTS, "positions/s"
    yield "nerf/fit", nerf.fit, nerf.QUERIES, "positions/s"
    yield "nerf/small64/fit", nerf.fit_small, nerf.NERFS * nerf.POINTS, "positions/s"
    yield "llama110m/forward512", lambda: llama(False), 512, "tokens/s"
    yield "llama110m/train512", lambda: llama(True), 512, "tokens/s"
    yield "weights2space/encode", weights2space.encode, 1, "NeRFs/s"
    yield "weights2space/train", weights2space.train, 1, "steps/s"


def measure(f, least=3, most=50, budget=2.0):
    """Returns the median of the seconds of several runs, and the fewest processor seconds."""
    f()
    wall, cpu, start = [], [], time.time()
    while len(wall) < least or len(wall) < most and time.time() - start < budget:
        w, c = time.time(), time.process_time()
        f()
        wall.append(time.time() - w)
        cpu.append(time.process_time() - c)
    return statistics.median(wall), min(cpu)


def main(threads, names):
    chosen = [c for c in cases() if not names or any(c[0] == n or c[0].startswith(n.rstrip("/") + "/") for n in names)]
    if len(chosen) > 1:
        for c in chosen:
            subprocess.run([sys.executable, __file__, str(threads), c[0]], check=True)
        return
    if not chosen:
        sys.exit(f"no case {names}")
    torch.set_num_threads(threads)
    openblas.set_threads(threads)
    name, prepare, work, unit = chosen[0]
    wall, cpu = measure(prepare())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}\t{wall:.5f} s\t{cpu:.5f} s of processor\t{work / wall:.4g} {unit}\t{peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2:])
