"""Makes the test data of random predictions, on which the metrics must agree
with nltk's BLEU and METEOR and with the definitions of the package rouge:

    python3 generate.py WORDNET

WORDNET is a folder of WordNet 3.0, /usr/share/wordnet for example. Written are

    random.jsonl.gz   a line each: truth, answer, and the scores of the cut
                      answer and of the whole answer (nltk 3.8)
    predictions.json, evaluated.json
                      some of them as the reference's files
    stems.json        words and their stems
    wordnet.zip       the part of WordNet that scoring them looks up, laid out
                      like nltk's archive; glosses and relations are left out
"""
import gzip
import io
import json
import os
import random
import sys
import tempfile
import zipfile

import numpy
import nltk.translate.bleu_score as nltk_bleu
import nltk.translate.meteor_score as nltk_meteor
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.stem.porter import PorterStemmer

HERE = os.path.dirname(os.path.abspath(__file__))
POS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}


class WordNet(WordNetCorpusReader):
    """nltk's reader, which writes down what is looked up."""

    def __init__(self, root):
        self.asked = set()
        super().__init__(root, None)

    def synsets(self, lemma, *args, **kwargs):
        self.asked.add(lemma.lower())
        return super().synsets(lemma, *args, **kwargs)


def open_wordnet(folder):
    """Debian's folder lacks the names of lexicographers' files, which nltk
    wants but METEOR does not use."""
    root = tempfile.mkdtemp()
    for name in os.listdir(folder):
        os.symlink(os.path.join(folder, name), os.path.join(root, name))
    if not os.path.exists(os.path.join(root, "lexnames")):
        with open(os.path.join(root, "lexnames"), "w") as f:
            for i in range(45):
                f.write(f"{i:02d}\tname{i}\t1\n")
    return WordNet(root)


# --- ROUGE as rouge 1.0.1 defines it -------------------------------------

def rouge_sentences(text):
    return [" ".join(s.split()) for s in text.split(".") if len(s) > 0]


def rouge_words(sentences):
    return [w for s in sentences for w in s.split(" ")]


def rouge_f(both, answer, truth):
    p = both / answer if answer else 0.0
    r = both / truth if truth else 0.0
    return 2.0 * ((p * r) / (p + r + 1e-8))


def rouge_n(answer, truth, n):
    def grams(sentences):
        words = rouge_words(sentences)
        return {tuple(words[i:i + n]) for i in range(len(words) - n + 1)}
    a, t = grams(answer), grams(truth)
    return rouge_f(len(a & t), len(a), len(t))


def lcs_words(x, y):
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


def rouge_l(answer, truth):
    union, total = set(), 0
    for t in truth:
        before = len(union)
        for a in answer:
            union = union | lcs_words(t.split(" "), a.split(" "))
        total += len(union) - before
    return rouge_f(total, len(set(rouge_words(answer))), len(set(rouge_words(truth))))


# --- scores ---------------------------------------------------------------

WEIGHTS = [(1, 0, 0, 0), (.5, .5, 0, 0), (.33, .33, .33, 0), (.25, .25, .25, .25)]


def scores(wordnet, truth, answer):
    answer = answer or "##"
    smooth = nltk_bleu.SmoothingFunction().method1
    t, a = truth.split(), answer.split()
    out = [nltk_bleu.sentence_bleu([t], a, weights=w, smoothing_function=smooth) for w in WEIGHTS]
    at, tt = rouge_sentences(answer), rouge_sentences(truth)
    if at and tt:
        out += [rouge_n(at, tt, 1), rouge_n(at, tt, 2), rouge_l(at, tt)]
    else:  # the package fails
        out += [0.0, 0.0, 0.0]
    out.append(nltk_meteor.meteor_score([t], a, wordnet=wordnet))
    return [100 * x for x in out]


def evaluation(wordnet, predictions):
    """The evaluator's file, without the encoders."""
    table = ["bleu-1", "bleu-2", "bleu-3", "bleu-4", "rouge-1", "rouge-2", "rouge-l", "meteor"]
    results = []
    for p in predictions:
        answer = p["model_output"][:200] or "##"
        s = dict(zip(table, scores(wordnet, p["ground_truth"], answer)))
        record = ["bleu-1", "bleu-2", "bleu-3", "bleu-4", "rouge-l", "rouge-1", "rouge-2", "meteor"]
        results.append({"object_id": p["object_id"], "ground_truth": p["ground_truth"], "model_output": answer,
                        "scores": {name: s[name] for name in record}})
    overall = {name: f"{numpy.mean([r['scores'][name] for r in results]):.4f}" for name in table}
    return {"overall_scores": overall, "results": results}


# --- texts ----------------------------------------------------------------

NOUNS = """chair table sofa couch lamp car automobile truck plane airplane boat ship house building tree flower leaf leaves knife knives
shelf shelves box boxes wolf man men woman women child children wheel tire leg arm armrest cushion seat back backrest surface base
frame top bottom side front rear handle door window roof wing engine wall body head foot feet tooth teeth mouse mice ox oxen color colour
shape object model design style structure material metal wood glass plastic fabric leather stone cylinder sphere cube cone pyramid torus
dog cat bird horse fish guitar violin piano bottle cup mug bowl plate fork spoon bus bicycle motorcycle train rocket tower bridge axis axes
city cities story stories gas gases church churches bush bushes quiz quizzes hero heroes""".split()
VERBS = """is are has have stand stands standing sit sits sitting run runs running ran make makes made making look looks looked looking
feature features featuring featured carry carries carried rest rests resting seem seems describe describes contain contains hold holds
held support supports supporting die dies dying lie lies lying tie tied travel traveled travelling agree agreed fly flies flew try tried""".split()
ADJECTIVES = """small little tiny large big bigger biggest huge red blue green yellow white black gray grey brown round square rectangular
long longer tall taller short low lower modern old new simple plain wooden metallic shiny smooth rough curved straight dark light lighter
bright happy sad elegant comfortable comfy sturdy thin thick vertical horizontal central typical possible good better best""".split()
SMALL = "the a an of with on in its and or to at by from for under above behind left right very it this that".split()
SUFFIXES = """s es ies ed ied ing eed y ational tional enci anci izer bli alli entli eli ousli ization ation ator alism iveness fulness
ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent sion tion ou
ism ate iti ous ive ize e ll at bl iz ying *ding yed syzygy""".split()
STRANGE = """naïve café ÉCOLE Ünïcode ΟΔΟΣ ΣΑΣ ΑΣ. σας İstanbul ISTANBUL ı ß ẞ ǅ ﬁne 椅子 红色的椅子。 いす 의자 стул СТУЛ كرسي כיסא 🪑 👩‍👩‍👧 🇮🇹 e\u0301tude A\u0308 ᾈ Ⅷ ⓐ Ａ ʼn
x\u200by \u200d \ufeff ΑΣ\u0301 ΑΣ'Σ ʰΣ Σ Σ·α""".split()
SPACES = ["\u00a0", "\u2003", "\u3000", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\t", "\n", "\r\n", "\x0b", "\u1680", "\u200b", "\u180e"]
PUNCTUATION = list(".,;:!?\"'()[]-–—…/\\*#<>") + ["...", ". .", "..", " . ", "?!", "</s>"]


class Texts:
    def __init__(self, r, lemmas):
        self.r, self.lemmas = r, lemmas

    def suffixed(self):
        r = self.r
        stem = "".join(r.choice("aeiouybcdlrstz") for _ in range(r.randrange(0, 5)))
        return stem + "".join(r.choice(SUFFIXES) for _ in range(r.randrange(1, 3)))

    def word(self):
        r, x = self.r, self.r.random()
        if x < .3:
            return r.choice(NOUNS)
        if x < .45:
            return r.choice(VERBS)
        if x < .6:
            return r.choice(ADJECTIVES)
        if x < .9:
            return r.choice(SMALL)
        if x < .94:
            return r.choice(self.lemmas)
        if x < .98:
            return self.suffixed()
        return r.choice(STRANGE)

    def sentence(self):
        r = self.r
        words = [self.word() for _ in range(r.randrange(1, 14))]
        if r.random() < .5:
            words[0] = words[0].capitalize()
        return " ".join(words) + r.choice(["."] * 8 + ["", "!", " .", "..", ","])

    def text(self, most=6):
        return " ".join(self.sentence() for _ in range(self.r.randrange(1, most + 1)))

    def changed(self, text):
        """Another wording of a text."""
        r, out = self.r, []
        for w in text.split(" "):
            x = r.random()
            if x < .6:
                out.append(w)
            elif x < .7:
                out.append(self.word())
            elif x < .76:
                out += [w, w]
            elif x < .82:
                out.append(w.upper() if r.random() < .5 else w + r.choice(["s", "ed", "ing", "ly", ",", "."]))
            elif x < .84:
                out.append(r.choice(STRANGE))
            elif x < .85:
                out.append(r.choice(PUNCTUATION))
        if r.random() < .1:
            r.shuffle(out)
        space = r.choice(SPACES) if r.random() < .1 else " "
        return space.join(out)

    def pair(self):
        r, x = self.r, self.r.random()
        if x < .06:
            odd = ["", " ", ".", "...", " . ", ". .", "!?", "##", "\x1c", "\u3000.", "\u200b", "a", ".a", "a.", "\n"]
            a = r.choice(odd)
            t = r.choice(odd) if r.random() < .3 else self.text()
            return (t, a) if r.random() < .7 else (a, t)
        if x < .1:
            return tuple("".join(r.choice(PUNCTUATION + [" "]) for _ in range(r.randrange(1, 30))) for _ in range(2))
        if x < .14:
            return tuple(" ".join(r.choice(STRANGE) for _ in range(r.randrange(1, 12))) for _ in range(2))
        truth = self.text()
        if x < .2:
            return truth, self.text()
        return truth, self.changed(truth)


def long_pairs(texts):
    for n in (30, 60, 120):
        t = texts.text(n)
        yield t, texts.changed(t)
        yield "a", t
        yield t, "a"
    yield "x" * 5000, "x" * 5000
    yield "the cat " * 200, "cat the " * 150
    yield "." * 400, ". " * 200
    yield "椅子" * 150, "椅子" * 120


# --- a part of WordNet ----------------------------------------------------

def candidates(wordnet, word, pos):
    """Every form that the look-up of a word may ask for."""
    forms, out = [word], {word}
    out.update(wordnet._exception_map[pos].get(word, []))
    while forms:
        forms = [f[:-len(old)] + new for f in forms for old, new in wordnet.MORPHOLOGICAL_SUBSTITUTIONS[pos] if f.endswith(old)]
        out.update(forms)
    return out


def write_part(wordnet, folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        def put(name, lines):
            info = zipfile.ZipInfo("wordnet/" + name, (2006, 12, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, "".join(lines))

        for pos, suffix in POS.items():
            lemmas, exceptions = set(), []
            for word in sorted(wordnet.asked):
                lemmas |= {f for f in candidates(wordnet, word, pos) if pos in wordnet._lemma_pos_offset_map.get(f, {})}
                if word in wordnet._exception_map[pos]:
                    exceptions.append(" ".join([word] + wordnet._exception_map[pos][word]) + "\n")
            with open(os.path.join(folder, "data." + suffix), "rb") as f:
                data = f.read()
            offsets = {o for lemma in lemmas for o in wordnet._lemma_pos_offset_map[lemma][pos]}
            header = [line + "\n" for line in data.decode().split("\n") if line.startswith(" ")]
            at, moved, lines = sum(map(len, header)), {}, []
            for o in sorted(offsets):
                fields = data[o:data.index(b"\n", o)].decode().split(" ")
                words = fields[1:4 + 2 * int(fields[3], 16)]
                line = f"{at:08d} {' '.join(words)} 000 | \n"
                moved[o] = at
                lines.append(line)
                at += len(line)
            put("data." + suffix, header + lines)
            index = []
            for lemma in sorted(lemmas):
                o = [f"{moved[x]:08d}" for x in wordnet._lemma_pos_offset_map[lemma][pos]]
                index.append(f"{lemma} {pos} {len(o)} 0 {len(o)} 0 {' '.join(o)}  \n")
            put("index." + suffix, header + index)
            put(suffix + ".exc", exceptions)


def digits(values):
    return [float("%.10g" % x) for x in values]


def main():
    folder = sys.argv[1]
    wordnet = open_wordnet(folder)
    r = random.Random(2025)
    lemmas = sorted(x for x in wordnet._lemma_pos_offset_map if "_" not in x)
    texts = Texts(r, r.sample(lemmas, 1000) + [x for x in r.sample(sorted(wordnet._exception_map["n"]), 100)])
    pairs = [texts.pair() for _ in range(3000)] + list(long_pairs(texts))
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=9) as f:
        for truth, answer in pairs:
            case = {"truth": truth, "answer": answer, "cut": digits(scores(wordnet, truth, answer[:200]))}
            if len(answer) > 200:
                case["full"] = digits(scores(wordnet, truth, answer))
            f.write((json.dumps(case, separators=(",", ":"), ensure_ascii=False) + "\n").encode())
    with open(os.path.join(HERE, "random.jsonl.gz"), "wb") as f:
        f.write(out.getvalue())
    some = pairs[:25] + [x for x in pairs[25:] if x[1] == ""][:2] + list(long_pairs(texts))[:6]
    some = [{"object_id": f"random{i:02d}", "question": "What is this?", "ground_truth": t, "model_output": a} for i, (t, a) in enumerate(some)]
    for name, content in ("predictions.json", some), ("evaluated.json", evaluation(wordnet, some)):
        with open(os.path.join(HERE, name), "w") as f:
            json.dump(content, f, indent=2)
    stemmer = PorterStemmer()
    words = sorted({texts.suffixed() for _ in range(4000)} | {w.lower() for w in r.sample(lemmas, 3000)} | set(NOUNS + VERBS + ADJECTIVES))
    with open(os.path.join(HERE, "stems.json"), "w") as f:
        json.dump({w: stemmer.stem(w) for w in words}, f, indent=0, separators=(",", ":"), ensure_ascii=False)
    # The golden predictions are scored with the part as well.
    with open(os.path.join(HERE, "golden", "predictions.json")) as f:
        for p in json.load(f):
            nltk_meteor.meteor_score([p["ground_truth"].split()], p["model_output"][:200].split(), wordnet=wordnet)
    with open(os.path.join(HERE, "golden", "wordnet_synonyms.json")) as f:
        for word in json.load(f):
            wordnet.synsets(word)
    write_part(wordnet, folder, os.path.join(HERE, "wordnet.zip"))


main()
