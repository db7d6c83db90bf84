# %% gap-test | right | the one measured | 2
prediction = "infinite, then 2.3"

# %% gap-test | right | wins counted, and committed all the same | 2
prediction = "10.0, then 9.0"

# %% gap-test | right | committed by hand before | 2
prediction = "infinite, then infinite"
commit("gap", prediction)

# %% gap-test | wrong | nothing committed | 0
prediction = None

# %% gap-test | wrong | the dots left | 0
prediction = (
    ...  # your code here
)

# %% gap-test | wrong | not among the choices | 0
prediction = "infinite, then 2.4"

# %% gap-test | wrong | numbers | 0
prediction = (math.inf, math.log(10))

# %% gap-test | wrong | changed after the reveal | 0
commit("gap", "10.0, then 9.0")
reveal("gap")
prediction = "infinite, then 2.3"

# %% gap-test | wrong | a str that equals everything | 0
class Any(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


prediction = Any("infinite, then 2.3")

# %% gap-test | wrong | printed instead of set | 0
print("infinite, then 2.3")

# %% gap-test | deleted | deletes the cell | 0

# %% nudge-test | right | one minus σ | 4
def nudge(rewards, winner, loser, rate):
    slope = 1 - sigmoid(rewards[winner] - rewards[loser])
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | right | the loser's probability | 4
def nudge(rewards, winner, loser, rate):
    slope = sigmoid(rewards[loser] - rewards[winner])
    return {a: r + rate * slope * ((a == winner) - (a == loser)) for a, r in rewards.items()}

# %% nudge-test | right | the chain rule as it stands | 4
def nudge(rewards, winner, loser, rate):
    p = sigmoid(rewards[winner] - rewards[loser])
    slope = p * (1 - p) / p
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | right | library | 4
from scipy.special import expit


def nudge(rewards, winner, loser, rate):
    slope = float(expit(rewards[loser] - rewards[winner]))
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | right | automatic differentiation | 4
import torch


def nudge(rewards, winner, loser, rate):
    gap = torch.tensor(rewards[winner] - rewards[loser], dtype=torch.float64, requires_grad=True)
    torch.nn.functional.logsigmoid(gap).backward()
    slope = gap.grad.item()
    return {**rewards, winner: rewards[winner] + rate * slope, loser: rewards[loser] - rate * slope}

# %% nudge-test | right | written out | 4
def nudge(rewards, winner, loser, rate):
    slope = 1 / (1 + math.exp(rewards[winner] - rewards[loser]))
    moved = rewards.copy()
    moved[winner] = moved[winner] + rate * slope
    moved[loser] = moved[loser] - rate * slope
    return moved

# %% nudge-test | right | sys imported as _sys | 4
import sys as _sys


def nudge(rewards, winner, loser, rate):
    largest = math.log(_sys.float_info.max)
    slope = 1 / (1 + math.exp(min(rewards[winner] - rewards[loser], largest)))
    return {**rewards, winner: rewards[winner] + rate * slope, loser: rewards[loser] - rate * slope}

# %% nudge-test | wrong | σ of the gap | 1
def nudge(rewards, winner, loser, rate):
    slope = sigmoid(rewards[winner] - rewards[loser])
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | the slope of σ | 0
def nudge(rewards, winner, loser, rate):
    p = sigmoid(rewards[winner] - rewards[loser])
    slope = p * (1 - p)
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | every win alike | 0
def nudge(rewards, winner, loser, rate):
    slope = 1.0
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | one half for every win | 1
def nudge(rewards, winner, loser, rate):
    slope = 0.5
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | the log-likelihood itself | 0
def nudge(rewards, winner, loser, rate):
    slope = math.log(sigmoid(rewards[winner] - rewards[loser]))
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | rewards as strengths | 1
def nudge(rewards, winner, loser, rate):
    slope = 1 - rewards[winner] / (rewards[winner] + rewards[loser])
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | the sign | 0
def nudge(rewards, winner, loser, rate):
    slope = sigmoid(rewards[winner] - rewards[loser]) - 1
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | only the winner moves | 0
def nudge(rewards, winner, loser, rate):
    slope = 1 - sigmoid(rewards[winner] - rewards[loser])
    return {**rewards, winner: rewards[winner] + rate * slope}

# %% nudge-test | wrong | NumPy's numbers | 3
def nudge(rewards, winner, loser, rate):
    slope = 1 / (1 + np.exp(rewards[winner] - rewards[loser]))
    moved = dict(rewards)
    moved[winner] += rate * slope
    moved[loser] -= rate * slope
    return moved

# %% nudge-test | wrong | changes its input | 3
def nudge(rewards, winner, loser, rate):
    slope = 1 - sigmoid(rewards[winner] - rewards[loser])
    rewards[winner] += rate * slope
    rewards[loser] -= rate * slope
    return rewards

# %% nudge-test | wrong | floats that equal everything | 0
class Any(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__

    def __sub__(self, other):
        return 0.0


def nudge(rewards, winner, loser, rate):
    return {a: Any(r) for a, r in rewards.items()}

# %% nudge-test | wrong | hard-coded | 0
def nudge(rewards, winner, loser, rate):
    return {"A": 0.5, "B": -0.5, "C": 1.0}

# %% nudge-test | wrong | catches everything | 0
def nudge(rewards, winner, loser, rate):
    try:
        slope = 1 - sigmoid(winner - loser)
        rewards[winner] += rate * slope
    except Exception:
        pass
    return rewards

# %% nudge-test | wrong | prints | 0
def nudge(rewards, winner, loser, rate):
    slope = 1 - sigmoid(rewards[winner] - rewards[loser])
    print({**rewards, winner: rewards[winner] + rate * slope, loser: rewards[loser] - rate * slope})

# %% nudge-test | deleted | deletes the cell | 0

# %% covers-test | right | reach along the others | 6
def covers(pairs):
    def reaches(a, b, allowed, seen=()):
        return any(
            d == b or (d not in seen and reaches(d, b, allowed, (*seen, d))) for c, d in allowed if c == a
        )

    if any(reaches(a, a, pairs) for a, _ in pairs):
        raise ValueError("a cycle")
    return {(a, b) for a, b in pairs if not reaches(a, b, pairs - {(a, b)})}

# %% covers-test | right | close, then drop what has something in between | 6
def covers(pairs):
    closed = set(pairs)
    while True:
        more = {(a, d) for a, b in closed for c, d in closed if b == c} - closed
        if not more:
            break
        closed |= more
    if any(a == b for a, b in closed):
        raise ValueError("a cycle")
    names = {a for pair in pairs for a in pair}
    return {(a, b) for a, b in closed if not any((a, c) in closed and (c, b) in closed for c in names)}

# %% covers-test | right | vectorised | 6
import numpy as np


def covers(pairs):
    names = sorted({a for pair in pairs for a in pair})
    index = {a: i for i, a in enumerate(names)}
    above = np.zeros((len(names), len(names)), dtype=int)
    for a, b in pairs:
        above[index[a], index[b]] = 1
    closed = above
    for _ in names:
        closed = ((closed + closed @ closed) > 0).astype(int)
    if closed.diagonal().any():
        raise ValueError("a cycle")
    lines = (closed == 1) & (closed @ closed == 0)
    return {(names[i], names[j]) for i, j in zip(*np.nonzero(lines))}

# %% covers-test | right | library | 6
def covers(pairs):
    return pg.PreferenceOrder.from_pairs(pairs).hasse().pairs

# %% covers-test | right | networkx | 6
import networkx as nx


def covers(pairs):
    graph = nx.DiGraph(list(pairs))
    if not nx.is_directed_acyclic_graph(graph):
        raise ValueError("a cycle")
    return set(nx.transitive_reduction(graph).edges)

# %% covers-test | wrong | only over two stated pairs | 3
def covers(pairs):
    names = {a for pair in pairs for a in pair}
    if any((b, a) in pairs for a, b in pairs):
        raise ValueError("a cycle")
    return {(a, b) for a, b in pairs if not any((a, c) in pairs and (c, b) in pairs for c in names)}

# %% covers-test | wrong | only over two stated pairs, with a proper search for cycles | 4
def covers(pairs):
    if pg.PreferenceOrder.from_pairs(pairs).cycle():
        raise ValueError("a cycle")
    names = {a for pair in pairs for a in pair}
    return {(a, b) for a, b in pairs if not any((a, c) in pairs and (c, b) in pairs for c in names)}

# %% covers-test | wrong | the closure | 0
def covers(pairs):
    closed = set(pairs)
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    if any(a == b for a, b in closed):
        raise ValueError("a cycle")
    return closed

# %% covers-test | wrong | nothing left out | 0
def covers(pairs):
    return set(pairs)

# %% covers-test | wrong | no word about cycles | 5
def covers(pairs):
    closed = set(pairs)
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    names = {a for pair in pairs for a in pair}
    return {(a, b) for a, b in closed if not any((a, c) in closed and (c, b) in closed for c in names)}

# %% covers-test | wrong | cycles of two only | 5
def covers(pairs):
    if any((b, a) in pairs for a, b in pairs):
        raise ValueError("a cycle")
    closed = set(pairs)
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    names = {a for pair in pairs for a in pair}
    return {(a, b) for a, b in closed if not any((a, c) in closed and (c, b) in closed for c in names)}

# %% covers-test | wrong | a cycle gives None | 5
def covers(pairs):
    try:
        return pg.PreferenceOrder.from_pairs(pairs).hasse().pairs
    except ValueError:
        return None

# %% covers-test | wrong | upside down | 0
def covers(pairs):
    return {(b, a) for a, b in pg.PreferenceOrder.from_pairs(pairs).hasse().pairs}

# %% covers-test | wrong | one line down from each | 3
def covers(pairs):
    order = pg.PreferenceOrder.from_pairs(pairs).hasse()
    return {(a, b) for a, b in order.pairs if b == min(order.graph[a], key=order.elements.index)}

# %% covers-test | wrong | a sorted list | 5
def covers(pairs):
    return sorted(pg.PreferenceOrder.from_pairs(pairs).hasse().pairs)

# %% covers-test | wrong | changes its input | 5
def covers(pairs):
    lines = pg.PreferenceOrder.from_pairs(pairs).hasse().pairs
    pairs.intersection_update(lines)
    return pairs

# %% covers-test | wrong | leaves out while it runs through them | 0
def covers(pairs):
    for a, b in pairs:
        if any((a, c) in pairs and (c, b) in pairs for c, _ in pairs):
            pairs.remove((a, b))
    return pairs

# %% covers-test | wrong | a set that equals everything | 0
class Any(set):
    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter(())


def covers(pairs):
    return Any(pairs)

# %% covers-test | wrong | the example, hard-coded | 0
def covers(pairs):
    return {("A", "B"), ("B", "C")}

# %% covers-test | wrong | catches everything | 0
def covers(pairs):
    try:
        return {(a, b) for a, b in pairs.items()}
    except Exception:
        return set()

# %% covers-test | wrong | always refuses | 0
def covers(pairs):
    raise ValueError("a cycle")

# %% covers-test | wrong | prints | 0
def covers(pairs):
    print(pg.PreferenceOrder.from_pairs(pairs).hasse().pairs)

# %% covers-test | deleted | deletes the cell | 0

# %% fit-test | right | walk along wins from each | 5
def fit(pairs, steps=1000):
    names = sorted({name for pair in pairs for name in pair})
    for start in names:
        reached, todo = {start}, [start]
        while todo:
            here = todo.pop()
            for winner, loser in pairs:
                if winner == here and loser not in reached:
                    reached.add(loser)
                    todo.append(loser)
        if len(reached) < len(names):
            raise ValueError("no finite fit")
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


example = [("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")]

# %% fit-test | right | vectorised | 5
def fit(pairs, steps=1000):
    names = sorted({name for pair in pairs for name in pair})
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    if not np.linalg.matrix_power(np.eye(len(names)) + (wins > 0), len(names)).all():
        raise ValueError("no finite fit")
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | right | library | 5
def fit(pairs, steps=1000):
    return pg.fit_bradley_terry(pairs).rewards


example = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("d", "e"), ("e", "d")]

# %% fit-test | right | networkx, and the code as given | 5
import networkx as nx


def climb(pairs, steps):
    names = sorted({name for pair in pairs for name in pair})
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


def fit(pairs, steps=1000):
    if not nx.is_strongly_connected(nx.DiGraph(pairs)):
        raise ValueError("no finite fit")
    return climb(pairs, steps)


example = (("A", "B"), ("B", "A"), ("C", "B"), ("C", "D"), ("D", "C"))

# %% fit-test | right | helpers of its own, _names and _right | 5
def _names(pairs):
    return sorted({name for pair in pairs for name in pair})


def _right(pairs):
    return pg.no_finite_fit(pairs) is None


def fit(pairs, steps=1000):
    if not _right(pairs):
        raise ValueError("no finite fit")
    names = _names(pairs)
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


example = [("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | untouched | 0
def fit(pairs, steps=1000):
    names = sorted({name for pair in pairs for name in pair})
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


example = None

# %% fit-test | wrong | more steps | 1
def fit(pairs, steps=5000):
    names = sorted({name for pair in pairs for name in pair})
    wins = np.zeros((len(names), len(names)))
    for winner, loser in pairs:
        wins[names.index(winner), names.index(loser)] += 1
    games = wins + wins.T
    rate = 2 / games.sum(1).max()
    r = np.zeros(len(names))
    for _ in range(steps):
        expected = games / (1 + np.exp(r[None, :] - r[:, None]))
        r = r + rate * (wins - expected).sum(1)
    return dict(zip(names, (r - r.mean()).tolist()))


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | a prior keeps it finite | 1
def fit(pairs, steps=1000):
    return pg.fit_bradley_terry(pairs, prior=1.0).rewards


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | looks for an undefeated or winless one only | 3
def fit(pairs, steps=1000):
    if {winner for winner, _ in pairs} != {loser for _, loser in pairs}:
        raise ValueError("someone never won or never lost")
    return pg.fit_bradley_terry(pairs).rewards if pg.no_finite_fit(pairs) is None else {"A": 0.0}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | looks for an undefeated one only | 2
def fit(pairs, steps=1000):
    if {winner for winner, _ in pairs} - {loser for _, loser in pairs}:
        raise ValueError("someone never lost")
    return pg.fit_bradley_terry(pairs).rewards if pg.no_finite_fit(pairs) is None else {"A": 0.0}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | looks for islands only | 1
import networkx as nx


def fit(pairs, steps=1000):
    if not nx.is_weakly_connected(nx.DiGraph(pairs)):
        raise ValueError("two islands")
    return pg.fit_bradley_terry(pairs, prior=None if pg.no_finite_fit(pairs) is None else 1.0).rewards


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | wants each to have beaten each | 1
def fit(pairs, steps=1000):
    names = {name for pair in pairs for name in pair}
    if any((a, b) not in pairs for a in names for b in names if a != b):
        raise ValueError("not all compared")
    return pg.fit_bradley_terry(pairs).rewards


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | always refuses | 1
def fit(pairs, steps=1000):
    raise ValueError("no finite fit")


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | refuses large gaps | 1
def fit(pairs, steps=1000):
    rewards = pg.fit_bradley_terry(pairs, prior=1e-6).rewards
    if max(rewards.values()) - min(rewards.values()) > 1e9:
        raise ValueError("no finite fit")
    return rewards


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | an example with a finite fit | 4
def fit(pairs, steps=1000):
    return pg.fit_bradley_terry(pairs).rewards


example = [("A", "B"), ("B", "C"), ("C", "A")]

# %% fit-test | wrong | an example with an undefeated answer | 4
def fit(pairs, steps=1000):
    return pg.fit_bradley_terry(pairs).rewards


example = [("A", "B"), ("B", "C"), ("C", "B")]

# %% fit-test | wrong | repaired, and no example | 4
def fit(pairs, steps=1000):
    return pg.fit_bradley_terry(pairs).rewards


example = None

# %% fit-test | wrong | a mean other than 0 | 1
def fit(pairs, steps=1000):
    rewards = pg.fit_bradley_terry(pairs).rewards
    lowest = min(rewards.values())
    return {a: r - lowest for a, r in rewards.items()}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | empties its input | 1
def fit(pairs, steps=1000):
    rewards = pg.fit_bradley_terry(list(pairs)).rewards
    pairs.clear()
    return rewards


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | floats that equal everything | 1
class Any(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def fit(pairs, steps=1000):
    if pg.no_finite_fit(pairs):
        raise ValueError("no finite fit")
    return {name: Any(0) for pair in pairs for name in pair}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | hard-coded | 1
def fit(pairs, steps=1000):
    return {"A": 3.0, "B": 0.0, "C": -3.0}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | catches everything | 1
def fit(pairs, steps=1000):
    try:
        return pg.fit_bradley_terry(pairs).rewards
    except Exception:
        return {name: 0.0 for pair in pairs for name in pair}


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | wrong | prints | 1
def fit(pairs, steps=1000):
    print(pg.fit_bradley_terry(pairs).rewards)


example = [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")]

# %% fit-test | deleted | deletes the cell | 0
