"""Makes random_tokens.json.gz: generated texts with the words and ids that the
two tokenizers' definitions give, in plain Python, on the vocabularies beside
this script. GPT-2's pattern runs as it stands, in the module regex.

    python3 generate.py
"""
import gzip
import json
import os
import random
import unicodedata

import regex

HERE = os.path.dirname(os.path.abspath(__file__))


def is_chinese(c):
    ranges = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
              (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
    return any(a <= ord(c) <= b for a, b in ranges)


def is_punctuation(c):
    return c in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" or unicodedata.category(c).startswith("P")


def bert_words(text):
    out = []
    for c in text:
        category = unicodedata.category(c)
        if c == "\0" or c == "\ufffd" or category.startswith("C") and c not in "\t\n\r":
            continue
        if c in "\t\n\r" or category.startswith("Z"):
            out.append(" ")
        elif is_chinese(c):
            out.append(" " + c + " ")
        else:
            out.append(c)
    text = "".join(c for c in unicodedata.normalize("NFD", "".join(out)) if unicodedata.category(c) != "Mn")
    text = "".join(c.lower() for c in text)
    text = "".join(f" {c} " if is_punctuation(c) else c for c in text)
    return text.split()


def word_piece(vocab, word):
    if len(word) > 100:
        return [vocab["[UNK]"]]
    ids, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocab:
                ids.append(vocab[piece])
                break
        else:
            return [vocab["[UNK]"]]
        start = end
    return ids


PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def byte_alphabet():
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet, n = {b: chr(b) for b in printable}, 0
    for b in range(256):
        if b not in alphabet:
            alphabet[b] = chr(256 + n)
            n += 1
    return alphabet


ALPHABET = byte_alphabet()


def byte_bpe(vocab, ranks, word):
    parts = [ALPHABET[b] for b in word.encode()]
    while True:
        pairs = [(ranks[p], i) for i, p in enumerate(zip(parts, parts[1:])) if p in ranks]
        if not pairs:
            return [vocab[p] for p in parts]
        _, i = min(pairs)
        parts[i:i + 2] = [parts[i] + parts[i + 1]]


def texts(r, n):
    pieces = ("the a small red chair chairs wooden legs it's they'd we'll I'm you've he's can't 'S 'sofa rock'n'roll x'd'd 12,345.67 3.5e-7 C++ "
              "e-mail@site.com (x/y) naïve Café ÉLAN e\u0301 A\u030a İstanbul ΣΑΣ ß ﬁ ⅷ ½ ² ٣ 日本 中文です 한국어 стул كرسي 🙂 👩‍👩‍👧 𠀀 \U0002f800 … — “q” ¡no! ³x "
              "a\u200bb \u00ad \ufeff \x00 \x07 \ue000 \ufffd antidisestablishmentarianism aaaa aaaaaaa thethethe undergroundunder isisis").split(" ")
    spaces = [" "] * 12 + ["  ", "   ", "\t", "\n", "\n\n", " \n ", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u2003", "\u2028", "\u3000", "", ""]
    for _ in range(n):
        out = [r.choice(spaces)] if r.random() < .3 else []
        for _ in range(r.randrange(0, 14)):
            out += [r.choice(pieces), r.choice(spaces)]
        if r.random() < .3:
            out.append("".join(chr(r.choice([r.randrange(0x20, 0x180), r.randrange(0x300, 0x600), r.randrange(0x1F00, 0x2200)])) for _ in range(8)))
        if r.random() < .5 and out:
            out.pop()
        text = "".join(out)
        # Python and Go may know different versions of Unicode.
        yield "".join(c for c in text if unicodedata.category(c) != "Cn")
    yield "a" * 100
    yield "a" * 101
    yield "the" * 400
    yield " " * 50
    yield "\n" * 50 + "x"


def main():
    with open(os.path.join(HERE, "mpnet", "vocab.txt"), encoding="utf-8", newline="\n") as f:
        pieces = {line.rstrip("\n"): i for i, line in enumerate(f)}
    with open(os.path.join(HERE, "roberta", "vocab.json"), encoding="utf-8") as f:
        vocab = json.load(f)
    with open(os.path.join(HERE, "roberta", "merges.txt"), encoding="utf-8") as f:
        merges = [tuple(line.split()) for line in f.read().split("\n") if line and not line.startswith("#version")]
    ranks = {pair: i for i, pair in enumerate(merges)}
    out = []
    for text in texts(random.Random(7), 600):
        words, matches = bert_words(text), PATTERN.findall(text)
        assert "".join(matches) == text
        out.append({"text": text, "words": words, "mpnet": [i for w in words for i in word_piece(pieces, w)],
                    "matches": matches, "roberta": [i for w in matches for i in byte_bpe(vocab, ranks, w)]})
    with open(os.path.join(HERE, "random_tokens.json.gz"), "wb") as f:
        with gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=9, filename="") as z:
            z.write(json.dumps(out, separators=(",", ":")).encode())


main()
