# Answers to assignment 5, right and wrong, with the points that each must get.
# %% predict-likelier-test | right | few | 2
likelier = "few"
# %% predict-likelier-test | right | half | 2
likelier = "half"
# %% predict-likelier-test | right | most, committed by hand before | 2
likelier = "most"
commit("likelier", likelier)
# %% predict-likelier-test | deleted | deletes the cell | 0
# %% predict-likelier-test | wrong | no answer | 0
likelier = ...
# %% predict-likelier-test | wrong | None | 0
likelier = None
# %% predict-likelier-test | wrong | not among the choices | 0
likelier = "many"
# %% predict-likelier-test | wrong | a count in place of a word | 0
likelier = 9
# %% predict-likelier-test | wrong | a list | 0
likelier = ["half"]
# %% predict-likelier-test | wrong | another answer after the reveal | 0
commit("likelier", "few")
reveal("likelier")
likelier = "half"
# %% predict-likelier-test | wrong | a str that equals everything | 0
class Any(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__


likelier = Any("whatever")
# %% predict-likelier-test | wrong | prints its answer | 0
print("half")
# %% predict-likelier-test | wrong | puts print in place of commit | 0
likelier = "half"
commit = lambda *_, **__: print("committed")
# %% shift-test | right | gather | 4
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | right | a loop | 4
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    rows = []
    for b in range(len(ids)):
        rows.append(torch.stack([logps[b, t - 1, ids[b, t]] for t in range(1, ids.shape[1])]))
    return torch.stack(rows)
# %% shift-test | right | cross_entropy | 4
def my_token_logprobs(logits, ids):
    return -torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
# %% shift-test | right | indexing | 4
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    rows, steps = torch.arange(ids.shape[0])[:, None], torch.arange(ids.shape[1] - 1)
    return logps[rows, steps, ids[:, 1:]]
# %% shift-test | right | the library | 4
from pedagogy.logprobs import token_logprobs as my_token_logprobs
# %% shift-test | right | a helper of its own, by_loop | 4
def by_loop(logits, ids, b):
    logps = logits[b].log_softmax(-1)
    return torch.stack([logps[t - 1, ids[b, t]] for t in range(1, ids.shape[1])])


def my_token_logprobs(logits, ids):
    return torch.stack([by_loop(logits, ids, b) for b in range(len(ids))])
# %% shift-test | wrong | no shift | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, 1:].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | no shift, every token | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | shifted the wrong way | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, 1:].gather(-1, ids[:, :-1].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | probabilities | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1).exp()
# %% shift-test | wrong | the loss, sign not turned | 0
def my_token_logprobs(logits, ids):
    return torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
# %% shift-test | wrong | likeliest token | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].max(-1).values
# %% shift-test | wrong | softmax over positions | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | logits, not normalised | 0
def my_token_logprobs(logits, ids):
    return logits[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | summed already | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1).sum(-1)
# %% shift-test | wrong | squeezes every axis | 3
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze()
# %% shift-test | wrong | a list for a tensor | 3
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1).tolist()
# %% shift-test | wrong | a numpy array for a tensor | 3
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1).numpy()
# %% shift-test | wrong | always float64 | 3
def my_token_logprobs(logits, ids):
    logps = logits.double().log_softmax(-1)
    return logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | writes into the logits | 3
def my_token_logprobs(logits, ids):
    logits -= logits.logsumexp(-1, keepdim=True)
    return logits[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
# %% shift-test | wrong | a tensor that equals everything | 0
class Fake(torch.Tensor):
    __eq__ = lambda self, other: torch.ones(self.shape, dtype=torch.bool)
    __torch_function__ = torch._C._disabled_torch_function_impl


def my_token_logprobs(logits, ids):
    return torch.zeros(ids.shape[0], ids.shape[1] - 1, dtype=logits.dtype).as_subclass(Fake)
# %% shift-test | wrong | hard-coded example | 0
def my_token_logprobs(logits, ids):
    return torch.tensor([[-1.25, -0.5, -3.0]])
# %% shift-test | wrong | zeros of the right shape | 0
def my_token_logprobs(logits, ids):
    return torch.zeros(ids.shape[0], ids.shape[1] - 1, dtype=logits.dtype)
# %% shift-test | wrong | catches everything | 0
def my_token_logprobs(logits, ids):
    try:
        return logits.log_softmax(-1).gather(-1, ids)
    except Exception:
        return torch.zeros(ids.shape[0], ids.shape[1] - 1)
# %% shift-test | wrong | prints | 0
def my_token_logprobs(logits, ids):
    logps = logits.log_softmax(-1)
    print(logps[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1))
# %% shift-test | deleted | deletes the cell | 0
# %% batch-test | right | a mask | 6
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    logps = my_token_logprobs(logits, ids)
    return logps.masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | right | a loop over rows and tokens | 6
def my_logps(logits, ids, prompt_lengths, lengths):
    sums = []
    for b in range(len(ids)):
        total = logits.new_zeros(())
        for t in range(int(prompt_lengths[b]), int(lengths[b])):
            total = total + logits[b, t - 1].log_softmax(-1)[ids[b, t]]
        sums.append(total)
    return torch.stack(sums)
# %% batch-test | right | slices, row by row | 6
def my_logps(logits, ids, prompt_lengths, lengths):
    logps = my_token_logprobs(logits, ids)
    spans = zip(logps, prompt_lengths.tolist(), lengths.tolist())
    return torch.stack([row[x - 1 : end - 1].sum() for row, x, end in spans])
# %% batch-test | right | cross_entropy with ignored labels | 6
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    labels = ids.masked_fill(~answer, -100)[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), labels, reduction="none")
    return -losses.sum(-1)
# %% batch-test | right | the library | 6
from types import SimpleNamespace

from pedagogy.logprobs import response_mask


def my_logps(logits, ids, prompt_lengths, lengths):
    model = lambda input_ids, attention_mask=None: SimpleNamespace(logits=logits)
    return pg.sequence_logprobs(model, ids, response_mask(prompt_lengths, lengths))
# %% batch-test | wrong | mean for sum | 2
def my_logps(logits, ids, prompt_lengths, lengths):
    logps = my_token_logprobs(logits, ids)
    spans = zip(logps, prompt_lengths.tolist(), lengths.tolist())
    return torch.stack([row[x - 1 : end - 1].mean() for row, x, end in spans])
# %% batch-test | wrong | no shift | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    logps = logits.log_softmax(-1).gather(-1, ids[..., None]).squeeze(-1)
    return logps.masked_fill(~answer, 0.0).sum(-1)
# %% batch-test | wrong | mask not shifted | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, :-1], 0.0).sum(-1)
# %% batch-test | wrong | prompt counted | 4
def my_logps(logits, ids, prompt_lengths, lengths):
    row = torch.arange(ids.shape[1]) < lengths[:, None]
    return my_token_logprobs(logits, ids).masked_fill(~row[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | pad counted | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    answer = torch.arange(ids.shape[1]) >= prompt_lengths[:, None]
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | masked by pad id | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    answer = (torch.arange(ids.shape[1]) >= prompt_lengths[:, None]) & (ids != 0)
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | last token dropped | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None] - 1)
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | the first row's prompt for all | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[0]) & (position < lengths[:, None])
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | multiplied by the mask | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    return (my_token_logprobs(logits, ids) * answer[:, 1:]).sum(-1)
# %% batch-test | wrong | the product, then its logarithm | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    return my_token_logprobs(logits, ids).exp().masked_fill(~answer[:, 1:], 1.0).prod(-1).log()
# %% batch-test | wrong | the loss, sign not turned | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    return -my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | one number for the batch | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum()
# %% batch-test | wrong | no gradient | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    with torch.no_grad():
        return my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1)
# %% batch-test | wrong | a list of floats | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    logps = my_token_logprobs(logits, ids)
    spans = zip(logps, prompt_lengths.tolist(), lengths.tolist())
    return [row[x - 1 : end - 1].sum().item() for row, x, end in spans]
# %% batch-test | wrong | writes into the ids | 5
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    ids[~answer] = -100
    losses = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return -losses.sum(-1)
# %% batch-test | wrong | a tensor that equals everything | 0
class Fake(torch.Tensor):
    __eq__ = lambda self, other: torch.ones(self.shape, dtype=torch.bool)
    __torch_function__ = torch._C._disabled_torch_function_impl


def my_logps(logits, ids, prompt_lengths, lengths):
    return torch.zeros(len(ids), dtype=logits.dtype).as_subclass(Fake)
# %% batch-test | wrong | hard-coded example | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    return torch.tensor([-21.2, -17.9])
# %% batch-test | wrong | catches everything | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    try:
        return my_token_logprobs(logits, ids)[:, prompt_lengths:lengths].sum(-1)
    except Exception:
        return 0.0
# %% batch-test | wrong | prints | 0
def my_logps(logits, ids, prompt_lengths, lengths):
    position = torch.arange(ids.shape[1])
    answer = (position >= prompt_lengths[:, None]) & (position < lengths[:, None])
    print(my_token_logprobs(logits, ids).masked_fill(~answer[:, 1:], 0.0).sum(-1))
# %% batch-test | deleted | deletes the cell | 0
# %% bug-test | right | times the number of tokens | 5
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item() * len(y))
    return logps[0] - logps[1]


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | right | the library | 5
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]


def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | right | cross_entropy that sums | 5
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        with torch.no_grad():
            logits = policy.model(torch.tensor([x + y])).logits[0, len(x) - 1 : -1]
        logps.append(-torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="sum"))
    return float(logps[0] - logps[1])


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | right | its own function of exercise 3 | 5
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    x = policy.encode_prompt(prompt)
    ys = [policy.encode_response(answer) for answer in (chosen, rejected)]
    lengths = torch.tensor([len(x) + len(y) for y in ys])
    ids = torch.tensor([x + y + [policy.eos_token_id] * (max(lengths) - len(x + y)) for y in ys])
    with torch.no_grad():
        logits = policy.model(ids).logits
    plus, minus = my_logps(logits, ids, torch.tensor([len(x), len(x)]), lengths).tolist()
    return plus - minus


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | right | a witness of its own | 5
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")

def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "mean for sum"
witness = ["Hi", "You will need a car jack.", "x"]
for a in texts:
    for b in texts:
        plus, minus = policy.score_many(a[0], [a[1], b[2]])
        if (plus.total - minus.total) * (plus.mean - minus.mean) < 0:
            witness = [a[0], a[1], b[2]]
# %% bug-test | wrong | as given | 0
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

bug = ...
witness = ...
# %% bug-test | wrong | named and shown, not repaired | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

gap = as_given
bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | repaired, not named | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]


def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = ...
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | repaired, misnamed | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]


def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "EOS dropped"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | repaired, no witness | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")

def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "mean for sum"
witness = ...
# %% bug-test | wrong | a witness on which both agree | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")

def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "mean for sum"
witness = (texts[0][0], texts[0][1], texts[0][1] + " Zebra xylophone quux.")
# %% bug-test | wrong | a witness of two equal answers | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")

def gap(policy, prompt, chosen, rejected):
    return policy.gap(prompt, chosen, rejected)


bug = "mean for sum"
witness = (texts[0][0], texts[0][1], texts[0][1])
# %% bug-test | wrong | times all tokens, the prompt's too | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item() * len(x + y))
    return logps[0] - logps[1]


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | EOS not among the tokens | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item() * (len(y) - 1))
    return logps[0] - logps[1]


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | swapped | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item() * len(y))
    return logps[1] - logps[0]


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | shifts before the model shifts | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * (len(x) - 1) + y + [-100]])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item() * len(y))
    return logps[0] - logps[1]


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | a tensor for a float | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    return torch.tensor(policy.gap(prompt, chosen, rejected))


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | a numpy scalar for a float | 4
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    import numpy as np

    return np.float64(policy.gap(prompt, chosen, rejected))


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | a fake float | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]


class Fake(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0



def gap(policy, prompt, chosen, rejected):
    return Fake(0.0)


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | hard-coded example | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]

first = policy.gap(*texts[0])


def gap(policy, prompt, chosen, rejected):
    return first


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | catches everything | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    try:
        return policy.gaps(prompt, chosen, rejected)
    except Exception:
        return 0.0


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | prints | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    print(policy.gap(prompt, chosen, rejected))


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | wrong | raises, but named and shown | 2
BUGS = ("no shift", "shifted twice", "prompt counted", "EOS dropped", "mean for sum", "swapped")


def as_given(policy, prompt, chosen, rejected):
    x, logps = policy.encode_prompt(prompt), []
    for answer in (chosen, rejected):
        y = policy.encode_response(answer)
        ids = torch.tensor([x + y])
        labels = torch.tensor([[-100] * len(x) + y])
        with torch.no_grad():
            logps.append(-policy.model(ids, labels=labels).loss.item())
    return logps[0] - logps[1]



def gap(policy, prompt, chosen, rejected):
    return policy.gaps(prompt, chosen, rejected)


bug = "mean for sum"
witness = next(some for some in texts if as_given(policy, *some) * policy.gap(*some) < 0)
# %% bug-test | deleted | deletes the cell | 0

