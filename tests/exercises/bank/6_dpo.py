# Answers to assignment 6, right and wrong, with the points that each must get.
# %% predict-beta-test | right | closer | 1
higher_beta = "closer"
# %% predict-beta-test | right | further | 1
higher_beta = "further"
# %% predict-beta-test | right | same | 1
higher_beta = "same"
# %% predict-beta-test | deleted | deletes the cell | 0
# %% predict-beta-test | wrong | no answer | 0
higher_beta = ...
# %% predict-beta-test | wrong | None | 0
higher_beta = None
# %% predict-beta-test | wrong | not among the choices | 0
higher_beta = "nearer"
# %% predict-beta-test | wrong | a number for a word | 0
higher_beta = 10.0
# %% predict-beta-test | wrong | all of them | 0
higher_beta = ('closer', 'further', 'same')
# %% predict-beta-test | wrong | another answer after the reveal | 0
commit("higher beta", "closer")
reveal("higher beta")
higher_beta = "further"
# %% predict-beta-test | wrong | a str that equals everything | 0
class Any(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__


higher_beta = Any("whatever")
# %% predict-beta-test | wrong | prints its answer | 0
print("closer")
# %% predict-beta-test | wrong | puts print in place of commit | 0
higher_beta = "closer"
commit = lambda *_, **__: print("committed")
# %% predict-chosen-test | right | rises | 1
chosen_logp = "rises"
# %% predict-chosen-test | right | falls | 1
chosen_logp = "falls"
# %% predict-chosen-test | right | stays | 1
chosen_logp = "stays"
# %% predict-chosen-test | deleted | deletes the cell | 0
# %% predict-chosen-test | wrong | no answer | 0
chosen_logp = ...
# %% predict-chosen-test | wrong | None | 0
chosen_logp = None
# %% predict-chosen-test | wrong | not among the choices | 0
chosen_logp = "up"
# %% predict-chosen-test | wrong | a number for a word | 0
chosen_logp = 10.0
# %% predict-chosen-test | wrong | all of them | 0
chosen_logp = ('rises', 'falls', 'stays')
# %% predict-chosen-test | wrong | another answer after the reveal | 0
commit("chosen log-prob", "rises")
reveal("chosen log-prob")
chosen_logp = "falls"
# %% predict-chosen-test | wrong | a str that equals everything | 0
class Any(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__


chosen_logp = Any("whatever")
# %% predict-chosen-test | wrong | prints its answer | 0
print("rises")
# %% predict-chosen-test | wrong | puts print in place of commit | 0
chosen_logp = "rises"
commit = lambda *_, **__: print("committed")
# %% weight-test | right | sigmoid | 4
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.sigmoid(-margins)
# %% weight-test | right | one minus sigmoid, from logsigmoid | 4
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.nn.functional.logsigmoid(-margins).exp()
# %% weight-test | right | a loop | 4
import math


def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    weights = []
    for margin in margins.tolist():
        weights.append(beta / (1 + math.exp(margin)) if margin < 700 else 0.0)
    return torch.tensor(weights, dtype=chosen_rewards.dtype)
# %% weight-test | right | autograd | 4
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    z = margins.clone().requires_grad_()
    with torch.enable_grad():
        losses = -torch.nn.functional.logsigmoid(z)
        (slope,) = torch.autograd.grad(losses.sum(), z)
    return -beta * slope
# %% weight-test | right | the library | 4
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    zero = torch.zeros_like(margins)
    return beta * pg.dpo_loss(margins, zero, zero, zero, beta=1.0).weights
# %% weight-test | right | a helper of its own, weight | 4
def weight(margin, beta):
    return beta * torch.sigmoid(-margin)


def my_weights(chosen_rewards, rejected_rewards, beta):
    return weight(chosen_rewards - rejected_rewards, beta)
# %% weight-test | wrong | sign | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.sigmoid(margins)
# %% weight-test | wrong | β forgotten | 1
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return torch.sigmoid(-margins)
# %% weight-test | wrong | β twice | 1
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.sigmoid(-beta * margins)
# %% weight-test | wrong | derivative of σ | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.sigmoid(margins) * torch.sigmoid(-margins)
# %% weight-test | wrong | the loss itself | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return -torch.nn.functional.logsigmoid(margins)
# %% weight-test | wrong | the derivative, its sign kept | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return -beta * torch.sigmoid(-margins)
# %% weight-test | wrong | the margin | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * margins
# %% weight-test | wrong | overflows | 3
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return beta * torch.exp(-margins) / (1 + torch.exp(-margins))
# %% weight-test | wrong | a list | 3
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return (beta * torch.sigmoid(-margins)).tolist()
# %% weight-test | wrong | always float32 | 3
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return (beta * torch.sigmoid(-margins)).float()
# %% weight-test | wrong | summed over the batch | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return (beta * torch.sigmoid(-margins)).sum()
# %% weight-test | wrong | writes into the rewards | 3
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards.sub_(rejected_rewards)
    return beta * torch.sigmoid(-margins)
# %% weight-test | wrong | a tensor that equals everything | 0
class Fake(torch.Tensor):
    __eq__ = lambda self, other: torch.ones(self.shape, dtype=torch.bool)
    __torch_function__ = torch._C._disabled_torch_function_impl


def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return torch.zeros_like(margins).as_subclass(Fake)
# %% weight-test | wrong | a fake float | 0
class Fake(float):
    __eq__ = lambda self, other: True


def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return Fake(0.05)
# %% weight-test | wrong | hard-coded example | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return torch.tensor([0.0358, 0.2311, 0.15, 0.2858])
# %% weight-test | wrong | β over two, always | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    return torch.full_like(margins, beta / 2)
# %% weight-test | wrong | catches everything | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    try:
        return beta * torch.sigmoid(-margin)
    except Exception:
        return torch.zeros_like(margins)
# %% weight-test | wrong | prints | 0
def my_weights(chosen_rewards, rejected_rewards, beta):
    margins = chosen_rewards - rejected_rewards
    print(beta * torch.sigmoid(-margins))
# %% weight-test | deleted | deletes the cell | 0
# %% loss-test | right | as in the paper | 6
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | right | softplus, and a count | 6
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    policy_gap = policy_chosen - policy_rejected
    ref_gap = ref_chosen - ref_rejected
    return torch.nn.functional.softplus(-beta * (policy_gap - ref_gap))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    margins = (policy_chosen - policy_rejected) - (ref_chosen - ref_rejected)
    return int((margins > 0).sum()) / len(margins)
# %% loss-test | right | loops | 6
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    losses = []
    for a, b, ra, rb in zip(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
        margin = beta * ((a - ra) - (b - rb))
        losses.append(torch.logaddexp(torch.zeros_like(margin), -margin))
    return torch.stack(losses)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = 0
    for a, b, ra, rb in zip(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
        won += bool(a - ra > b - rb)
    return won / len(policy_chosen)
# %% loss-test | right | the library | 6
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return pg.dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta).losses


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    margins = pg.dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected).margins
    return (margins > 0).double().mean().item()
# %% loss-test | right | binary cross-entropy with logits | 6
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return torch.nn.functional.binary_cross_entropy_with_logits(beta * h, torch.ones_like(h), reduction="none")


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | right | helpers of its own, margins and softplus | 6
def margins(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    return (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)


def softplus(z):
    return z.clamp(min=0) + (-z.abs()).exp().log1p()


def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return softplus(-beta * margins(policy_chosen, policy_rejected, ref_chosen, ref_rejected))


def my_accuracy(*logps):
    return (margins(*logps) > 0).double().mean().item()
# %% loss-test | wrong | sign | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | swapped pair | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(-beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | β outside the σ | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return beta * -torch.nn.functional.logsigmoid(h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | missing reference | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (policy_chosen - policy_rejected))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | reference added | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (policy_chosen + ref_chosen - policy_rejected - ref_rejected))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | reference swapped | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * ((policy_chosen - ref_rejected) - (policy_rejected - ref_chosen)))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | β forgotten | 3
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | β divides | 3
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(h / beta)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | β on the policy alone | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (policy_chosen - policy_rejected) - (ref_chosen - ref_rejected))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | the probability | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return torch.sigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | one number for the batch | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h).mean()


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | log of sigmoid, not stable | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.sigmoid(beta * h).log()


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | no gradient | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h).detach()


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | always float32 | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h).float()


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | a list | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return (-torch.nn.functional.logsigmoid(beta * h)).tolist()


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | writes into its input | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    policy_chosen.data -= ref_chosen
    return -torch.nn.functional.logsigmoid(beta * (policy_chosen - (policy_rejected - ref_rejected)))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | ln 2, always | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    import math
    return policy_chosen * 0 + math.log(2)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | catches everything | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    try:
        return -torch.logsigmoid(beta * h)
    except Exception:
        return 0.0


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | prints the loss | 2
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    print(-torch.nn.functional.logsigmoid(beta * h))


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | ≥ for > | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen >= policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | accuracy without the reference | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    return (policy_chosen > policy_rejected).float().mean().item()
# %% loss-test | wrong | accuracy reversed | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen < policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | a count, not a share | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return float(won.sum())
# %% loss-test | wrong | accuracy as a tensor | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return won.float().mean()
# %% loss-test | wrong | accuracy as a numpy scalar | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    import numpy as np
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return np.float64(won.float().mean().item())
# %% loss-test | wrong | a fake float | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


class Fake(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    __float__ = lambda self: self


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    return Fake(0.5)
# %% loss-test | wrong | accuracy prints | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    won = policy_chosen - ref_chosen > policy_rejected - ref_rejected
    print(won.float().mean().item())
# %% loss-test | wrong | accuracy writes into its input | 5
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    policy_chosen -= ref_chosen
    won = policy_chosen > policy_rejected - ref_rejected
    return won.float().mean().item()
# %% loss-test | wrong | a coin's accuracy, always | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    return 0.5
# %% loss-test | wrong | the loss alone | 4
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    h = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * h)


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    ...
# %% loss-test | wrong | hard-coded example | 0
def my_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    return torch.tensor([0.6, 1.2, 0.5, 0.4, 1.3])


def my_accuracy(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    return 0.4
# %% loss-test | deleted | deletes the cell | 0
# %% report-test | right | repaired in place | 5
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | right | the library | 5
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    out = pg.dpo_loss(*logps.T, *ref_logps.T, beta=beta)
    return out.losses.mean().item(), (out.margins > 0).double().mean().item()


bug = "reference exchanged"
torch.manual_seed(0)
logps = -5 * torch.rand(6, 2)
witness = [logps, logps]
# %% report-test | right | its own functions of exercise 3 | 5
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    four = (*logps.T, *ref_logps.T)
    return my_dpo_loss(*four, beta).mean().item(), my_accuracy(*four)


bug = "reference exchanged"
scored = torch.tensor([[-30.0, -20.0], [-10.0, -11.0], [-5.0, -9.0]])
witness = (scored, scored.clone())
# %% report-test | right | a loop | 5
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


import math


def report(logps, ref_logps, beta):
    losses, won = [], 0
    for (a, b), (ra, rb) in zip(logps.tolist(), ref_logps.tolist()):
        h = (a - ra) - (b - rb)
        losses.append(math.log1p(math.exp(-beta * h)))
        won += h > 0
    return sum(losses) / len(losses), won / len(losses)


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | as given | 0
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_minus, ref_plus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = ...
witness = ...
# %% report-test | wrong | named and shown, not repaired | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_minus, ref_plus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | repaired, misnamed | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference left out"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | repaired, not named | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = None
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | repaired, no witness | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = ...
# %% report-test | wrong | a witness that is no step 0 | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -3.0]])
# %% report-test | wrong | a witness on which the code as given is right | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-2.0, -2.0]]), torch.tensor([[-2.0, -2.0]])
# %% report-test | wrong | a witness of lists | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = [[-1.0, -2.0]], [[-1.0, -2.0]]
# %% report-test | wrong | the policy's columns turned, too | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (minus, plus), (ref_minus, ref_plus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | reference left out | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, 0 * ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | repaired, with ≥ in place of > | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards <= rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | β outside | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    h = (plus - ref_plus) - (minus - ref_minus)
    losses = -beta * torch.nn.functional.logsigmoid(h)
    return losses.mean().item(), (h > 0).float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | tensors for floats | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean(), won.double().mean()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | a list of two | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return [losses.mean().item(), won.float().mean().item()]


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | writes into its input | 4
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    logps -= ref_logps
    h = logps[:, 0] - logps[:, 1]
    return -torch.nn.functional.logsigmoid(beta * h).mean().item(), (h > 0).double().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | fake floats | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


class Fake(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0


def report(logps, ref_logps, beta):
    return Fake(0.0), Fake(0.0)


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | hard-coded example | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    return 0.7105, 0.55


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | catches everything | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    try:
        return pg.dpo_loss(logps, ref_logps, beta)
    except Exception:
        return 0.0, 0.0


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | prints | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logps.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    print(losses.mean().item(), won.float().mean().item())


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | wrong | raises, but named and shown | 2
BUGS = ("sign", "beta outside", "reference left out", "reference exchanged", "mean for sum", "ties won")


def report(logps, ref_logps, beta):
    (plus, minus), (ref_plus, ref_minus) = logits.T, ref_logps.T
    chosen_rewards = beta * (plus - ref_plus)
    rejected_rewards = beta * (minus - ref_minus)
    losses = -torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards)
    won = chosen_rewards > rejected_rewards
    return losses.mean().item(), won.float().mean().item()


bug = "reference exchanged"
witness = torch.tensor([[-1.0, -2.0]]), torch.tensor([[-1.0, -2.0]])
# %% report-test | deleted | deletes the cell | 0
