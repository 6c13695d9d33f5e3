"""Measures llana beside PyTorch, and llama.cpp where its package is installed, in
turn on one machine, and prints a table of medians and their ratios.

    go build -o /tmp/llana ./cmd/llana
    python3 docs/compare/table.py /tmp/llana THREADS [ROUNDS] [CASE]...

PyTorch is that of the python3 that runs this. For llama.cpp see llamacpp.mjs:
LLAMACPP_MODULES names the folder of its package, GGUF that of the files
f16.gguf, q8_0.gguf and q4_0.gguf (gguf.py makes them).
"""
import json
import os
import statistics
import subprocess
import sys

from pytorch import PRODUCTS

HERE = os.path.dirname(os.path.abspath(__file__))
PYTORCH = [f"matmul/f32/{m}x{n}x{k}" for m, n, k in PRODUCTS] + [
    "attention/forward/1x3072x12x43", "attention/backward/1x3072x12x43",
    "llama110m/forward512", "llama110m/train512", "weights2space/encode", "weights2space/train",
    "nerf/query", "nerf/query262144", "nerf/fit", "nerf/small64/query", "nerf/small64/fit",
]
LLAMACPP = {"bf16": "f16", "int8": "q8_0", "int4": "q4_0"}


def llana(program, threads, case):
    out = subprocess.run([program, "bench", "--device", "cpu", "--threads", threads, "--json", "--quiet", case],
                         check=True, capture_output=True, text=True).stdout
    r = json.loads(out)[0]
    return r["seconds"], r["peak_bytes"] / 2**20


def pytorch(threads, case):
    out = subprocess.run([sys.executable, os.path.join(HERE, "pytorch.py"), threads, case],
                         check=True, capture_output=True, text=True).stdout
    fields = out.strip().split("\t")
    return float(fields[1].split()[0]), float(fields[-1].split()[0])


def llamacpp(threads, gguf):
    out = subprocess.run(["node", os.path.join(HERE, "llamacpp.mjs"), gguf, threads],
                         check=True, capture_output=True, text=True).stdout
    return {f[1]: float(f[2].split()[0]) for f in (line.split("\t") for line in out.strip().splitlines())}


def main(program, threads, rounds="3", *names):
    chosen = lambda case: not names or any(case == n or case.startswith(n.rstrip("/") + "/") for n in names)
    median, rounds = statistics.median, int(rounds)
    print(f"| case, {threads} threads | PyTorch | llana | ratio | PyTorch's memory | llana's tensors |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for case in filter(chosen, PYTORCH):
        a, b = zip(*[(pytorch(threads, case), llana(program, threads, case)) for _ in range(rounds)])
        p, l = median(x[0] for x in a), median(x[0] for x in b)
        print(f"| {case} | {p * 1e3:.4g} ms | {l * 1e3:.4g} ms | {p / l:.2f} | {a[0][1]:.0f} MiB | {b[0][1]:.0f} MiB |", flush=True)
    if "LLAMACPP_MODULES" not in os.environ:
        return
    print(f"\n| 110 M model, {threads} threads, tokens/s | llama.cpp | llana | ratio |\n| --- | ---: | ---: | ---: |")
    for ours, theirs in LLAMACPP.items():
        if not chosen("llama110m/prompt256/" + ours):
            continue
        kinds = {"prompt": ("prompt256", 256), "write": ("generate32", 32)}
        got = {k: ([], []) for k in kinds}
        for _ in range(rounds):
            r = llamacpp(threads, os.path.join(os.environ.get("GGUF", "."), theirs + ".gguf"))
            for kind, (case, tokens) in kinds.items():
                got[kind][0].append(r[kind])
                got[kind][1].append(tokens / llana(program, threads, f"llama110m/{case}/{ours}")[0])
        for kind, (a, b) in got.items():
            print(f"| {kinds[kind][0]}, {theirs} / {ours} | {median(a):.0f} | {median(b):.0f} | {median(b) / median(a):.2f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
