"""Answers to assignment 4, right and wrong, with the points each must get (tests/exercises/bank.py)."""

# %% choice-test | right | closest | 2
percent = 90

# %% choice-test | right | another prediction, committed all the same | 2
percent = 10

# %% choice-test | right | computed from a guess | 2
percent = 3 * (5 + 15)

# %% choice-test | wrong | no answer | 0
percent = None

# %% choice-test | wrong | not among the choices | 0
percent = 92

# %% choice-test | wrong | a text | 0
percent = "90"

# %% choice-test | wrong | a float, 90.0 | 0
percent = 90.0

# %% choice-test | wrong | a share instead of percent | 0
percent = 0.9

# %% choice-test | wrong | a list of it | 0
percent = [90]

# %% choice-test | wrong | another one after the reveal | 0
commit("4.1", 10)
reveal("4.1")
percent = 90

# %% choice-test | wrong | printed | 0
print(90)

# %% choice-test | wrong | deleted | 0

# %% returns-test | right | from the end | 4
def returns(rewards, gamma):
    T = len(rewards)
    G = [None] * T + [0.0]
    for t in reversed(range(T)):
        G[t] = rewards[t] + gamma * G[t + 1]
    return G[:T]

# %% returns-test | right | by the definition | 4
def returns(rewards, gamma):
    T = len(rewards)
    return [float(sum(gamma ** (k - t) * rewards[k] for k in range(t, T))) for t in range(T)]

# %% returns-test | right | a triangle of discounts | 4
import numpy as np


def returns(rewards, gamma):
    steps = np.arange(len(rewards))
    ahead = steps[None] - steps[:, None]
    weights = np.triu(float(gamma) ** np.maximum(ahead, 0))
    return (weights @ np.asarray(rewards, dtype=float)).tolist()

# %% returns-test | right | the library's | 4
def returns(rewards, gamma):
    return pg.returns(rewards, gamma).tolist()

# %% returns-test | wrong | discounted from the start | 1
def returns(rewards, gamma):
    T = len(rewards)
    return [float(sum(gamma**k * rewards[k] for k in range(t, T))) for t in range(T)]

# %% returns-test | wrong | own reward left out | 0
def returns(rewards, gamma):
    T = len(rewards)
    G = [None] * T + [0.0]
    for t in reversed(range(T)):
        G[t] = gamma * G[t + 1] if t + 1 < T else 0.0
    return G[:T]

# %% returns-test | wrong | own reward discounted too | 1
def returns(rewards, gamma):
    T = len(rewards)
    G = [None] * T + [0.0]
    for t in reversed(range(T)):
        G[t] = gamma * (rewards[t] + G[t + 1])
    return G[:T]

# %% returns-test | wrong | γ ignored | 1
def returns(rewards, gamma):
    T = len(rewards)
    G = [None] * T + [0.0]
    for t in reversed(range(T)):
        G[t] = rewards[t] + G[t + 1]
    return G[:T]

# %% returns-test | wrong | the past, not the future | 0
def returns(rewards, gamma):
    found, G = [], 0.0
    for r in rewards:
        G = r + gamma * G
        found.append(G)
    return found

# %% returns-test | wrong | the wrong way round | 0
def returns(rewards, gamma):
    found, G = [], 0.0
    for r in reversed(rewards):
        G = r + gamma * G
        found.append(G)
    return found

# %% returns-test | wrong | only the last reward | 1
def returns(rewards, gamma):
    T = len(rewards)
    return [float(gamma ** (T - 1 - t) * rewards[-1]) for t in range(T)]

# %% returns-test | wrong | the first return alone | 0
def returns(rewards, gamma):
    return float(sum(gamma**k * r for k, r in enumerate(rewards)))

# %% returns-test | wrong | an array for a list | 0
def returns(rewards, gamma):
    return pg.returns(rewards, gamma)

# %% returns-test | wrong | whole numbers stay whole | 3
def returns(rewards, gamma):
    T = len(rewards)
    G = list(rewards)
    for t in reversed(range(T - 1)):
        G[t] = rewards[t] + gamma * G[t + 1]
    return G

# %% returns-test | wrong | a float that agrees with all | 0
class Fake(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def returns(rewards, gamma):
    return [Fake(r) for r in rewards]

# %% returns-test | wrong | spoils the rewards | 0
def returns(rewards, gamma):
    for t in reversed(range(len(rewards) - 1)):
        rewards[t] += gamma * rewards[t + 1]
    return [float(r) for r in rewards]

# %% returns-test | wrong | the example hard-coded | 0
def returns(rewards, gamma):
    return [1.0, 2.0, 4.0, 8.0]

# %% returns-test | wrong | everything caught | 0
def returns(rewards, gamma):
    try:
        return [gamma * rewards[t + 1] for t in range(len(rewards))]
    except:
        return [0.0] * len(rewards)

# %% returns-test | wrong | printed, not returned | 0
def returns(rewards, gamma):
    G = 0.0
    for r in reversed(rewards):
        G = r + gamma * G
        print(G)

# %% returns-test | wrong | deleted | 0

# %% value-test | right | by hand | 6
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(n), "n": n, "truncated": len(returns) - n}

# %% value-test | right | statistics, which refuses by itself | 6
import statistics


def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    stderr = statistics.stdev(kept) / len(kept) ** 0.5
    return {"mean": statistics.mean(kept), "stderr": stderr, "n": len(kept), "truncated": finished.count(False)}

# %% value-test | right | numpy | 6
import numpy as np


def estimate(returns, finished):
    kept = np.array(returns, dtype=float)[np.array(finished, dtype=bool)]
    if kept.size < 2:
        raise ValueError("fewer than two finished")
    return {
        "mean": float(kept.mean()),
        "stderr": float(kept.std(ddof=1) / np.sqrt(kept.size)),
        "n": int(kept.size),
        "truncated": len(returns) - int(kept.size),
    }

# %% value-test | right | the library's Value | 6
from pedagogy.rollouts import Value


def estimate(returns, finished):
    kept = tuple(g for g, whole in zip(returns, finished) if whole)
    if len(kept) < 2:
        raise ValueError("fewer than two finished")
    value = Value(0, kept, len(returns) - len(kept))
    return {"mean": value.mean, "stderr": value.stderr, "n": value.n, "truncated": value.truncated}

# %% value-test | right | torch in double precision | 6
def estimate(returns, finished):
    kept = torch.tensor(returns, dtype=torch.float64)[torch.tensor(finished, dtype=torch.bool)]
    if len(kept) < 2:
        raise ValueError("fewer than two finished")
    stderr = (kept.std() / len(kept) ** 0.5).item()
    return {"mean": kept.mean().item(), "stderr": stderr, "n": len(kept), "truncated": len(returns) - len(kept)}

# %% value-test | right | helpers of its own, rollouts and cut | 6
def rollouts(returns, finished):
    return [g for g, whole in zip(returns, finished) if whole]


def cut(finished):
    return sum(not whole for whole in finished)


def estimate(returns, finished):
    kept = rollouts(returns, finished)
    if len(kept) < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / len(kept)
    variance = sum((g - mean) ** 2 for g in kept) / (len(kept) - 1)
    return {"mean": mean, "stderr": math.sqrt(variance / len(kept)), "n": len(kept), "truncated": cut(finished)}

# %% value-test | right | copy and random no modules any more | 6
from copy import copy
from random import random
from statistics import mean, stdev


def estimate(returns, finished):
    kept = copy(returns)
    for i in reversed(range(len(kept))):
        if not finished[i]:
            del kept[i]
    error = stdev(kept) / math.sqrt(len(kept))
    return {"mean": mean(kept), "stderr": error, "n": len(kept), "truncated": len(returns) - len(kept)}

# %% value-test | wrong | truncated counted as 0 | 1
def estimate(returns, finished):
    n = sum(finished)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(returns) / len(returns)
    spread = math.sqrt(sum((g - mean) ** 2 for g in returns) / (len(returns) - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(len(returns)), "n": len(returns), "truncated": len(returns) - n}

# %% value-test | wrong | spread for error | 4
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread, "n": n, "truncated": len(returns) - n}

# %% value-test | wrong | divided by n, not its root | 4
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread / n, "n": n, "truncated": len(returns) - n}

# %% value-test | wrong | numpy's std, with n | 4
import numpy as np


def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    if len(kept) < 2:
        raise ValueError("fewer than two finished")
    stderr = float(np.std(kept) / len(kept) ** 0.5)
    return {"mean": float(np.mean(kept)), "stderr": stderr, "n": len(kept), "truncated": len(returns) - len(kept)}

# %% value-test | wrong | the root of all rollouts | 4
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(len(returns)), "n": n, "truncated": len(returns) - n}

# %% value-test | wrong | no refusal | 5
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        return {"mean": 0.0, "stderr": 0.0, "n": n, "truncated": len(returns) - n}
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(n), "n": n, "truncated": len(returns) - n}

# %% value-test | wrong | truncated not counted | 5
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(n), "n": n, "truncated": 0}

# %% value-test | wrong | numpy's numbers | 2
import numpy as np


def estimate(returns, finished):
    kept = np.array([g for g, whole in zip(returns, finished) if whole])
    if len(kept) < 2:
        raise ValueError("fewer than two finished")
    stderr = kept.std(ddof=1) / np.sqrt(len(kept))
    return {"mean": kept.mean(), "stderr": stderr, "n": len(kept), "truncated": len(returns) - len(kept)}

# %% value-test | wrong | floats that agree with all | 2
class Fake(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def estimate(returns, finished):
    n = sum(finished)
    if n < 2:
        raise ValueError("fewer than two finished")
    return {"mean": Fake(0.0), "stderr": Fake(0.0), "n": n, "truncated": len(returns) - n}

# %% value-test | wrong | spoils the lists | 5
def estimate(returns, finished):
    cut = 0
    while False in finished:
        del returns[finished.index(False)]
        finished.remove(False)
        cut += 1
    n = len(returns)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(returns) / n
    spread = math.sqrt(sum((g - mean) ** 2 for g in returns) / (n - 1))
    return {"mean": mean, "stderr": spread / math.sqrt(n), "n": n, "truncated": cut}

# %% value-test | wrong | a tuple for a dictionary | 0
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    n = len(kept)
    if n < 2:
        raise ValueError("fewer than two finished")
    mean = sum(kept) / n
    return mean, math.sqrt(sum((g - mean) ** 2 for g in kept) / (n - 1) / n), n, len(returns) - n

# %% value-test | wrong | the example hard-coded | 0
def estimate(returns, finished):
    return {"mean": 6.25, "stderr": 1.109, "n": 4, "truncated": 2}

# %% value-test | wrong | everything caught | 0
def estimate(returns, finished):
    try:
        kept = returns[finished]
        return {"mean": kept.mean(), "stderr": kept.std() / len(kept), "n": len(kept), "truncated": 0}
    except:
        return {"mean": 0.0, "stderr": 0.0, "n": 0, "truncated": 0}

# %% value-test | wrong | printed, not returned | 0
def estimate(returns, finished):
    kept = [g for g, whole in zip(returns, finished) if whole]
    print(sum(kept) / max(1, len(kept)), len(kept))

# %% value-test | wrong | deleted | 0

# %% memory-test | right | the pair as the key | 5
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if (x, y) not in known:
            known[x, y] = ask(x, y)
        return known[x, y]

    return asked

# %% memory-test | right | a dictionary in a dictionary | 5
witness = [("a", ""), ("b", "")]


def remembered(ask):
    by_prompt = {}

    def asked(x, y):
        known = by_prompt.setdefault(x, {})
        try:
            return known[y]
        except KeyError:
            known[y] = ask(x, y)
            return known[y]

    return asked

# %% memory-test | right | functools.cache | 5
import functools

witness = (("How?", "By"), ("Why?", "By"))


def remembered(ask):
    return functools.cache(ask)

# %% memory-test | right | a list, gone through | 5
witness = [("x", "y"), ("z", "y")]


def remembered(ask):
    known = []

    def asked(x, y):
        for a, b, answer in known:
            if a == x and b == y:
                return answer
        known.append((x, y, ask(x, y)))
        return known[-1][2]

    return asked

# %% memory-test | wrong | as it was given, no witness | 1
witness = None


def remembered(ask):
    known = {}

    def asked(x, y):
        if y not in known:
            known[y] = ask(x, y)
        return known[y]

    return asked

# %% memory-test | wrong | the prompt alone as the key | 3
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if x not in known:
            known[x] = ask(x, y)
        return known[x]

    return asked

# %% memory-test | wrong | joined | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if x + y not in known:
            known[x + y] = ask(x, y)
        return known[x + y]

    return asked

# %% memory-test | wrong | joined with a space between | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        key = f"{x} {y}"
        if key not in known:
            known[key] = ask(x, y)
        return known[key]

    return asked

# %% memory-test | wrong | a set as the key | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        state = frozenset((x, y))
        if state not in known:
            known[state] = ask(x, y)
        return known[state]

    return asked

# %% memory-test | wrong | nothing remembered | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    return ask

# %% memory-test | wrong | setdefault, which asks each time | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        return known.setdefault((x, y), ask(x, y))

    return asked

# %% memory-test | wrong | asks again where the answer is empty | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if not known.get((x, y)):
            known[x, y] = ask(x, y)
        return known[x, y]

    return asked

# %% memory-test | wrong | only the last state remembered | 4
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    last = []

    def asked(x, y):
        if not last or last[0] != (x, y):
            last[:] = [(x, y), ask(x, y)]
        return last[1]

    return asked

# %% memory-test | wrong | a witness that shows nothing | 4
witness = [("How do I change a tire?", "First,"), ("How do I change a tire?", "Then")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if (x, y) not in known:
            known[x, y] = ask(x, y)
        return known[x, y]

    return asked

# %% memory-test | wrong | a witness of one state, twice | 4
witness = [("tire", "First,"), ("tire", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if (x, y) not in known:
            known[x, y] = ask(x, y)
        return known[x, y]

    return asked

# %% memory-test | wrong | the example hard-coded | 1
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {"How do I boil an egg?": "' place' 0.43", "How do I change a tire?": "' sw' 0.22"}
    return lambda x, y: known[x]

# %% memory-test | wrong | everything caught | 1
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        try:
            return known[x][y]
        except:
            return 0.0

    return asked

# %% memory-test | wrong | printed, not returned | 1
witness = [("tire", "First,"), ("egg", "First,")]


def remembered(ask):
    known = {}

    def asked(x, y):
        if (x, y) not in known:
            known[x, y] = ask(x, y)
        print(known[x, y])

    return asked

# %% memory-test | wrong | strings that differ from all | 4
class Fake(str):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return True

    __hash__ = str.__hash__


witness = [(Fake("a"), Fake("b")), (Fake("c"), Fake("d"))]


def remembered(ask):
    known = {}

    def asked(x, y):
        if (x, y) not in known:
            known[x, y] = ask(x, y)
        return known[x, y]

    return asked

# %% memory-test | wrong | deleted | 0
