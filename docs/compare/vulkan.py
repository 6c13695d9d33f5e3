"""Measures llana beside llama.cpp's Vulkan backend, in turn and on one driver, and
prints a table of medians and their ratios: products in float32, and the 110 M
model. LLAMACPP_VISIBLE (default 0) is the number of the device for llama.cpp.

    go build -o /tmp/llana ./cmd/llana
    LLAMACPP_MODULES=DIR GGUF=DIR python3 docs/compare/vulkan.py /tmp/llana [ROUNDS] [CASE]...

LLAMACPP_MODULES names the folder of llama.cpp's packages (llamacpp.mjs), whose
library is also what the products are made with; GGUF that of f16.gguf.
"""
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "@node-llama-cpp/linux-x64-vulkan/bins/linux-x64-vulkan"
PRODUCTS = [512, 1024]
MODEL = {"prompt256": ("prompt", 256), "generate32": ("write", 32)}


class InitParams(ctypes.Structure):
    _fields_ = [("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def ggml(name):
    """The functions of llama.cpp's library: pointers in, a pointer out."""
    return ctypes.CDLL(os.path.join(os.environ["LLAMACPP_MODULES"], LIBRARY, name), ctypes.RTLD_GLOBAL)


def call(library, name, *args):
    f = getattr(library, name)
    f.restype = ctypes.c_void_p
    return f(*args)


def product(n, seconds=2.0):
    """Returns the median seconds of ggml's mul_mat of two n x n matrices."""
    base, vulkan = ggml("libggml-base.so"), ggml("libggml-vulkan.so")
    pointer, size, wide = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64
    backend = pointer(call(vulkan, "ggml_backend_vk_init", size(0)))
    context = pointer(call(base, "ggml_init", InitParams(1 << 20, None, True)))
    a, b = (pointer(call(base, "ggml_new_tensor_2d", context, 0, wide(n), wide(n))) for _ in range(2))
    c = pointer(call(base, "ggml_mul_mat", context, a, b))
    call(base, "ggml_backend_alloc_ctx_tensors", context, backend)
    rng = np.random.default_rng(1)
    values = [rng.standard_normal((n, n), np.float32) for _ in range(2)]
    for t, x in zip((a, b), values):
        call(base, "ggml_backend_tensor_set", t, x.ctypes.data_as(pointer), size(0), size(x.nbytes))
    graph = pointer(call(base, "ggml_new_graph", context))
    call(base, "ggml_build_forward_expand", graph, c)

    def run():
        start = time.perf_counter()
        call(base, "ggml_backend_graph_compute", backend, graph)
        return time.perf_counter() - start

    run()
    times = []
    while sum(times) < seconds:
        times.append(run())
    got = np.empty((n, n), np.float32)
    call(base, "ggml_backend_tensor_get", c, got.ctypes.data_as(pointer), size(0), size(got.nbytes))
    want = values[1] @ values[0].T
    if not np.allclose(got, want, atol=1e-2 * n ** 0.5):
        sys.exit(f"mul_mat of {n} is wrong by {np.abs(got - want).max()}")
    return statistics.median(times)


def llana(program, case):
    out = subprocess.run([program, "bench", "--device", "vulkan", "--json", "--quiet", "--budget", "2s", case],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out)[0]["seconds"]


def theirs(*command):
    env = {**os.environ, "LLAMACPP_GPU": "vulkan", "GGML_VK_VISIBLE_DEVICES": os.environ.get("LLAMACPP_VISIBLE", "0")}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


def row(name, a, b, unit, ratio):
    a, b = statistics.median(a), statistics.median(b)
    print(f"| {name} | {a:.4g} {unit} | {b:.4g} {unit} | {ratio(a, b):.2f} |", flush=True)


def main(program, rounds="5", *names):
    chosen = lambda case: not names or case in names
    print("| case, Vulkan | llama.cpp | llana | ratio |\n| --- | ---: | ---: | ---: |")
    for n in PRODUCTS:
        case = f"matmul/f32/{n}x{n}x{n}"
        if chosen(case):
            a, b = zip(*[(1e3 * float(theirs(sys.executable, __file__, "product", str(n))), 1e3 * llana(program, case))
                         for _ in range(int(rounds))])
            row(case, a, b, "ms", lambda a, b: a / b)
    if not chosen("llama110m"):
        return
    got = {case: ([], []) for case in MODEL}
    for _ in range(int(rounds)):
        out = theirs("node", os.path.join(HERE, "llamacpp.mjs"), os.path.join(os.environ["GGUF"], "f16.gguf"), "2", "1")
        rate = {f[1]: float(f[2].split()[0]) for f in (line.split("\t") for line in out.strip().splitlines())}
        for case, (kind, tokens) in MODEL.items():
            got[case][0].append(rate[kind])
            got[case][1].append(tokens / llana(program, f"llama110m/{case}/bf16"))
    for case, (a, b) in got.items():
        row(f"{case}, f16 / bf16", a, b, "tokens/s", lambda a, b: b / a)


if __name__ == "__main__":
    if sys.argv[1] == "product":
        print(product(int(sys.argv[2])))
    else:
        main(*sys.argv[1:])
