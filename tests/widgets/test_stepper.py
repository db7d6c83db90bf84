"""The episode stepper without a browser: the tree of episodes, its numbers, the buttons, the pages."""

import asyncio
import copy
import statistics
import threading
import time
from itertools import islice
from xml.etree import ElementTree

import ipywidgets as ui
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pedagogy
from pedagogy.policy import Policy
from pedagogy.widgets import EpisodeStepper, stepper_page, stepper_tree
from pedagogy.widgets import stepper as stepper_view
from pedagogy.widgets.gap_state import Problem
from pedagogy.widgets.stepper_state import OPEN, REMEMBERED, TERMINATED, TRUNCATED, StepperState
from tests.conftest import CONTEXT, by_hand, plain_tokenizer, tiny_model
from tests.widgets.conftest import TRAPS, Page, imported_by, widgets

X = "How do I change a tire?"
NASTY = "<script>hacked = 1</script> & '\"\n<img src=x onerror='hacked = 1'>"


@pytest.fixture
def llama(policies):
    return policies["llama"]


@pytest.fixture
def start(llama):
    """Makes a state over the tiny chat model."""
    return lambda **options: StepperState(llama, X, **({"top_k": 5, "max_new_tokens": 12} | options))


def likeliest(state: StepperState, i: int = 0) -> int:
    return state.actions().token_ids[i]


def other_than_eos(state: StepperState) -> int:
    return next(i for i in state.actions().token_ids if not state.is_end(i))


# The numbers


def test_a_finished_episode_has_the_policys_own_score(policy):
    state = StepperState(policy, X)
    score = policy.score(X, "Loosen the nuts,\nthen raise the car: 9 é.")
    for token_id in score.token_ids:
        state.step(token_id)
    assert state.node.status == TERMINATED and state.node.ids == score.token_ids
    assert state.node.total == pytest.approx(score.total, abs=1e-4)
    assert [n.logprob for n in state.node.path] == pytest.approx(list(score.logprobs), abs=1e-4)
    assert not state.notes()


def test_a_finished_episode_of_the_bundled_policy_has_its_score(bundled):
    row = pedagogy.load_feedback(split="test")[0]
    state = StepperState(bundled, row["instruction"], max_new_tokens=900)
    for completion in row["completions"][:2]:
        score = bundled.score(row["instruction"], completion["response"])
        state.type_token(completion["response"])
        state.step(bundled.eos_token_id)
        assert state.node.total == pytest.approx(score.total, abs=1e-4)
        state.go(state.root)
    assert len(state.leaves()) == 2


@settings(max_examples=8)
@given(ids=st.lists(st.integers(5, 300), min_size=1, max_size=8))
def test_any_tokens_whatsoever_have_the_product_of_their_probabilities(policies, ids):
    for policy in policies.values():
        state = StepperState(policy, X)
        ids = [i for i in ids if not state.is_end(i)]
        for token_id in ids:
            state.step(token_id)
        wanted = by_hand(policy.model, policy.encode_prompt(X), ids)
        assert [n.logprob for n in state.node.path] == pytest.approx(list(wanted), abs=1e-4)
        assert state.node.total == pytest.approx(wanted.sum(), abs=1e-4)


def test_the_actions_and_the_others_share_all_the_probability(policy):
    state = StepperState(policy, X, top_k=7)
    state.type_token("Loosen the")
    actions, whole = state.actions(), policy.next_token(X, state.node.text, top_k=None)
    assert actions.token_ids == whole.token_ids[:7]
    assert actions.probs == pytest.approx(whole.probs[:7], rel=1e-4)
    assert actions.probs.sum() + actions.rest == pytest.approx(1) and actions.others == state.env.n_tokens - 7
    assert actions.eos == pytest.approx(whole.probs[whole.token_ids.index(policy.eos_token_id)], rel=1e-4)


def test_temperature_changes_what_is_drawn_and_nothing_else(start):
    state = start(top_k=400)
    before = state.actions()
    state.temperature = 0.5
    after = state.actions()
    assert np.array_equal(after.probs, before.probs) and np.array_equal(before.tempered, before.probs)
    squared = before.probs**2  # π^(1/τ), τ = 1/2
    assert after.tempered == pytest.approx(squared / squared.sum())
    state.run()
    again = start()
    for token_id in state.node.ids:
        again.step(token_id)
    assert again.node.total == pytest.approx(state.node.total, abs=1e-6)


def test_a_low_temperature_draws_what_greedy_takes(start):
    cold, greedy = start(seed=1), start()
    cold.temperature = 1e-4
    assert cold.run().ids == greedy.run(greedy=True).ids


def test_a_seed_gives_the_same_episode_and_leaves_the_global_state(start):
    before = torch.get_rng_state()
    assert start(seed=3).run().ids == start(seed=3).run().ids
    assert {tuple(start(seed=i).run().ids) for i in range(5)} != {tuple(start(seed=3).run().ids)}
    assert torch.equal(torch.get_rng_state(), before)


# The tree

MOVES = st.lists(
    st.tuples(st.sampled_from(["step", "undo", "redo", "sample", "go", "type", "play"]), st.integers(0, 50)),
    max_size=25,
)


def move(state: StepperState, what: str, i: int) -> None:
    nodes = all_nodes(state)
    acts = {
        "step": lambda: state.step(likeliest(state, i % 5)),
        "go": lambda: state.go(nodes[i % len(nodes)]),
        "type": lambda: state.type_token(["a", " jack", "é", "<|end|>"][i % 4]),
        "play": lambda: [*islice(state.play(), i % 3)],
    }
    acts.get(what, lambda: getattr(state, what)())()


def all_nodes(state: StepperState) -> list:
    found = [state.root]
    for node in found:
        found += node.children.values()
    return found


@settings(max_examples=25)
@given(moves=MOVES)
def test_nothing_visited_is_ever_lost(policies, moves):
    state = StepperState(policies["llama"], X, top_k=5, max_new_tokens=6, seed=0)
    for what, i in moves:
        before, known = state.node, all_nodes(state)
        try:
            move(state, what, i)
        except Problem:
            assert state.node is before or what == "step"
        except StopIteration:
            pass
        nodes = all_nodes(state)
        assert set(known) <= set(nodes) and state.node in nodes
        if what == "undo" and before.parent:
            assert state.node is before.parent and state.node.latest is before
    for node in all_nodes(state):
        assert node.total == pytest.approx(sum(n.logprob for n in node.path), abs=1e-4)
        assert node.t == len(node.ids) <= 6 and (node.status == OPEN or not node.children)
        assert (node.status == TERMINATED) == bool(node.ids and state.is_end(node.ids[-1]))
        assert (node.status == TRUNCATED) == (node.t == 6 and not state.is_end(node.ids[-1]))
    listed = [node for segment in state.segments() for node in segment.nodes]
    assert len(listed) == len(set(listed)) and {*listed, state.root} == set(all_nodes(state))
    assert state.leaves() == [s.end for s in state.segments() if not s.end.children]


def test_undo_and_another_action_makes_a_branch_and_the_same_action_none(start):
    state = start()
    first, second, *_ = (i for i in state.actions().token_ids if not state.is_end(i))
    root_actions = state.actions()
    state.step(first)
    one = state.node
    state.undo()
    again = state.actions()
    assert again.token_ids == root_actions.token_ids and np.array_equal(again.probs, root_actions.probs)
    state.step(first)
    assert state.node is one and len(state.leaves()) == 1
    state.undo()
    state.step(second)
    assert [leaf.ids for leaf in state.leaves()] == [[first], [second]]
    state.go(one)
    assert state.node is one
    state.undo()
    state.redo()
    assert state.node is one  # the branch visited last, not the one made last


def test_a_branch_grows_from_the_middle_with_the_right_numbers(start, llama):
    state = start()
    while state.node.t < 6:
        state.step(other_than_eos(state))
    stem = state.node.ids
    for _ in range(4):
        state.undo()
    state.type_token(" jack")
    ids = state.node.ids
    assert ids[:2] == stem[:2] and ids[2:] == llama.encode_response(" jack")[:-1]
    wanted = by_hand(llama.model, llama.encode_prompt(X), ids)
    assert state.node.total == pytest.approx(wanted.sum(), abs=1e-4)
    depths = [(segment.depth, len(segment.nodes)) for segment in state.segments()]
    assert depths == [(0, 2), (1, 4), (1, len(ids) - 2)]


def test_actions_that_are_not_finite_are_refused(llama):
    broken = Policy(copy.deepcopy(llama.model), llama.tokenizer)
    torch.nn.init.constant_(broken.model.lm_head.weight, float("nan"))
    with pytest.raises(Problem, match="weights may be damaged"):
        EpisodeStepper(broken, X)


def test_states_long_left_are_computed_again(llama):
    state = StepperState(llama, X, max_new_tokens=REMEMBERED + 20)
    first = state.actions()
    for _ in range(REMEMBERED + 10):
        state.step(other_than_eos(state))
    assert len(state._known) == REMEMBERED
    state.go(state.root)
    assert state.actions().token_ids == first.token_ids
    assert state.actions().probs == pytest.approx(first.probs, abs=1e-6)


def test_a_step_that_breaks_off_leaves_the_numbers_right(start, llama, monkeypatch):
    state = start()
    state.step(other_than_eos(state))
    here, actions = state.node, state.actions()

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(state.env, "_read", stop)
        state.step(other_than_eos(state))
    assert state.node is here and not here.children
    state._known.clear()
    assert state.actions().probs == pytest.approx(actions.probs, abs=1e-6)
    state.type_token("a")
    wanted = by_hand(llama.model, llama.encode_prompt(X), state.node.ids)
    assert state.node.total == pytest.approx(wanted.sum(), abs=1e-4)


# The end of an episode


def test_eos_terminates_and_the_limit_truncates(start, llama):
    state = start(max_new_tokens=3)
    state.step(llama.eos_token_id)
    assert state.node.status == TERMINATED and "Terminated" in state.notice and state.node.text == ""
    assert any("empty" in note for note in state.notes())
    state.undo()
    for _ in range(3):
        state.step(other_than_eos(state))
    assert state.node.status == TRUNCATED and "Truncated" in state.notice
    for act in (lambda: state.step(5), state.sample, lambda: state.type_token("a"), state.run):
        with pytest.raises(Problem, match="no action"):
            act()


def test_eos_at_the_limit_terminates(start, llama):
    state = start(max_new_tokens=2)
    state.step(other_than_eos(state))
    state.step(llama.eos_token_id)
    assert state.node.status == TERMINATED


def test_the_context_is_a_limit_too(llama):
    state = StepperState(llama, X, max_new_tokens=10_000)
    assert state.limit == CONTEXT - len(llama.encode_prompt(X))
    while state.node.status == OPEN:
        state.step(other_than_eos(state))
    assert state.node.t == state.limit and state.node.status == TRUNCATED


def test_the_reward_judges_finished_responses_once(start, llama):
    calls = []

    def reward(prompt, response):
        calls.append((prompt, response))
        return len(response)

    state = start(reward=reward, max_new_tokens=4)
    state.type_token("a jack")
    text = state.node.text
    assert state.node.reward is None and not calls
    state.step(llama.eos_token_id)
    assert state.node.reward == len(text) and calls == [(X, text)] and f"= {len(text)}" in state.notice
    state.undo()
    state.redo()
    assert len(calls) == 1
    state.go(state.root)
    for _ in range(4):
        state.step(other_than_eos(state))
    assert state.node.reward is None and len(calls) == 1 and "No reward" in state.notice


@pytest.mark.parametrize("reward", [lambda x, y: 1 / 0, lambda x, y: None, lambda: 1])
def test_a_reward_that_fails_is_reported_and_the_step_stands(start, llama, reward):
    state = start(reward=reward)
    state.step(llama.eos_token_id)
    assert state.node.status == TERMINATED and state.node.reward is None
    assert "reward function failed" in state.notice and "Error" in state.notice


def test_tokens_that_no_text_gives_are_said_to_score_otherwise(start, llama):
    ids = llama.encode_response(" jack")[:-1]
    apart = [llama.encode_response(c)[0] for c in " jack"]
    assert apart != ids
    state = start()
    for token_id in [*apart, llama.eos_token_id]:
        state.step(token_id)
    assert any("tokenised afresh" in note for note in state.notes())


# Typing


def test_typed_text_is_taken_token_by_token(start, llama):
    state = start()
    ids = llama.encode_response(" zebra é")[:-1]
    state.type_token(" zebra é")
    assert len(ids) > 2 and state.node.ids == ids and state.node.text == " zebra é"
    assert f"is {len(ids)} tokens" in state.notice
    state.undo()
    assert state.node.ids == ids[:-1]


def test_one_typed_token_may_lie_far_outside_the_list(start):
    state = start(top_k=1)
    rare = int(np.argmin(state.env.logprobs))
    piece = state.piece(rare)
    state.step(rare)
    assert f"number {state.env.n_tokens:,} of {state.env.n_tokens:,}" in state.notice and piece is not None


def test_a_typed_special_token_stays_text(policy):
    eos = policy.tokenizer.eos_token
    state = StepperState(policy, X)
    state.type_token(eos)
    assert state.node.status == OPEN and state.node.text == eos and len(state.node.ids) > 1
    assert policy.eos_token_id not in state.node.ids and "plain text" in state.notice


def test_nothing_typed_is_said(start):
    with pytest.raises(Problem, match="type a word"):
        start().type_token("")


def test_a_typed_text_stops_at_the_limit(start):
    state = start(max_new_tokens=3)
    state.type_token("zebra zebra zebra")
    assert state.node.t == 3 and state.node.status == TRUNCATED and "room for 3" in state.notice


@settings(max_examples=25)
@given(text=st.text(min_size=1, max_size=12))
def test_any_text_can_be_typed_and_comes_back(policies, text):
    state = StepperState(policies["llama"], X, max_new_tokens=100)
    state.type_token(text)
    assert state.node.text == text and state.node.status == OPEN


# Prompts and bad input


def test_a_new_prompt_is_a_new_tree(start, llama):
    state = start()
    state.step(likeliest(state))
    old = state.node
    state.new_prompt("How do I boil an egg?")
    assert state.prompt_ids == llama.encode_prompt("How do I boil an egg?") and not state.leaves()
    with pytest.raises(Problem, match="earlier prompt"):
        state.go(old)


@pytest.mark.parametrize("prompt", ["", " \n", "long " * CONTEXT, 7, [{"role": "user"}]])
def test_a_prompt_that_cannot_be_used_leaves_all_as_it_was(start, prompt):
    state = start()
    state.step(other_than_eos(state))
    node = state.node
    with pytest.raises(Problem):
        state.new_prompt(prompt)
    assert state.node is node and state.prompt == X
    state.step(other_than_eos(state))
    assert state.node.parent is node


def test_clear_forgets_the_branches_and_keeps_the_prompt(start):
    state = start()
    state.run()
    state.clear()
    assert state.node is state.root and not state.leaves() and state.prompt == X


@pytest.mark.parametrize(
    "options", [{"top_k": 0}, {"top_k": None}, {"max_new_tokens": 0}, {"prompt": "long " * 200}]
)
def test_bad_settings_are_refused_by_name(llama, options):
    with pytest.raises(ValueError, match=next(iter(options)).split("_")[0]):
        StepperState(llama, **({"prompt": X} | options))


def test_a_token_id_out_of_range_is_no_action(start):
    for wrong in (-1, 10**6, 1.5):
        with pytest.raises(Problem, match="no action"):
            start().step(wrong)


def test_messages_are_a_prompt_too(llama):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": NASTY}]
    state = StepperState(llama, messages)
    assert state.prompt_ids == llama.encode_prompt(messages) and "system: Be brief." in state.prompt_text
    assert EpisodeStepper(llama, messages).prompt.value == ""


def test_a_name_loads_a_policy(folders):
    assert StepperState(str(folders["gpt2"]), X).policy.name == str(folders["gpt2"])


# The view


@pytest.fixture
def stepper(llama):
    def make(**options):
        return EpisodeStepper(llama, X, **({"top_k": 5, "max_new_tokens": 12, "seed": 0} | options))

    return make


def listed(view: EpisodeStepper) -> list[str]:
    """The branch buttons on show."""
    return [line.children[0].description for line in view.listed.children if line.layout.display != "none"]


def test_the_buttons_are_the_states_moves(stepper):
    view = stepper()
    state, shown = view.state, view.state.actions().token_ids
    take = next(i for i, token in enumerate(shown) if not state.is_end(token))
    view.actions[take].click()
    assert state.node.ids == [shown[take]] and "t = 1" in view.message.value
    view.undo.click()
    view.redo.click()
    assert state.node.t == 1
    view.typed.value = " jack"
    assert state.node.t == 1  # typing alone takes nothing
    view.take.click()
    assert state.node.text.endswith(" jack") and view.typed.value == ""
    view.back.click()
    assert state.node is state.root
    view.sample.click()
    view.back.click()
    view.finish.click()
    assert state.node.status != OPEN
    view.back.click()
    view.greedy.click()
    assert state.node.status != OPEN
    view.back.click()
    view.eos.click()
    assert state.node.status == TERMINATED and state.node.t == 1
    assert len(listed(view)) == len(state.segments())
    view.clear.click()
    assert not state.leaves() and not listed(view)
    view.prompt.value = "How do I boil an egg?"
    view.new.click()
    assert state.prompt == "How do I boil an egg?" and "egg" in view.question.value


def test_every_stretch_of_the_tree_is_a_button_that_leads_there(stepper):
    view = stepper()
    for token in view.state.actions().token_ids:
        view.back.click()
        view.state.step(token)
        view.finish.click() if view.state.node.status == OPEN else view._show()
    segments = view.state.segments()
    assert len(listed(view)) == len(segments) >= 5
    for i, segment in enumerate(segments):
        view.branches[i].click()
        assert view.state.node is segment.end
        line = view.listed.children[i]
        assert "pg-here" in line._dom_classes and "here" in Page(line.children[1].value).text


def test_many_branches_are_listed_page_by_page(stepper):
    view = stepper(max_new_tokens=2)
    for token in range(5, 45):
        view.back.click()
        view.state.step(token)
    view._show()
    names = []
    for _ in range(20):
        view.earlier.click()
    while True:
        names += [name for name in listed(view) if name not in names]
        before = listed(view)
        view.later.click()
        if listed(view) == before:
            break
    assert len(names) == len({s.text for s in view.state.segments()}) and len(view.branches) <= 12


def test_the_buttons_say_what_is_wrong_and_go_on(stepper):
    view = stepper()
    view.undo.click()
    assert "nothing to undo" in view.message.value
    view.redo.click()
    assert "Nothing to redo" in view.message.value
    view.take.click()
    assert "type a word" in view.message.value
    view.eos.click()
    for control in (view.actions[0], view.sample, view.finish, view.greedy, view.eos):
        control.click()
        assert "no action" in view.message.value and view.state.node.t == 1
    view.undo.click()
    assert "no action" not in view.message.value


def test_no_control_is_ever_disabled_or_replaced(stepper):
    """A button that is disabled or made anew loses the focus, and keys then go to the notebook."""
    view = stepper()
    before = [c for c in widgets(view) if isinstance(c, ui.Button)]
    view.finish.click()
    view.actions[0].click()
    view.clear.click()
    after = [c for c in widgets(view) if isinstance(c, ui.Button)]
    assert set(before) <= set(after) and not any(c.disabled for c in after)


def test_controls_are_safe_under_the_keyboard_and_described(stepper):
    view = stepper()
    view.finish.click()
    for control in widgets(view):
        assert not isinstance(control, TRAPS)
        if isinstance(control, ui.Button | ui.Text | ui.Textarea | ui.FloatSlider):
            assert control.description and control.tooltip


def test_a_large_vocabulary_makes_no_more_widgets(policies):
    tokenizer = plain_tokenizer()
    large = Policy(tiny_model("gpt2", 50_000, tokenizer.eos_token_id).eval(), tokenizer)
    view = EpisodeStepper(large, X, max_new_tokens=5)
    assert len(view.actions) == 10 and "other 49,990 tokens" in view.rest.value
    view.finish.click()
    view.undo.click()
    view.state.step(49_999)  # a token the tokenizer does not know
    view._show()
    assert sum(1 for _ in widgets(view)) < 80 and len(view._repr_mimebundle_()["text/html"]) < 200_000


def test_a_vocabulary_smaller_than_the_list(stepper, llama):
    view = stepper(top_k=1000)
    assert len(view.actions) == len(llama.tokenizer) and "other" not in view.rest.value.split("</style>")[-1]


# Playing an episode while the kernel listens


def in_a_kernel(act) -> None:
    """Run a coroutine as a kernel does: in an event loop."""
    asyncio.run(act())


def test_an_episode_is_played_between_other_messages_and_can_be_stopped(llama, monkeypatch):
    monkeypatch.setattr(stepper_view, "REFRESH", 0.0)  # one token, one picture

    async def act():
        view = EpisodeStepper(llama, X, max_new_tokens=100, seed=0)
        monkeypatch.setattr(view.state, "_choose", lambda _: other_than_eos(view.state))
        view.greedy.click()
        assert view.greedy.description == "■ Stop" and view.state.node.t == 1
        await asyncio.sleep(0.05)
        assert 1 < view.state.node.t < 100 and f"{view.state.node.t} of at most 100" in view.now.value
        view.greedy.click()
        assert view.greedy.description == "Greedy to the end" and "Stopped" in view.message.value
        t = view.state.node.t
        await asyncio.sleep(0.3)
        assert view.state.node.t == t and view.state.node.status == OPEN
        view.finish.click()
        for _ in range(500):
            await asyncio.sleep(0.02)
            if view._moves is None:
                break
        assert view.state.node.status != OPEN and view.finish.description == "Sample to the end"
        view.finish.click()
        assert "no action" in view.message.value and view.finish.description == "Sample to the end"

    in_a_kernel(act)


def test_stop_holds_when_it_comes_from_another_thread(llama, monkeypatch):
    """Kernels may handle the messages of widgets in threads of their own."""
    view, waits = EpisodeStepper(llama, X, max_new_tokens=100), []

    def slowly(_):
        waits.append(1)
        time.sleep(0.05)
        return other_than_eos(view.state)

    async def act():
        view.greedy.click()
        while view._moves is not None:
            await asyncio.sleep(0.01)

    monkeypatch.setattr(view.state, "_choose", slowly)
    player = threading.Thread(target=lambda: asyncio.run(act()))
    player.start()
    while len(waits) < 4:
        time.sleep(0.005)
    view.greedy.click()
    t = view.state.node.t
    player.join()
    assert "Stopped" in view.message.value and view.state.node.t == t < 100
    assert f"{t} of at most 100" in view.now.value


def test_any_other_action_stops_the_playing_first(llama):
    async def act():
        view = EpisodeStepper(llama, X, max_new_tokens=100, seed=0)
        view.greedy.click()
        view.back.click()
        await asyncio.sleep(0.3)
        assert view.state.node is view.state.root and view._moves is None

    in_a_kernel(act)


def test_an_error_while_playing_is_said(llama, monkeypatch):
    async def act():
        view = EpisodeStepper(llama, X, max_new_tokens=100, seed=0)
        view.greedy.click()

        def fail(*args):
            raise RuntimeError("out of <memory>")

        monkeypatch.setattr(view.state.env, "step", fail)
        await asyncio.sleep(0.3)
        assert "out of &lt;memory&gt;" in view.message.value and view._moves is None

    in_a_kernel(act)


def test_enter_takes_the_text_whichever_message_comes_first(llama):
    async def act():
        view = EpisodeStepper(llama, X)
        view._heard(view.typed, {"event": "submit"}, [])
        view.typed.value = "a"  # as the browser sends it: the key, then the text
        assert view.state.node.text == "a" and view.typed.value == ""
        view.typed.value = "b"  # left with Tab: nothing is taken
        assert view.state.node.text == "a"
        view._heard(view.typed, {"event": "submit"}, [])  # came back, Enter: no new text is sent
        await asyncio.sleep(0.5)
        assert view.state.node.text == "ab"
        view._heard(view.typed, {"event": "submit"}, [])  # Enter on nothing
        await asyncio.sleep(0.5)
        assert "type a word" in view.message.value
        view.typed.value = "c"
        assert view.state.node.text == "ab"

    in_a_kernel(act)


# The pages


def pages(view: EpisodeStepper) -> str:
    html = [c.value for c in widgets(view) if isinstance(c, ui.HTML)]
    return "".join([*html, view._repr_mimebundle_()["text/html"]])


@pytest.mark.parametrize("reward", [None, lambda x, y: 1 / 0])
def test_text_from_anywhere_is_escaped(policy, reward):
    view = EpisodeStepper(policy, NASTY, reward)
    view.typed.value = NASTY
    view.take.click()
    message = Page(view.message.value)
    view.eos.click()
    seen = Page(pages(view))
    assert "<script>hacked" in message.text and "<script>hacked" in seen.text
    assert not (seen.tags | message.tags).keys() & {"script", "img"}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]


def test_tokens_are_shown_visibly(policies):
    state = StepperState(policies["gpt2"], X)
    part = policies["gpt2"].encode_response("é")[0]
    words = {i: stepper_page.readable(state, i) for i in [part, *range(state.env.n_tokens)]}
    assert words[part] == f"� #{part}" and words[state.policy.eos_token_id].startswith("EOS ")
    assert all(text.strip() and text.isprintable() for text in words.values())
    assert len(set(words.values())) == len(words)


def test_the_share_of_the_others_and_the_bars_are_the_numbers(stepper):
    view = stepper()
    actions, text = view.state.actions(), Page(view.bars.value).text
    for p, nats in zip(actions.probs, actions.logprobs, strict=True):
        assert f"{p:.2%}" in text or f"{p:.1%}" in text
        assert f"{nats:.2f}".replace("-", "−") in text
    widths = [value for name, value in Page(view.bars.value).attributes if name == "style"]
    assert widths == [f"width:{100 * p:.2f}%" for p in actions.probs]
    others = f"other {actions.others:,} tokens: {stepper_page.percent(actions.rest)}"
    assert others in Page(view.rest.value).text
    view.temperature.value = 0.5
    assert view.state.temperature == 0.5 and "temperature 0.5" in Page(view.rest.value).text
    assert Page(view.bars.value).text.count("%") == 2 * len(actions.probs)


SHARES = {0.621: "62.1%", 0.031: "3.10%", 0.0002: "0.02%", 1e-9: "<0.01%", 0.0: "0%", 1.0: "100.0%"}


@pytest.mark.parametrize("p", SHARES)
def test_a_probability_reads_as_a_share(p):
    assert stepper_page.percent(p) == SHARES[p]


def test_the_tree_is_a_labelled_picture_inside_its_frame(stepper):
    view = stepper(max_new_tokens=4)
    assert view.picture.value == ""
    for token in view.state.actions().token_ids:
        view.back.click()
        view.state.step(token)
        if view.state.node.status == OPEN:
            view.finish.click()
    svg = ElementTree.fromstring(stepper_tree.tree(view.state))
    space = "{http://www.w3.org/2000/svg}"
    assert svg.get("role") == "img" and f"{len(view.state.leaves())} branches" in svg.get("aria-label")
    lines = list(svg.iter(f"{space}polyline"))
    assert len(lines) == len(view.state.segments()) + 1
    for line in lines:
        points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
        assert all(0 <= x <= stepper_tree.WIDTH and 0 <= y <= stepper_tree.HEIGHT for x, y in points)
        assert all(a[1] <= b[1] + 0.11 for a, b in zip(points, points[1:], strict=False))  # log π only falls


def test_the_two_ends_are_told_apart_without_colour(stepper, llama):
    view = stepper(max_new_tokens=1)
    view.eos.click()
    assert "■ ended by EOS" in view.now.value and "■ ended by EOS" in pages(view)
    view.undo.click()
    view.state.step(other_than_eos(view.state))
    view._show()
    assert "✂ cut off" in view.now.value and "episode is over" in view.title.value
    assert "✓" in view.bars.value


def test_one_bundle_holds_widget_page_and_text(stepper):
    view = stepper(reward=lambda prompt, response: 0.25)
    view.eos.click()
    view.undo.click()
    view.finish.click()
    bundle = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle and X in bundle["text/plain"]
    page = Page(bundle["text/html"])
    assert "svg" in page.tags and "0.25" in page.text and X in page.text
    for segment in view.state.segments():
        assert stepper_page.branch_name(segment) in page.text


@pytest.mark.parametrize("name", ["stepper_state", "stepper_page", "stepper_tree"])
def test_the_game_knows_nothing_of_widgets(name):
    assert not [module for module in imported_by(name) if "ipywidgets" in module or "IPython" in module]


def test_a_round_trip_is_quick_on_one_core(bundled):
    """From a click to the new screen, in seconds of one core; every state is a new one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        view = EpisodeStepper(bundled)
        spent = []
        for i in range(60):
            start = time.process_time()
            view.actions[i % 2].click()
            spent.append(time.process_time() - start)
            if view.state.node.status != OPEN:
                view.back.click()
    finally:
        torch.set_num_threads(threads)
    assert statistics.median(spent) <= 0.1
