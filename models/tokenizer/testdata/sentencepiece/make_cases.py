#!/usr/bin/env python3
"""Makes the models of this folder and, with SentencePiece itself, the ids and
texts that it gives for them.

    python3 make_cases.py            (sentencepiece 0.1.97)

toyworld.model is written by the Go package (go test -run TestBuild -update)
and only read here.
"""
import json
import os
import random
import struct
import tempfile

import sentencepiece as spm

HERE = os.path.dirname(os.path.abspath(__file__))
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6

CORPUS = """The small red chair stands to the left of the tall blue table.
What is on top of the box?  A yellow sphere.
It's a round, polished cylinder; its base (3 cm) is dark - isn't it?
def f(x):
    return x + 1
        indented    text   with     runs of  spaces
naïve café élan über straße Ångström señor
the model of the object has two wheels and a long handle
USER: Describe this object. ASSISTANT: This is a wooden cone with 12 edges.
antenna banana balloon ball bell bottle mississippi
""".splitlines()

TRICKY = [
    "", " ", "  ", "\n", "\t \t", " \n ", "a", "A ", " a", "\u2581", "\u2581\u2581 \u2581a", "a\u2581",
    "mississippi ississippi", "aaaaaaaaaaaaaaaaaaaaaaa", "abababababa", "balloon ball. ball, (ball) ball!",
    "e\u0301 \u00e9 \u1ebf e\u0302\u0301", "\u0301", "\u202eRTL\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947", "\uac00\u1100\u1161 \u65e5\u672c\u8a9e",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1ea\U0001f1fa \U0001f44d\U0001f3fd", "\ufeff\ufffd\ufffe\uffff",
    "\u00a0\u2003\u3000\u2028\u0085", "\x00\x01\x1f\x7f\x80", "\U0010ffff\U00010000\ud7ff\ue000", "\ufb01 \u212b \uff21",
    "<s> </s> <unk> <0x0A> <0x41>", "<0x", "<cls><cls>x<cl", "xyzxy zyx xyxyz", "<sep> a<sep>b", "100% of 3.14 = \u00bd",
    "https://example.org/?q=a&b=c#d", "tab\tnew\nline\r\nend", "don't we'll \u2018quoted\u2019 \u201ctext\u201d",
    "word " * 50, "\u00e9" * 40, "x" * 300,
]
TOY = [
    "\nWhat is left of the red ball?", "USER: The balls are above the balloon. ASSISTANT: No.", "x2 x 2 caf\u00e9 cafe",
    "\n\nIs the box blue? \nWhere", "There are two boxes, three cones and no ball.", "theball aballoon Theretwo", "\u2581the\nWhat's",
    "a an ab bal ball balls ballo balloon balloons", "ab< aab<",
]
BROKEN = [
    b"\xff", b"a\xffb", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x82 euro \xe2\x82\xac", b"\xf0\x9f\x99", b"\xed\xa0\x80",
    b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"ok \x80\x80 ok", b"\xef\xbf\xbd\xbf",
]


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def model(pieces, byte_fallback):
    """A ModelProto: BPE, identity normaliser, "▁" in front."""
    out = b""
    for text, score, kind in pieces:
        body = message(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + number(3, kind)
        out += message(1, body)
    out += message(2, number(3, 2) + number(4, len(pieces)) + number(35, int(byte_fallback)))
    return out + message(3, message(1, b"identity") + number(3, 1) + number(4, 0) + number(5, 1))


def byte_pieces():
    return [("<0x%02X>" % b, 0.0, BYTE) for b in range(256)]


def ties():
    """Equal scores (leftmost wins), merges that compete for a character, a control piece that a text can spell,
    user-defined pieces that contain each other."""
    pieces = [("<unk>", 0, UNKNOWN), ("<s>", 0, CONTROL), ("</s>", 0, CONTROL), ("ab<", 0, CONTROL)] + byte_pieces()
    pieces += [(c, -50.0, NORMAL) for c in "abcdefxyz\u2581"]
    pieces += [(p, -1.0, NORMAL) for p in ["ab", "ba", "aa", "bb", "aab", "abb", "\u2581a", "\u2581\u2581"]]
    pieces += [("cd", -2.0, NORMAL), ("de", -1.5, NORMAL), ("cde", -3.0, NORMAL), ("\u2581c", -1.75, NORMAL)]
    pieces += [("xy", 0.0, USER_DEFINED), ("xyz", 0.0, USER_DEFINED), ("<cls>", 0.0, USER_DEFINED), ("\u2581f", 0.0, USER_DEFINED)]
    return model(pieces, True)


def no_bytes():
    """Without byte fallback: runs of unknown characters are one <unk>."""
    pieces = [("<s>", 0, CONTROL), ("<unk>", 0, UNKNOWN), ("</s>", 0, CONTROL)]
    pieces += [(c, -20.0, NORMAL) for c in "abehlot\u2581"] + [("th", -1.0, NORMAL), ("the", -2.0, NORMAL), ("\u2581the", -3.0, NORMAL)]
    return model(pieces, False)


def trained():
    """What the trainer itself makes, with pieces of several spaces as LLaMA has them."""
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/corpus.txt", "w") as f:
            f.write("\n".join(CORPUS * 20))
        spm.SentencePieceTrainer.train(
            input=d + "/corpus.txt", model_prefix=d + "/m", model_type="bpe", vocab_size=480, byte_fallback=True,
            normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.99,
            allow_whitespace_only_pieces=True, user_defined_symbols=["<cls>", "xyz"], control_symbols=["<sep>"],
            num_threads=1, minloglevel=2)
        with open(d + "/m.model", "rb") as f:
            return f.read()


def texts(rng):
    words = " ".join(CORPUS + TOY).split() + ["xyz", "<cls>", "zebra", "\u65e5", "\u00df", "9"]
    for _ in range(60):
        yield "".join(rng.choice(words) + rng.choice(["", " ", " ", "  ", "\n", ". "]) for _ in range(rng.randint(1, 12)))
    for alphabet in ["ab", "abcde \u2581", "xyz<cls>f ", "thelao q\u00e9\u65e5 ", "\u0300\u0301ae \u200d\U0001f642"]:
        for _ in range(25):
            yield "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 40)))


def cases(name):
    sp = spm.SentencePieceProcessor(model_file=os.path.join(HERE, name + ".model"))
    rng = random.Random(7)
    out = {"encode": [], "decode": []}
    for text in TRICKY + TOY + list(texts(rng)):
        out["encode"].append({"text": text, "ids": sp.encode(text)})
    for data in BROKEN:
        out["encode"].append({"hex": data.hex(), "ids": sp.encode(data)})
    for case in out["encode"][::3]:
        out["decode"].append({"ids": case["ids"], "text": sp.decode(case["ids"])})
    for _ in range(150):
        ids = [rng.randrange(sp.get_piece_size()) for _ in range(rng.randint(1, 12))]
        if rng.random() < 0.5:  # bytes that often form characters
            ids = [3 + b for b in rng.choice(["\u00e9", "\u20ac\u65e5", "\U0001f642"]).encode()[: rng.randint(1, 5)]] + ids
        ids = [i for i in ids if i < sp.get_piece_size()]
        out["decode"].append({"ids": ids, "text": sp.decode(ids)})
    with open(os.path.join(HERE, name + "_cases.json"), "w") as f:
        lines = ["%s: [\n  %s\n]" % (json.dumps(k), ",\n  ".join(json.dumps(c) for c in v)) for k, v in out.items()]
        f.write("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    for name, make in [("ties", ties), ("nobytes", no_bytes), ("trained", trained)]:
        with open(os.path.join(HERE, name + ".model"), "wb") as f:
            f.write(make())
        cases(name)
    if os.path.exists(os.path.join(HERE, "toyworld.model")):
        cases("toyworld")


if __name__ == "__main__":
    main()
