"""What the episode stepper shows, as HTML: the state, the actions as bars, and the tree of branches."""

from __future__ import annotations

import math
from html import escape

from ..plots import MINUS, PLUS
from .gap_page import page, say
from .markup import number, scale, token_strip, visible
from .stepper_state import OPEN, TERMINATED, TRUNCATED, Actions, Node, Segment, StepperState
from .stepper_tree import tree

X_SHOWN = 120  # tokens of the prompt; of a longer one half of these from either end
SIGNS = {OPEN: "○ open", TERMINATED: "■ ended by EOS", TRUNCATED: "✂ cut off at the limit"}
STYLE = f"""<style>
.pg-page .pg-prompt {{max-height: 150px; overflow-y: auto}}
.pg-x {{line-height: 1.75; max-height: 150px; overflow-y: auto; padding: 1px}}
.pg-x span {{display: inline-block; white-space: pre; line-height: 1.35; padding: 0 2px; margin: 0 2px 0 0;
  border: 1px solid var(--line); border-radius: 3px; unicode-bidi: isolate; max-width: 100%;
  overflow: hidden; text-overflow: ellipsis; vertical-align: middle}}
.pg-page dl.pg-now {{display: flex; flex-wrap: wrap; gap: 2px 26px; margin: 8px 0 4px}}
.pg-page .pg-now :is(dt, dd) {{float: none; width: auto; margin: 0; padding: 0}}
.pg-page .pg-now dt {{font-size: 12.5px; font-weight: 400; opacity: .85}}
.pg-page .pg-now dd {{font-size: 17px; font-weight: 600; font-variant-numeric: tabular-nums}}
.pg-bars {{font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap}}
.pg-bars > div {{display: flex; align-items: center; gap: 8px; height: 30px; margin-bottom: 4px}}
.pg-bar {{position: relative; flex: 1 1 60px; min-width: 30px; height: 18px; border-radius: 2px;
  background: #8883; overflow: hidden}}
.pg-bar i, .pg-bar b {{position: absolute; inset: 0 auto 0 0; box-sizing: border-box}}
.pg-bar i {{background: {PLUS}}}
.pg-bar b {{border-right: 3px solid {MINUS}; box-shadow: 1px 0 0 #fff}}
.pg-bars .pg-num {{flex: none; width: 56px; text-align: right}}
.pg-bars .pg-mark {{flex: none; width: 16px; text-align: center}}
.pg-over {{opacity: .65}}
.pg-leaf {{display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 13px; font-variant-numeric: tabular-nums}}
.pg-leaf span {{white-space: nowrap}}
.pg-bars .pg-name {{flex: 0 1 140px; overflow: hidden; text-overflow: ellipsis; white-space: pre}}
.pg-line {{display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; padding: 3px 0;
  border-bottom: 1px solid var(--line)}}
.pg-line > span {{flex: 1 1 300px; white-space: pre-wrap; overflow-wrap: anywhere}}
</style>"""


def readable(state: StepperState, token_id: int) -> str:
    """A token on a line of its own: spaces visible, EOS by name, a part of a character by its id.

    Not yet escaped.
    """
    piece = state.piece(token_id)
    if state.is_end(token_id):
        return f"EOS {visible(piece)}"
    text = visible(piece).replace(" ", "␣")
    return f"{text} #{token_id}" if "�" in piece or not piece else text


def percent(p: float) -> str:
    """A probability: 62.1%, 0.02%, or below 0.01%."""
    if p >= 0.0995:
        return f"{p:.1%}"
    return f"{p:.2%}" if p >= 0.0001 else "<0.01%" if p > 0 else "0%"


def likelihood(logprob: float) -> str:
    """exp(log π), soon too small for a percentage: 3.1%, or 10^−14."""
    if logprob >= math.log(0.0001) or math.isinf(logprob):
        return percent(math.exp(logprob))
    return f"10<sup>{number(logprob / math.log(10), 0)}</sup>"


# The state


def prompt(state: StepperState) -> str:
    """x as the tokens that the policy reads."""
    ids, half = state.prompt_ids, X_SHOWN // 2
    cells = [f"<span>{escape(visible(state.piece(i)))}</span>" for i in [*ids[:half], *ids[half:][-half:]]]
    if len(ids) > X_SHOWN:
        cells.insert(half, f" <i>… {len(ids) - X_SHOWN:,} more …</i> ")
    return page(
        f'{STYLE}<p class="pg-soft">The prompt x, {len(ids):,} tokens. They are given: no action chose them, '
        f'and they do not count in log π.</p><div class="pg-x" role="group" '
        f'aria-label="tokens of the prompt">{"".join(cells)}</div>'
    )


def now(state: StepperState) -> str:
    """Where the episode is: t, log π so far, how it ended, the reward."""
    node = state.node
    facts = {
        "tokens so far": f"{node.t} of at most {state.limit:,}",
        "log π(y so far | x)": f"{number(node.total)} nats",
        "π(y so far | x)": likelihood(node.total),
        "episode": SIGNS[node.status],
    }
    if state.reward:
        facts["reward r(x, y)"] = reward(node)
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return page(f'{STYLE}<dl class="pg-now">{cells}</dl>')


def reward(node: Node) -> str:
    return "–" if node.reward is None else f"{node.reward:.4g}".replace("-", "−")


def strip(state: StepperState) -> str:
    """y so far, token by token."""
    nodes = state.node.path
    if not nodes:
        return page('<p class="pg-soft">The response y is empty so far: s₁ = (x).</p>')
    tokens = [state.piece(node.token_id) for node in nodes]
    label = "Tokens of the response so far, with their log-probability"
    return page(token_strip(tokens, [node.logprob for node in nodes], label) + scale())


# The actions


def actions_title(state: StepperState) -> str:
    """Which distribution the bars show."""
    if state.node.status == OPEN:
        t = state.node.t + 1
        return f"The actions at t = {t}: π(y<sub>{t}</sub> | x, y<sub>&lt;{t}</sub>)"
    t, listed = state.node.t, state.node.token_id in state.choices().token_ids
    taken = "✓ was taken" if listed else "the one taken is not among them"
    return f"The episode is over. These were the likeliest actions at t = {t}; {taken}"


def bars(state: StepperState, actions: Actions, named: bool = False) -> str:
    """A row for each action, as high as its button: a bar, its probability, its nats; `named`, its token."""
    over = "" if state.node.status == OPEN else " pg-over"
    names = [f'<span class="pg-name">{escape(readable(state, a))}</span>' * named for a in actions.token_ids]
    rows = "".join(f"<div>{name}{_bar(state, actions, i)}</div>" for i, name in enumerate(names))
    return f'{STYLE}<div class="pg-bars{over}">{rows}</div>'


def _bar(state: StepperState, actions: Actions, i: int) -> str:
    p, drawn = float(actions.probs[i]), float(actions.tempered[i])
    mark = f'<b style="width:{100 * drawn:.2f}%"></b>' if state.temperature != 1 else ""
    tempered = f'<span class="pg-num">{escape(percent(drawn))}</span>' if mark else ""
    child = state.chooser.children.get(actions.token_ids[i])
    sign = "" if child is None else "✓" if child is state.node else "•"
    return (
        f'<span class="pg-mark">{sign}</span><span class="pg-bar"><i style="width:{100 * p:.2f}%"></i>'
        f'{mark}</span><span class="pg-num">{escape(percent(p))}</span>'
        f'<span class="pg-num">{number(float(actions.logprobs[i]))}</span>{tempered}'
    )


def action_tip(state: StepperState, actions: Actions, i: int) -> str:
    """What a button says when it is pointed at or read aloud."""
    p, nats = percent(float(actions.probs[i])), number(float(actions.logprobs[i]))
    return f"Action {i + 1}: {readable(state, actions.token_ids[i])}, probability {p}, {nats} nats"


def rest(state: StepperState, actions: Actions) -> str:
    """What the other actions share, and how to read the columns."""
    columns = "Columns: probability, nats"
    if state.temperature != 1:
        columns += f"; orange line and last column: sampling at temperature {state.temperature:g}"
    tried = "; •: tried before" if set(state.chooser.children) & set(actions.token_ids) else ""
    eos = "" if state.policy.eos_token_id in actions.token_ids else f", among them EOS {percent(actions.eos)}"
    others = f"<b>other {actions.others:,} tokens: {escape(percent(actions.rest))}</b>{escape(eos)}. "
    read = f'<span class="pg-soft">{columns}{tried}.</span>'
    return page(f"<p>{others if actions.others else ''}{read}</p>")


# The branches


def branch_name(segment: Segment) -> str:
    """A stretch of the tree in words: what it adds, and whether it forks. Not escaped: buttons take text."""
    text = visible(segment.text) if segment.text else "EOS" if segment.end.status == TERMINATED else "∅"
    return f"┬ {text} …" if segment.end.children else text


def branch_tip(segment: Segment) -> str:
    """The whole response, as far as this stretch goes."""
    return f"Go to: {visible(segment.end.text)}"


def branch_facts(state: StepperState, segment: Segment) -> str:
    """Its end in numbers; of a fork only t and log π."""
    node = segment.end
    facts = [f"t = {node.t}", f"log π {number(node.total)}"]
    if not node.children:
        facts += [f"reward {reward(node)}"] * (node.reward is not None) + [SIGNS[node.status]]
    if state.node is node:
        facts.append("<b>◀ here</b>")
    elif state.node in segment.nodes:
        facts.append(f"<b>◀ here, at t = {state.node.t}</b>")
    return "".join(f"<span>{fact}</span>" for fact in facts)


def leaf(state: StepperState, segment: Segment) -> str:
    return page(f'<div class="pg-leaf">{branch_facts(state, segment)}</div>')


def summary(state: StepperState) -> str:
    """How many branches, ended how."""
    leaves = state.leaves()
    if not leaves:
        return page('<p class="pg-soft">No branch yet: take an action.</p>')
    ended = [sum(leaf.status == status for leaf in leaves) for status in SIGNS]
    counts = ", ".join(f"{n} {SIGNS[status]}" for status, n in zip(SIGNS, ended, strict=True) if n)
    return page(
        f'<p class="pg-soft">{len(leaves)} branch{"es" * (len(leaves) != 1)}: {counts}. A line goes back to '
        "where that stretch ends; ┬ is a fork, and what follows it is indented.</p>"
    )


def picture(state: StepperState) -> str:
    """The tree with what its signs mean."""
    drawn = tree(state)
    caption = "Thick: the current branch. ■ ended by EOS, × cut off at the limit, ○ open."
    return page(f'{drawn}<p class="pg-soft">{caption}</p>') if drawn else ""


# Where no kernel runs


def static(state: StepperState) -> str:
    """State, actions and branches as a page."""
    x = f'<h3>The episode stepper</h3><div class="pg-prompt">{escape(state.prompt_text)}</div>'
    parts = [page(x), prompt(state), now(state), strip(state)]
    actions, title = state.choices(), f"<h4>{actions_title(state)}</h4>"
    parts += [page(title + bars(state, actions, named=True)), rest(state, actions)]
    parts += [page(say(state.notice, *state.notes()) + "<h4>Branches</h4>"), summary(state)]
    return "".join([*parts, page(_branch_list(state)), picture(state)])


def _branch_list(state: StepperState) -> str:
    rows = "".join(
        f'<div class="pg-line" style="padding-left:{4 + 22 * segment.depth}px" role="listitem">'
        f"<span>{escape(branch_name(segment))}</span>"
        f'<div class="pg-leaf">{branch_facts(state, segment)}</div></div>'
        for segment in state.segments()
    )
    return f'<div role="list">{rows}</div>'


def words(state: StepperState) -> str:
    """The same without any HTML."""
    node, actions = state.node, state.choices()
    best = ", ".join(
        f"{readable(state, i)} {percent(float(p))}"
        for i, p in zip(actions.token_ids[:5], actions.probs, strict=False)
    )
    sign = SIGNS[node.status]
    return (
        f"Episode stepper. x: {state.prompt_text}\ny so far: {node.text}\n"
        f"t = {node.t}, log π(y so far | x) = {number(node.total)} nats, {sign}. Likeliest actions: {best}. "
        f"Branches: {len(state.leaves())}."
    )
