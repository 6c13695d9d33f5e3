"""Writes a LLaMA with random weights as a GGUF file (version 3), to time other
programs on the model of `llana bench llama110m/...`: width 768, 12 layers, 12
heads, FFN 2048, vocabulary 32000.

    python3 docs/compare/gguf.py f16|q8_0|q4_0 FILE

Matrices are stored in the named type, norms as float32. q8_0 has blocks of 32
with a float16 scale and signed bytes; q4_0 blocks of 32 with a float16 scale and
16 bytes, of which byte i holds elements i (low) and i+16 (high), plus 8.
"""
import struct
import sys

import numpy as np

WIDTH, LAYERS, HEADS, FFN, VOCAB, CONTEXT = 768, 12, 12, 2048, 32000, 2048
TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8}
FILE_TYPES = {"f16": 1, "q4_0": 2, "q8_0": 7}
UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
ALIGNMENT = 32


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def field(key, kind, value):
    pack = {UINT32: lambda v: struct.pack("<I", v), INT32: lambda v: struct.pack("<i", v),
            FLOAT32: lambda v: struct.pack("<f", v), STRING: text}
    if kind == ARRAY:
        of, values = value
        body = struct.pack("<IQ", of, len(values)) + b"".join(pack[of](v) for v in values)
    else:
        body = pack[kind](value)
    return text(key) + struct.pack("<I", kind) + body


def vocabulary():
    """SentencePiece's special tokens, the bytes, then made-up words."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    n = VOCAB - len(tokens)
    tokens += [f"▁w{i}" for i in range(n)]
    kinds += [1] * n
    scores = [0.0] * 259 + [-float(i) for i in range(n)]
    return tokens, scores, kinds


def encode(x, kind):
    """Returns the bytes of x (rows, columns)."""
    if kind == "f32":
        return x.astype("<f4").tobytes()
    if kind == "f16":
        return x.astype("<f2").tobytes()
    b = x.reshape(-1, 32)
    if kind == "q8_0":
        scale = (np.abs(b).max(1) / 127).astype("<f2")
        inverse = 1 / np.maximum(scale.astype(np.float32), 1e-12)
        codes = np.clip(np.rint(b * inverse[:, None]), -127, 127).astype(np.int8)
        out = np.empty((len(b), 34), np.uint8)
        out[:, 2:] = codes.view(np.uint8)
    else:
        at = np.abs(b).argmax(1)
        scale = (b[np.arange(len(b)), at] / -8).astype("<f2")
        s = scale.astype(np.float32)
        inverse = np.where(s != 0, 1 / np.where(s != 0, s, 1), 0)
        codes = np.clip(np.rint(b * inverse[:, None]) + 8, 0, 15).astype(np.uint8)
        out = np.empty((len(b), 18), np.uint8)
        out[:, 2:] = codes[:, :16] | codes[:, 16:] << 4
    out[:, :2] = scale.view(np.uint8).reshape(-1, 2)
    return out.tobytes()


def shapes():
    """Yields name and shape (rows, columns), or (width,) of a norm."""
    yield "token_embd.weight", (VOCAB, WIDTH)
    for i in range(LAYERS):
        for name, shape in (("attn_norm", (WIDTH,)), ("attn_q", (WIDTH, WIDTH)), ("attn_k", (WIDTH, WIDTH)),
                            ("attn_v", (WIDTH, WIDTH)), ("attn_output", (WIDTH, WIDTH)), ("ffn_norm", (WIDTH,)),
                            ("ffn_gate", (FFN, WIDTH)), ("ffn_up", (FFN, WIDTH)), ("ffn_down", (WIDTH, FFN))):
            yield f"blk.{i}.{name}.weight", shape
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (VOCAB, WIDTH)


def main(kind, path):
    tokens, scores, kinds = vocabulary()
    fields = [
        field("general.architecture", STRING, "llama"),
        field("general.name", STRING, "random 110M"),
        field("general.file_type", UINT32, FILE_TYPES[kind]),
        field("general.alignment", UINT32, ALIGNMENT),
        field("llama.context_length", UINT32, CONTEXT),
        field("llama.embedding_length", UINT32, WIDTH),
        field("llama.block_count", UINT32, LAYERS),
        field("llama.feed_forward_length", UINT32, FFN),
        field("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        field("llama.attention.head_count", UINT32, HEADS),
        field("llama.attention.head_count_kv", UINT32, HEADS),
        field("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        field("llama.vocab_size", UINT32, VOCAB),
        field("tokenizer.ggml.model", STRING, "llama"),
        field("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        field("tokenizer.ggml.scores", ARRAY, (FLOAT32, scores)),
        field("tokenizer.ggml.token_type", ARRAY, (INT32, kinds)),
        field("tokenizer.ggml.bos_token_id", UINT32, 1),
        field("tokenizer.ggml.eos_token_id", UINT32, 2),
        field("tokenizer.ggml.unknown_token_id", UINT32, 0),
    ]
    rng = np.random.default_rng(1)
    infos, blobs, at = [], [], 0
    for name, shape in shapes():
        x = np.ones(shape, np.float32) if len(shape) == 1 else 0.02 * rng.standard_normal(shape, np.float32)
        stored = "f32" if len(shape) == 1 else kind
        blob = encode(x, stored)
        infos.append(text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape[::-1])
                     + struct.pack("<IQ", TYPES[stored], at))
        blob += bytes(-len(blob) % ALIGNMENT)
        blobs.append(blob)
        at += len(blob)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(fields)) + b"".join(fields) + b"".join(infos)
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGNMENT))
        f.writelines(blobs)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in FILE_TYPES:
        sys.exit(__doc__)
    main(*sys.argv[1:])
