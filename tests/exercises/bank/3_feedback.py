"""Answers to assignment 3, right and wrong, with the points each must get (tests/exercises/bank.py)."""

# %% cut-test | right | closest | 2
percent = 20

# %% cut-test | right | another prediction, committed all the same | 2
percent = 0

# %% cut-test | right | computed, and rounded to a choice | 2
percent = min((0, 5, 20, 60), key=lambda choice: abs(choice - 93 / 420 * 100))

# %% cut-test | wrong | no answer | 0
percent = None

# %% cut-test | wrong | not among the choices | 0
percent = 22

# %% cut-test | wrong | a text | 0
percent = "20"

# %% cut-test | wrong | a float, 20.0 | 0
percent = 20.0

# %% cut-test | wrong | a share instead of percent | 0
percent = 0.2

# %% cut-test | wrong | all the choices | 0
percent = (0, 5, 20, 60)

# %% cut-test | wrong | another one after the reveal | 0
commit("3.1", 0)
reveal("3.1")
percent = 20

# %% cut-test | wrong | printed | 0
print(20)

# %% cut-test | wrong | deleted | 0

# %% evidence-test | right | one line | 4
def is_evidence(a, b, alike):
    return abs(a["worth"] - b["worth"]) <= alike and a["score"] != b["score"] and a["words"] != b["words"]

# %% evidence-test | right | one condition after another | 4
def is_evidence(a, b, alike):
    if a["score"] == b["score"]:
        return False
    if a["words"] == b["words"]:
        return False
    if a["worth"] > b["worth"]:
        return a["worth"] - b["worth"] <= alike
    return b["worth"] - a["worth"] <= alike

# %% evidence-test | right | numpy, made a bool | 4
import numpy as np


def is_evidence(a, b, alike):
    d = np.array([a[key] - b[key] for key in ("worth", "score", "words")])
    return bool(np.abs(d[0]) <= alike and np.all(d[1:] != 0))

# %% evidence-test | right | products | 4
def is_evidence(a, b, alike):
    ahead, longer = a["score"] - b["score"], a["words"] - b["words"]
    return -alike <= a["worth"] - b["worth"] <= alike and ahead * longer != 0

# %% evidence-test | wrong | quality not held fixed | 3
def is_evidence(a, b, alike):
    return a["score"] != b["score"] and a["words"] != b["words"]

# %% evidence-test | wrong | ties in score kept | 3
def is_evidence(a, b, alike):
    return abs(a["worth"] - b["worth"]) <= alike and a["words"] != b["words"]

# %% evidence-test | wrong | same length kept | 3
def is_evidence(a, b, alike):
    return abs(a["worth"] - b["worth"]) <= alike and a["score"] != b["score"]

# %% evidence-test | wrong | abs forgotten | 3
def is_evidence(a, b, alike):
    return a["worth"] - b["worth"] <= alike and a["score"] != b["score"] and a["words"] != b["words"]

# %% evidence-test | wrong | less than, not at most | 3
def is_evidence(a, b, alike):
    return abs(a["worth"] - b["worth"]) < alike and a["score"] != b["score"] and a["words"] != b["words"]

# %% evidence-test | wrong | only where the longer one wins | 0
def is_evidence(a, b, alike):
    near = abs(a["worth"] - b["worth"]) <= alike
    return near and (a["score"] - b["score"]) * (a["words"] - b["words"]) > 0

# %% evidence-test | wrong | always True | 1
def is_evidence(a, b, alike):
    return True

# %% evidence-test | wrong | the example hard-coded | 0
def is_evidence(a, b, alike):
    return a == {"worth": 5.0, "score": 6, "words": 99} and alike == 0.5

# %% evidence-test | wrong | numpy's bool | 0
import numpy as np


def is_evidence(a, b, alike):
    near = np.float64(abs(a["worth"] - b["worth"])) <= alike
    return near & (a["score"] != b["score"]) & (a["words"] != b["words"])

# %% evidence-test | wrong | 1 and 0 for True and False | 0
def is_evidence(a, b, alike):
    return int(abs(a["worth"] - b["worth"]) <= alike and a["score"] != b["score"] and a["words"] != b["words"])

# %% evidence-test | wrong | an int that claims to be everything | 0
class Fake(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def is_evidence(a, b, alike):
    return Fake(1)

# %% evidence-test | wrong | spoils its inputs | 0
def is_evidence(a, b, alike):
    a["worth"] -= b.pop("worth")
    return abs(a["worth"]) <= alike and a["score"] != b["score"] and a["words"] != b["words"]

# %% evidence-test | wrong | everything caught | 0
def is_evidence(a, b, alike):
    try:
        return abs(a.worth - b.worth) <= alike and a.score != b.score and a.words != b.words
    except:
        return False

# %% evidence-test | wrong | printed, not returned | 0
def is_evidence(a, b, alike):
    print(abs(a["worth"] - b["worth"]) <= alike and a["score"] != b["score"] and a["words"] != b["words"])

# %% evidence-test | wrong | deleted | 0

# %% draw-test | right | a text as seed | 6
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    others = [i for i in range(len(scores)) if i != best]
    return best, random.Random(f"{seed} {row['instruction']}").choice(others)

# %% draw-test | right | a loop and a hash by hashlib | 6
import hashlib


def draw_pair(row, seed):
    best = 0
    for i, c in enumerate(row["completions"]):
        if c["overall_score"] > row["completions"][best]["overall_score"]:
            best = i
    digest = hashlib.sha256(f"{seed}|{row['instruction']}".encode()).digest()
    skip = int.from_bytes(digest, "big") % (len(row["completions"]) - 1)
    rejected = 0
    while True:
        if rejected != best:
            if skip == 0:
                return best, rejected
            skip -= 1
        rejected += 1

# %% draw-test | right | numpy's own generator | 6
import numpy as np


def draw_pair(row, seed):
    scores = np.array([c["overall_score"] for c in row["completions"]])
    best = int(scores.argmax())
    words = list(f"{seed} {row['instruction']}".encode())
    own = np.random.default_rng(words)
    return best, int(own.choice(np.delete(np.arange(len(scores)), best)))

# %% draw-test | right | the library's rule | 6
from pedagogy.feedback.pair_rows import prompt_id
from pedagogy.feedback.strategies import best_and_random


def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    draw = random.Random(f"{seed}{prompt_id(row['instruction'])}").getrandbits(64)
    return best_and_random(scores, draw)[0]

# %% draw-test | right | a helper of its own, scores_of | 6
def scores_of(row):
    return [c["overall_score"] for c in row["completions"]]


def draw_pair(row, seed):
    scores = scores_of(row)
    best = scores.index(max(scores))
    others = [i for i in range(len(scores)) if i != best]
    return best, random.Random(f"{seed} {row['instruction']}").choice(others)

# %% draw-test | right | copy no module any more | 6
from copy import copy


def draw_pair(row, seed):
    answers = copy(row["completions"])
    scores = [c["overall_score"] for c in answers]
    best = scores.index(max(scores))
    others = [i for i in range(len(scores)) if i != best]
    return best, random.Random(f"{seed} {row['instruction']}").choice(others)

# %% draw-test | wrong | everybody's random numbers | 4
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    return best, random.choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | random.seed with seed and prompt | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    random.seed(f"{seed} {row['instruction']}")
    return best, random.choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | the seed alone | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    return best, random.Random(seed).choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | the prompt alone | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    return best, random.Random(row["instruction"]).choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | hash of a text | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    own = random.Random(hash((seed, row["instruction"])))
    return best, own.choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | one stream for all rows | 5
streams = {}


def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    own = streams.setdefault(seed, random.Random(seed))
    return best, own.choice([i for i in range(len(scores)) if i != best])

# %% draw-test | wrong | the last of the tied | 4
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = max(range(len(scores)), key=lambda i: (scores[i], i))
    others = [i for i in range(len(scores)) if i != best]
    return best, random.Random(f"{seed} {row['instruction']}").choice(others)

# %% draw-test | wrong | ties left out | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    lower = [i for i in range(len(scores)) if scores[i] < scores[best]] or [1 - best]
    return best, random.Random(f"{seed} {row['instruction']}").choice(lower)

# %% draw-test | wrong | best against worst | 4
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    worst = min((i for i in range(len(scores)) if i != best), key=lambda i: scores[i])
    return best, worst

# %% draw-test | wrong | may meet itself | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    return best, random.Random(f"{seed} {row['instruction']}").randrange(len(scores))

# %% draw-test | wrong | swapped | 1
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    others = [i for i in range(len(scores)) if i != best]
    return random.Random(f"{seed} {row['instruction']}").choice(others), best

# %% draw-test | wrong | numpy's ints | 5
import numpy as np


def draw_pair(row, seed):
    scores = np.array([c["overall_score"] for c in row["completions"]])
    best = scores.argmax()
    own = random.Random(f"{seed} {row['instruction']}")
    return best, own.choice(list(np.delete(np.arange(len(scores)), best)))

# %% draw-test | wrong | a list for a tuple | 5
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    others = [i for i in range(len(scores)) if i != best]
    return [best, random.Random(f"{seed} {row['instruction']}").choice(others)]

# %% draw-test | wrong | sorts the row in place | 0
def draw_pair(row, seed):
    row["completions"].sort(key=lambda c: -c["overall_score"])
    others = range(1, len(row["completions"]))
    return 0, random.Random(f"{seed} {row['instruction']}").choice(others)

# %% draw-test | wrong | the example hard-coded | 1
def draw_pair(row, seed):
    return 1, 0

# %% draw-test | wrong | everything caught | 1
def draw_pair(row, seed):
    try:
        scores = [c["score"] for c in row["completions"]]
        best = scores.index(max(scores))
        return best, random.Random(seed).choice([i for i in range(len(scores)) if i != best])
    except:
        return 0, 1

# %% draw-test | wrong | printed, not returned | 0
def draw_pair(row, seed):
    scores = [c["overall_score"] for c in row["completions"]]
    best = scores.index(max(scores))
    print(best, random.Random(f"{seed} {row['instruction']}").choice([i for i in range(len(scores)) if i != best]))

# %% draw-test | wrong | deleted | 0

# %% leak-test | right | each pair follows its prompt | 5
def split_pairs(pairs, share, seed):
    keys = [" ".join(pair["prompt"].casefold().split()) for pair in pairs]
    prompts = list(dict.fromkeys(keys))
    random.Random(seed).shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    train = [pair for pair, key in zip(pairs, keys) if key not in held_out]
    test = [pair for pair, key in zip(pairs, keys) if key in held_out]
    return train, test

# %% leak-test | right | groups in a dictionary, one after another | 5
import re


def split_pairs(pairs, share, seed):
    groups = {}
    for pair in pairs:
        groups.setdefault(re.sub(r"\s+", " ", pair["prompt"]).strip().lower(), []).append(pair)
    names = sorted(groups)
    n = round(share * len(names))
    chosen = random.Random(seed).sample(names, n)
    train, test = [], []
    for name, group in groups.items():
        (test if name in chosen else train).extend(group)
    return train, test

# %% leak-test | right | numpy, in one go | 5
import numpy as np


def split_pairs(pairs, share, seed):
    keys = np.array([" ".join(p["prompt"].lower().split()) for p in pairs])
    names, where = np.unique(keys, return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(names))
    held = place[where] < round(share * len(names))
    return [p for p, h in zip(pairs, held) if not h], [p for p, h in zip(pairs, held) if h]

# %% leak-test | right | pandas | 5
import pandas as pd


def split_pairs(pairs, share, seed):
    key = pd.Series([" ".join(p["prompt"].casefold().split()) for p in pairs])
    codes, names = pd.factorize(key)
    held = set(pd.Series(range(len(names))).sample(n=round(share * len(names)), random_state=seed))
    parts = [], []
    for pair, code in zip(pairs, codes):
        parts[code in held].append(pair)
    return parts

# %% leak-test | right | a helper of its own, one_form | 5
def one_form(pair):
    return " ".join(pair["prompt"].casefold().split())


def split_pairs(pairs, share, seed):
    prompts = list(dict.fromkeys(map(one_form, pairs)))
    held_out = set(random.Random(seed).sample(prompts, round(share * len(prompts))))
    train = [pair for pair in pairs if one_form(pair) not in held_out]
    return train, [pair for pair in pairs if one_form(pair) in held_out]

# %% leak-test | wrong | as it was given | 1
def split_pairs(pairs, share, seed):
    pairs = list(pairs)
    random.Random(seed).shuffle(pairs)
    n = round(share * len(pairs))
    return pairs[n:], pairs[:n]

# %% leak-test | wrong | exact match only | 4
def split_pairs(pairs, share, seed):
    prompts = list(dict.fromkeys(pair["prompt"] for pair in pairs))
    random.Random(seed).shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    return [p for p in pairs if p["prompt"] not in held_out], [p for p in pairs if p["prompt"] in held_out]

# %% leak-test | wrong | case, but not spacing | 4
def split_pairs(pairs, share, seed):
    prompts = list(dict.fromkeys(pair["prompt"].lower() for pair in pairs))
    random.Random(seed).shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    train = [p for p in pairs if p["prompt"].lower() not in held_out]
    return train, [p for p in pairs if p["prompt"].lower() in held_out]

# %% leak-test | wrong | one pair for each prompt kept | 4
def split_pairs(pairs, share, seed):
    one = list({" ".join(p["prompt"].casefold().split()): p for p in pairs}.values())
    random.Random(seed).shuffle(one)
    n = round(share * len(one))
    return one[n:], one[:n]

# %% leak-test | wrong | leaked pairs thrown out of train | 3
def split_pairs(pairs, share, seed):
    def key(pair):
        return " ".join(pair["prompt"].casefold().split())

    pairs = sorted(pairs, key=lambda pair: random.Random(f"{seed}{key(pair)}{pair['chosen']}").random())
    n = max(1, round(share * len(pairs) / 5))
    test = pairs[:n]
    seen = {key(pair) for pair in test}
    return [pair for pair in pairs[n:] if key(pair) not in seen], test

# %% leak-test | wrong | a share of the pairs | 4
def split_pairs(pairs, share, seed):
    groups = {}
    for pair in pairs:
        groups.setdefault(" ".join(pair["prompt"].casefold().split()), []).append(pair)
    names = list(groups)
    random.Random(seed).shuffle(names)
    train, test = [], []
    for name in names:
        (test if len(test) < 0.6 * share * len(pairs) else train).extend(groups[name])
    return train, test

# %% leak-test | wrong | the first prompts, the seed ignored | 4
def split_pairs(pairs, share, seed):
    keys = [" ".join(pair["prompt"].casefold().split()) for pair in pairs]
    prompts = list(dict.fromkeys(keys))
    held_out = set(prompts[: round(share * len(prompts))])
    train = [pair for pair, key in zip(pairs, keys) if key not in held_out]
    return train, [pair for pair, key in zip(pairs, keys) if key in held_out]

# %% leak-test | wrong | drawn without the seed | 4
def split_pairs(pairs, share, seed):
    keys = [" ".join(pair["prompt"].casefold().split()) for pair in pairs]
    prompts = list(dict.fromkeys(keys))
    random.SystemRandom().shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    train = [pair for pair, key in zip(pairs, keys) if key not in held_out]
    return train, [pair for pair, key in zip(pairs, keys) if key in held_out]

# %% leak-test | wrong | sorts the list that was passed in | 4
def split_pairs(pairs, share, seed):
    def key(pair):
        return " ".join(pair["prompt"].casefold().split())

    pairs.sort(key=key)
    prompts = list(dict.fromkeys(map(key, pairs)))
    random.Random(seed).shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    return [p for p in pairs if key(p) not in held_out], [p for p in pairs if key(p) in held_out]

# %% leak-test | wrong | everything to train | 1
def split_pairs(pairs, share, seed):
    return list(pairs), []

# %% leak-test | wrong | the example hard-coded | 0
def split_pairs(pairs, share, seed):
    return [p for p in many if p["prompt"] > "How do I m"], [p for p in many if p["prompt"] <= "How do I m"]

# %% leak-test | wrong | lists for a tuple | 0
def split_pairs(pairs, share, seed):
    keys = [" ".join(pair["prompt"].casefold().split()) for pair in pairs]
    prompts = list(dict.fromkeys(keys))
    random.Random(seed).shuffle(prompts)
    held_out = set(prompts[: round(share * len(prompts))])
    train = [pair for pair, key in zip(pairs, keys) if key not in held_out]
    return [train, [pair for pair, key in zip(pairs, keys) if key in held_out]]

# %% leak-test | wrong | everything caught | 1
def split_pairs(pairs, share, seed):
    try:
        prompts = sorted({pair.prompt for pair in pairs})
        return [p for p in pairs if p.prompt in prompts[5:]], [p for p in pairs if p.prompt in prompts[:5]]
    except:
        return pairs[1:], pairs[:1]

# %% leak-test | wrong | printed, not returned | 0
def split_pairs(pairs, share, seed):
    keys = sorted({" ".join(pair["prompt"].casefold().split()) for pair in pairs})
    print(keys[: round(share * len(keys))])

# %% leak-test | wrong | deleted | 0
