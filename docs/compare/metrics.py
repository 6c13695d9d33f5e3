"""Scores a file of predictions as the reference's evaluator does, with nltk and
the package rouge (its definitions are written out below for where it cannot be
installed), and prints the time and the means. Run it beside llana:

    python3 docs/compare/metrics.py make 10000 /tmp/predictions.json
    python3 docs/compare/metrics.py score /tmp/predictions.json /usr/share/wordnet
    time llana eval score --results /tmp/predictions.json --metrics bleu,rouge,meteor

Each score is computed once; the reference computes ROUGE three times. Loading
WordNet is not counted here, while llana's time is that of the whole program.
"""
import json
import os
import random
import sys
import tempfile
import time

import nltk.translate.bleu_score as nltk_bleu
import nltk.translate.meteor_score as nltk_meteor
from nltk.corpus.reader.wordnet import WordNetCorpusReader

NAMES = ["bleu-1", "bleu-2", "bleu-3", "bleu-4", "rouge-1", "rouge-2", "rouge-l", "meteor"]

COLOURS = "red blue green yellow white black gray brown dark light".split()
SHAPES = "small large round square rectangular long tall modern old simple curved wooden metallic sleek vintage".split()
OBJECTS = "chair table sofa couch car automobile truck airplane plane ship lamp cabinet bench guitar rifle gun tower bed".split()
PARTS = "legs wheels arms handles doors windows wings cushions shelves drawers panels edges strings barrels cables".split()
PHRASES = ["The {s} {o} has {c} {p} and a {s} design.", "It features {s} {p}, which are {c} and look {s}.",
           "This is a 3D model of a {c} {o} with {s} {p}.", "The {p} are made of {s} material and painted {c}.",
           "Its structure is {s}, with a {c} surface and {p} on both sides.", "A {s}, {c} {o} standing on {s} {p}."]


def sentence(r):
    return r.choice(PHRASES).format(s=r.choice(SHAPES), o=r.choice(OBJECTS), c=r.choice(COLOURS), p=r.choice(PARTS))


def make(n, path):
    """Descriptions and answers of the length of the detailed captions."""
    r = random.Random(0)
    out = []
    for i in range(n):
        truth = [sentence(r) for _ in range(r.randrange(2, 7))]
        answer = [s if r.random() < .4 else sentence(r) for s in truth]
        out.append({"object_id": f"{i:06d}", "question": "What is this?", "ground_truth": " ".join(truth), "model_output": " ".join(answer)})
    with open(path, "w") as f:
        json.dump(out, f, indent=2)


class Rouge:
    """The F values of rouge 1.0.1 with its defaults."""

    def get_scores(self, answer, truth):
        a, t = ([" ".join(s.split()) for s in text.split(".") if len(s) > 0] for text in (answer, truth))
        out = {}
        for n in (1, 2):
            ga, gt = self.grams(a, n), self.grams(t, n)
            out[f"rouge-{n}"] = {"f": self.f(len(ga & gt), len(ga), len(gt))}
        union, total = set(), 0
        for x in t:
            before = len(union)
            for y in a:
                union = union | self.lcs(x.split(" "), y.split(" "))
            total += len(union) - before
        out["rouge-l"] = {"f": self.f(total, len(self.grams(a, 1)), len(self.grams(t, 1)))}
        return [out]

    @staticmethod
    def grams(sentences, n):
        words = [w for s in sentences for w in s.split(" ")]
        return {tuple(words[i:i + n]) for i in range(len(words) - n + 1)}

    @staticmethod
    def f(both, a, t):
        p, r = both / a if a else 0.0, both / t if t else 0.0
        return 2.0 * ((p * r) / (p + r + 1e-8))

    @staticmethod
    def lcs(x, y):
        table = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
        for i, a in enumerate(x, 1):
            for j, b in enumerate(y, 1):
                table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])
        i, j, words = len(x), len(y), set()
        while i and j:
            if x[i - 1] == y[j - 1]:
                words.add(x[i - 1])
                i, j = i - 1, j - 1
            elif table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
        return words


def open_wordnet(folder):
    """Debian's folder lacks a list that nltk wants but METEOR does not use."""
    root = tempfile.mkdtemp()
    for name in os.listdir(folder):
        os.symlink(os.path.join(folder, name), os.path.join(root, name))
    if not os.path.exists(os.path.join(root, "lexnames")):
        with open(os.path.join(root, "lexnames"), "w") as f:
            f.writelines(f"{i:02d}\tname{i}\t1\n" for i in range(45))
    return WordNetCorpusReader(root, None)


def score(path, folder):
    wordnet = open_wordnet(folder)
    try:
        from rouge import Rouge as Package
        rouge = Package()
    except ImportError:
        rouge = Rouge()
    with open(path) as f:
        predictions = json.load(f)
    smooth = nltk_bleu.SmoothingFunction().method1
    sums = dict.fromkeys(NAMES, 0.0)
    times = dict.fromkeys(["bleu", "rouge", "meteor"], 0.0)
    for p in predictions:
        truth, answer = p["ground_truth"], p["model_output"][:200] or "##"
        t = [time.perf_counter()]
        for n, w in enumerate([(1, 0, 0, 0), (.5, .5, 0, 0), (.33, .33, .33, 0), (.25, .25, .25, .25)]):
            sums[NAMES[n]] += nltk_bleu.sentence_bleu([truth.split()], answer.split(), weights=w, smoothing_function=smooth)
        t.append(time.perf_counter())
        for name, value in rouge.get_scores(answer, truth)[0].items():
            sums[name] += value["f"]
        t.append(time.perf_counter())
        sums["meteor"] += nltk_meteor.meteor_score([truth.split()], answer.split(), wordnet=wordnet)
        t.append(time.perf_counter())
        for k, name in enumerate(times):
            times[name] += t[k + 1] - t[k]
    for name, seconds in times.items():
        print(f"{name:8} {seconds:8.2f} s")
    print(f"{'all':8} {sum(times.values()):8.2f} s for {len(predictions)} predictions")
    for name in NAMES:
        print(f"{name:8} {100 * sums[name] / len(predictions):8.4f}")


if sys.argv[1] == "make":
    make(int(sys.argv[2]), sys.argv[3])
else:
    score(sys.argv[2], sys.argv[3])
