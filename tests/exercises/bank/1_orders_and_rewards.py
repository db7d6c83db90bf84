# %% ties-test | right | the nearest | 2
prediction = "about 45 %"

# %% ties-test | right | too many, and committed all the same | 2
prediction = "about 90 %"

# %% ties-test | right | too few, committed by hand before | 2
prediction = "about 15 %"
commit("ties", prediction)

# %% ties-test | wrong | nothing committed | 0
prediction = None

# %% ties-test | wrong | the dots left | 0
prediction = (
    ...  # your code here
)

# %% ties-test | wrong | not among the choices | 0
prediction = "about 50 %"

# %% ties-test | wrong | a number | 0
prediction = 0.45

# %% ties-test | wrong | a list of all choices | 0
prediction = ["about 90 %", "about 70 %", "about 45 %", "about 15 %"]

# %% ties-test | wrong | changed after the reveal | 0
commit("ties", "about 90 %")
reveal("ties")
prediction = "about 45 %"

# %% ties-test | wrong | a str that equals everything | 0
class Any(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


prediction = Any("about 45 %")

# %% ties-test | wrong | printed instead of set | 0
print("about 45 %")

# %% ties-test | deleted | deletes the cell | 0

# %% weak-test | right | comprehension | 4
def at_least_as_good(rewards):
    return {(a, b) for a in rewards for b in rewards if rewards[a] >= rewards[b]}

# %% weak-test | right | loop | 4
def at_least_as_good(rewards):
    pairs = set()
    for a, r in rewards.items():
        for b, s in rewards.items():
            if not s > r:
                pairs.add((a, b))
    return pairs

# %% weak-test | right | vectorised | 4
import numpy as np


def at_least_as_good(rewards):
    names, r = list(rewards), np.array(list(rewards.values()))
    rows, columns = np.nonzero(r[:, None] >= r[None, :])
    return {(names[i], names[j]) for i, j in zip(rows, columns)}

# %% weak-test | right | library | 4
def at_least_as_good(rewards):
    order = pg.PreferenceOrder.from_rewards(rewards)
    return set(product(rewards, repeat=2)) - {(b, a) for a, b in order.pairs}

# %% weak-test | wrong | strict | 1
def at_least_as_good(rewards):
    return {(a, b) for a in rewards for b in rewards if rewards[a] > rewards[b]}

# %% weak-test | wrong | strict, and each with itself | 2
def at_least_as_good(rewards):
    return {(a, b) for a in rewards for b in rewards if rewards[a] > rewards[b] or a == b}

# %% weak-test | wrong | not reflexive | 2
def at_least_as_good(rewards):
    return {(a, b) for a in rewards for b in rewards if a != b and rewards[a] >= rewards[b]}

# %% weak-test | wrong | turned round | 2
def at_least_as_good(rewards):
    return {(a, b) for a in rewards for b in rewards if rewards[a] <= rewards[b]}

# %% weak-test | wrong | a tie in one direction | 1
def at_least_as_good(rewards):
    ranked = sorted(rewards, key=rewards.get, reverse=True)
    return set(combinations(ranked, 2))

# %% weak-test | wrong | everything with everything | 2
def at_least_as_good(rewards):
    return set(product(rewards, repeat=2))

# %% weak-test | wrong | a list | 3
def at_least_as_good(rewards):
    return [(a, b) for a in rewards for b in rewards if rewards[a] >= rewards[b]]

# %% weak-test | wrong | two-letter lists for tuples | 3
def at_least_as_good(rewards):
    return [[a, b] for a in rewards for b in rewards if rewards[a] >= rewards[b]]

# %% weak-test | wrong | a set that equals everything | 0
class Any(set):
    def __eq__(self, other):
        return True


def at_least_as_good(rewards):
    return Any()

# %% weak-test | wrong | changes its input | 3
def at_least_as_good(rewards):
    pairs = {(a, b) for a in rewards for b in rewards if rewards[a] >= rewards[b]}
    rewards.clear()
    return pairs

# %% weak-test | wrong | the example, hard-coded | 0
def at_least_as_good(rewards):
    return {("A", "A"), ("A", "B"), ("A", "C"), ("B", "B"), ("C", "A"), ("C", "B"), ("C", "C")}

# %% weak-test | wrong | catches everything | 0
def at_least_as_good(rewards):
    try:
        return {(a, b) for a, b in rewards if a >= b}
    except Exception:
        return set()

# %% weak-test | wrong | prints | 0
def at_least_as_good(rewards):
    print({(a, b) for a in rewards for b in rewards if rewards[a] >= rewards[b]})

# %% weak-test | deleted | deletes the cell | 0

# %% utility-test | right | count what is beaten, then test | 6
def reward_for(elements, better):
    rewards = {a: float(sum((a, b) in better for b in elements)) for a in elements}
    fits = all(((a, b) in better) == (rewards[a] > rewards[b]) for a in elements for b in elements)
    return rewards if fits else None

# %% utility-test | right | shelf by shelf | 6
def reward_for(elements, better):
    rewards, left = {}, list(elements)
    while left:
        top = [a for a in left if not any((b, a) in better for b in left)]
        rest = [a for a in left if a not in top]
        for a in top:
            for b in rest:
                if (a, b) not in better:
                    return None
        for a in top:
            rewards[a] = -100.0 * (len(elements) - len(left))
        left = rest
    return rewards

# %% utility-test | right | vectorised | 6
import numpy as np


def reward_for(elements, better):
    above = np.array([[(a, b) in better for b in elements] for a in elements])
    rewards = above.sum(1)
    if not np.array_equal(above, rewards[:, None] > rewards[None, :]):
        return None
    return {a: float(r) for a, r in zip(elements, rewards)}

# %% utility-test | right | library | 6
def reward_for(elements, better):
    found = pg.find_utility(pg.PreferenceOrder.from_pairs(better, elements))
    return found if isinstance(found, dict) else None

# %% utility-test | right | a helper of its own, _fits | 6
def _fits(rewards, better):
    return all(((a, b) in better) == (rewards[a] > rewards[b]) for a in rewards for b in rewards)


def reward_for(elements, better):
    rewards = {a: float(sum((a, b) in better for b in elements)) for a in elements}
    return rewards if _fits(rewards, better) else None

# %% utility-test | wrong | counts, and never asks whether they fit | 4
def reward_for(elements, better):
    return {a: float(sum((a, b) in better for b in elements)) for a in elements}

# %% utility-test | wrong | a linear extension | 1
def reward_for(elements, better):
    ranking = next(pg.PreferenceOrder.from_pairs(better, elements).linear_extensions())
    return {a: float(-i) for i, a in enumerate(ranking)}

# %% utility-test | wrong | None unless everything is compared | 3
def reward_for(elements, better):
    if 2 * len(better) < len(elements) * (len(elements) - 1):
        return None
    return {a: float(sum((a, b) in better for b in elements)) for a in elements}

# %% utility-test | wrong | turned round | 0
def reward_for(elements, better):
    rewards = {a: float(sum((b, a) in better for b in elements)) for a in elements}
    fits = all(((a, b) in better) == (rewards[a] < rewards[b]) for a in elements for b in elements)
    return rewards if fits else None

# %% utility-test | wrong | elements in no pair forgotten | 4
def reward_for(elements, better):
    rewards = {a: float(sum((a, b) in better for b in elements)) for pair in better for a in pair}
    full = {a: rewards.get(a, 0.0) for a in elements}
    fits = all(((a, b) in better) == (full[a] > full[b]) for a in elements for b in elements)
    if not better:
        return {}
    return full if fits else None

# %% utility-test | wrong | only one direction of the arrow | 4
def reward_for(elements, better):
    rewards = {a: float(sum((a, b) in better for b in elements)) for a in elements}
    return rewards if all(rewards[a] > rewards[b] for a, b in better) else None

# %% utility-test | wrong | whole numbers | 5
def reward_for(elements, better):
    rewards = {a: sum((a, b) in better for b in elements) for a in elements}
    fits = all(((a, b) in better) == (rewards[a] > rewards[b]) for a in elements for b in elements)
    return rewards if fits else None

# %% utility-test | wrong | a list of rewards | 0
def reward_for(elements, better):
    rewards = {a: float(sum((a, b) in better for b in elements)) for a in elements}
    fits = all(((a, b) in better) == (rewards[a] > rewards[b]) for a in elements for b in elements)
    return list(rewards.values()) if fits else None

# %% utility-test | wrong | always None | 0
def reward_for(elements, better):
    return None

# %% utility-test | wrong | floats that compare as is wanted | 0
class Any(float):
    def __gt__(self, other):
        return True

    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def reward_for(elements, better):
    return {a: Any(0) for a in elements}

# %% utility-test | wrong | NaN for everything | 0
def reward_for(elements, better):
    return {a: float("nan") for a in elements}

# %% utility-test | wrong | empties its input | 5
def reward_for(elements, better):
    rewards, everything, pairs = {}, list(elements), set(better)
    while elements:
        a = elements.pop()
        rewards[a] = float(sum((a, b) in pairs for b in everything))
    fits = all(((a, b) in pairs) == (rewards[a] > rewards[b]) for a in everything for b in everything)
    return rewards if fits else None

# %% utility-test | wrong | the examples, hard-coded | 0
def reward_for(elements, better):
    if better == {("A", "C"), ("B", "C")}:
        return {"A": 1.0, "B": 1.0, "C": 0.0}
    return None

# %% utility-test | wrong | catches everything | 0
def reward_for(elements, better):
    try:
        return {a: better[a] for a in elements}
    except Exception:
        return None

# %% utility-test | wrong | prints | 0
def reward_for(elements, better):
    print({a: float(sum((a, b) in better for b in elements)) for a in elements})

# %% utility-test | deleted | deletes the cell | 0

# %% agreement-test | right | loop | 5
def agreement(chosen, rejected):
    points = 0.0
    for plus, minus in zip(chosen, rejected):
        if plus > minus:
            points += 1
        elif plus == minus:
            points += 0.5
    return points / len(chosen)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | right | the inner loop mended | 5
def agreement(chosen, rejected):
    points = 0.0
    for i in range(len(chosen)):
        for j in range(len(rejected)):
            if i == j:
                points += (chosen[i] > rejected[j]) + 0.5 * (chosen[i] == rejected[j])
    return points / len(chosen)


example = [[5, 4, 3], [1, 2, 3], [-100, 0, 100]]

# %% agreement-test | right | vectorised | 5
import numpy as np


def agreement(chosen, rejected):
    gaps = np.array(chosen) - np.array(rejected)
    return float((np.sign(gaps) + 1).mean() / 2)


example = ((0.0, -1.0), (1.0, 0.0), (7.0, 0.0))

# %% agreement-test | right | statistics | 5
from statistics import fmean


def agreement(chosen, rejected):
    return fmean({1: 1.0, 0: 0.5, -1: 0.0}[(p > m) - (p < m)] for p, m in zip(chosen, rejected, strict=True))


example = ([2.0, 1.0], [1.0, 0.0], [5.0, -5.0])

# %% agreement-test | right | helpers of its own, agrees and mark | 5
def agrees(plus, minus):
    return plus > minus


def mark(plus, minus):
    return 1.0 if agrees(plus, minus) else 0.5 if plus == minus else 0.0


def agreement(chosen, rejected):
    return sum(map(mark, chosen, rejected)) / len(chosen)


example = ([3.0, 3.0], [2.0, 2.0], [0.0, 50.0])

# %% agreement-test | wrong | untouched | 0
def agreement(chosen, rejected):
    points = 0.0
    for plus in chosen:
        for minus in rejected:
            if plus > minus:
                points += 1
            elif plus == minus:
                points += 0.5
    return points / (len(chosen) * len(rejected))


example = None

# %% agreement-test | wrong | an example, and no repair | 1
def agreement(chosen, rejected):
    points = 0.0
    for plus in chosen:
        for minus in rejected:
            if plus > minus:
                points += 1
            elif plus == minus:
                points += 0.5
    return points / (len(chosen) * len(rejected))


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | repaired, and no example | 4
def agreement(chosen, rejected):
    return sum((p > m) + 0.5 * (p == m) for p, m in zip(chosen, rejected)) / len(chosen)


example = None

# %% agreement-test | wrong | an example of one prompt shows nothing | 4
def agreement(chosen, rejected):
    return sum((p > m) + 0.5 * (p == m) for p, m in zip(chosen, rejected)) / len(chosen)


example = ([1.0], [0.0], [10.0])

# %% agreement-test | wrong | the same offset for all shows nothing | 4
def agreement(chosen, rejected):
    return sum((p > m) + 0.5 * (p == m) for p, m in zip(chosen, rejected)) / len(chosen)


example = ([1.0, 3.0], [0.0, 2.0], [10.0, 10.0])

# %% agreement-test | wrong | a tie counts as right | 4
def agreement(chosen, rejected):
    return sum(p >= m for p, m in zip(chosen, rejected)) / len(chosen)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | a tie counts as wrong | 4
def agreement(chosen, rejected):
    return sum(p > m for p, m in zip(chosen, rejected)) / len(chosen)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | ties left out | 4
def agreement(chosen, rejected):
    clear = [(p, m) for p, m in zip(chosen, rejected) if p != m]
    return sum(p > m for p, m in clear) / len(clear)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | turned round | 1
def agreement(chosen, rejected):
    return sum((m > p) + 0.5 * (p == m) for p, m in zip(chosen, rejected)) / len(chosen)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | still divided by all comparisons | 1
def agreement(chosen, rejected):
    points = 0.0
    for plus, minus in zip(chosen, rejected):
        if plus > minus:
            points += 1
        elif plus == minus:
            points += 0.5
    return points / (len(chosen) * len(rejected))


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | NumPy's number | 4
import numpy as np


def agreement(chosen, rejected):
    return (np.sign(np.array(chosen) - np.array(rejected)) + 1).mean() / 2


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | a float that equals everything | 1
class Any(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__

    def __sub__(self, other):
        return 0.0


def agreement(chosen, rejected):
    return Any(0.5)


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | empties its input | 4
def agreement(chosen, rejected):
    n, points = len(chosen), 0.0
    while chosen:
        p, m = chosen.pop(), rejected.pop()
        points += (p > m) + 0.5 * (p == m)
    return points / n


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | hard-coded | 1
def agreement(chosen, rejected):
    return 0.84


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | catches everything | 1
def agreement(chosen, rejected):
    try:
        return float((chosen > rejected).mean())
    except Exception:
        return 0.0


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | wrong | prints | 1
def agreement(chosen, rejected):
    print(sum((p > m) + 0.5 * (p == m) for p, m in zip(chosen, rejected)) / len(chosen))


example = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])

# %% agreement-test | deleted | deletes the cell | 0
