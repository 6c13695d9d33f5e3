"""Writes a Spatial LLaNA model folder of a published size with random weights in
bfloat16 shards, and random object tokens, to try loading, converting and
generating at full size without the published files. Needs numpy.

    python3 docs/compare/random_model.py 7b /tmp/llana-7b
    llana plan --model /tmp/llana-7b
    llana convert --in /tmp/llana-7b --out /tmp/llana-7b-int4 --weights int4
    llana caption --model /tmp/llana-7b-int4 --vec /tmp/llana-7b/object.npy --max-new-tokens 16

The tokenizer is the small one of the tests: ids are low, sizes are not.
"""
import json
import os
import shutil
import struct
import sys

import numpy as np

SIZES = {"7b": (4096, 11008, 32, 32), "13b": (5120, 13824, 40, 40), "tiny": (64, 176, 2, 4)}
SHARD = 5 << 30
HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZER = os.path.join(HERE, "..", "..", "models", "spatialllana", "testdata", "hf_model")


def shapes(hidden, ffn, layers):
    yield "model.embed_tokens.weight", (32003, hidden)
    for i in range(layers):
        p = f"model.layers.{i}."
        for n in "qkvo":
            yield p + f"self_attn.{n}_proj.weight", (hidden, hidden)
        yield p + "mlp.gate_proj.weight", (ffn, hidden)
        yield p + "mlp.up_proj.weight", (ffn, hidden)
        yield p + "mlp.down_proj.weight", (hidden, ffn)
        yield p + "input_layernorm.weight", (hidden,)
        yield p + "post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (32003, hidden)
    yield "model.vec_proj.0.weight", (2048, 516)
    yield "model.vec_proj.0.bias", (2048,)
    yield "model.vec_proj.2.weight", (hidden, 2048)
    yield "model.vec_proj.2.bias", (hidden,)


def bf16(x):
    return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def main(size, out):
    hidden, ffn, layers, heads = SIZES[size]
    os.makedirs(out, exist_ok=True)
    rng = np.random.default_rng(0)
    # A pool of normal numbers, of which every tensor takes a stretch of its own.
    pool = bf16(rng.standard_normal(1 << 26, dtype=np.float32) * 0.02)
    ones = bf16(np.ones(hidden))

    shards, at = [[]], 0
    for name, shape in shapes(hidden, ffn, layers):
        n = 2 * int(np.prod(shape))
        if shards[-1] and at + n > SHARD:
            shards.append([])
            at = 0
        shards[-1].append((name, shape, at, n))
        at += n
    index = {"metadata": {"total_size": 0}, "weight_map": {}}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors"
        header = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [a, a + n]} for name, shape, a, n in shard}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(out, file), "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for name, shape, _, n in shard:
                index["weight_map"][name] = file
                index["metadata"]["total_size"] += n
                count = n // 2
                if "norm" in name:
                    ones[:count].tofile(f)
                    continue
                start = int(rng.integers(len(pool)))
                while count > 0:
                    part = pool[start:start + count]
                    part.tofile(f)
                    count -= len(part)
                    start = 0
        print(file, flush=True)
    with open(os.path.join(out, "model.safetensors.index.json"), "w") as f:
        json.dump(index, f)

    for name in os.listdir(TOKENIZER):
        if "token" in name or name == "generation_config.json":
            shutil.copy(os.path.join(TOKENIZER, name), out)
    with open(os.path.join(TOKENIZER, "config.json")) as f:
        config = json.load(f)
    config.update(hidden_size=hidden, intermediate_size=ffn, num_hidden_layers=layers, num_attention_heads=heads,
                  num_key_value_heads=heads, vocab_size=32003, max_position_embeddings=4096, torch_dtype="bfloat16")
    with open(os.path.join(out, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    with open(os.path.join(out, "projector.yaml"), "w") as f:
        f.write("model : {\n  trans_dim: 516,\n  num_group: 3071,\n  projection_hidden_layer: 1,\n"
                "  projection_hidden_dim: [2048],\n  use_max_pool: false\n}\n")
    np.save(os.path.join(out, "object.npy"), rng.standard_normal((3072, 516), dtype=np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
