# SPDX-License-Identifier: MIT
"""Classifier-guided direction: one vector for all pictures that leads to a class and leaves the rest as it is.

Section E of the reference. x = G(w), x' = G(w + alpha v) with alpha drawn from [0, 1], so that the way is trained and
not only its end; the loss is cross-entropy (or a margin) of x' to the class plus an identity loss of x' and x, over
latents whose picture is of another class. With the loss "amount" alpha is a requested change of the probability, over
all latents (`amount`). The published text draws v ~ N(0, I) of 512 numbers, several times as long as
latents of many models are; here v starts at 0 and its length is limited.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Progress
from latent_explorer.common.statistics import rising_share
from latent_explorer.explain.direction_search.amount import REACH, amount_figures, amount_loss, drawn_requests
from latent_explorer.explain.direction_search.context import probabilities_of
from latent_explorer.explain.direction_search.identity import identity_loss
from latent_explorer.explain.direction_search.settings import FoundDirection
from latent_explorer.explain.latents import w_standard_deviation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.explain.direction_search.context import SearchContext
    from latent_explorer.explain.direction_search.identity import IdentityLoss
    from latent_explorer.explain.direction_search.settings import GuidedSettings
    from latent_explorer.models.classifiers import Classifier

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # at which the way is judged
_METRIC_STEPS = 10
_PART_PIXELS = 2 * 64**2  # of pictures whose gradient is one step of the job


@dataclass(frozen=True)
class Space:
    """The vectors v (w_dim,) that the rows of a search may take, measured by the covariance of latents in these rows.

    v = root u: a step of u moves v by the deviation of the latents there, so that directions along which no latent
    varies are left alone.
    """

    covariance: Tensor  # (w_dim, w_dim), float64
    root: Tensor  # (w_dim, w_dim): its symmetric root, float64
    w_std: float
    limit: float
    unit: str  # of the limit: sd, w_std

    def length(self, v: Tensor, unit: str) -> Tensor:
        """Return the length of v: standard deviations of the latents along it, or root mean square in w_std."""
        norm: Tensor = v.norm()
        if unit == "w_std":
            in_w_std: Tensor = norm / (self.w_std * math.sqrt(len(v)))
            return in_w_std
        along = (v @ self.covariance @ v).clamp_min(0).sqrt()
        deviations: Tensor = norm.square() / along.clamp_min(1e-12)
        return deviations

    def excess(self, v: Tensor) -> float:
        """Return by what v must be multiplied so as not to be longer than the limit: at most 1."""
        length = float(self.length(v, self.unit))
        return min(1.0, self.limit / length) if length > 0 else 1.0


def find(context: SearchContext, embedding: Classifier | None = None) -> Generator[Event, None, list[FoundDirection]]:
    """Return `count` directions for each target, perpendicular to each other. A job within a job.

    embedding  network whose answer is to stay, in place of the identity loss of the settings

    Figures: length_sd and length_w_std (of the direction at alpha 1), rising (share of held-out pictures of other
    classes whose probability never falls on the way), probability_0 and probability_1 (its mean at alpha 0 and 1), and
    identity_1 (mean identity loss at alpha 1, where there is one). With the loss "amount" those of `amount_figures`
    stand in place of rising and the probabilities: to ask for a change of p, multiply length_sd by it.
    """
    assert context.classifier is not None
    settings, names = context.settings.guided, context.class_names
    check_guided(settings)
    found: list[FoundDirection] = []
    for target in context.targets:
        rows = context.fitted
        if settings.loss != "amount":
            rows = rows[context.verdicts[rows] != target]
        if not len(rows):
            text = f"Every picture is {names[target]} already, so there is nothing to lead there."
            if len(context.targets) == 1:
                raise UserError(text)
            yield Notice(text, "warning")
            continue
        identity, refusal = _identity(settings, context.classifier, target, embedding)
        if refusal:
            yield Notice(refusal, "warning")
        earlier: list[Tensor] = []
        for number in range(context.settings.count):
            label = f"Searching a direction to {names[target]}"
            v, space = yield from _optimised(context, target, rows, identity, earlier, label, number)
            if not float(v.norm()) > 0:
                yield Notice(f"No direction to {names[target]} was found: the classifier's gradient is 0.", "warning")
                break
            earlier.append(v / v.norm())
            title = context.title("guided", target, number + 1 if context.settings.count > 1 else None)
            direction = context.direction(title, v.numpy())
            figures = {"length_sd": float(space.length(v, "sd")), "length_w_std": float(space.length(v, "w_std"))}
            figures |= yield from (_amounts if settings.loss == "amount" else _followed)(context, target, v)
            figures |= yield from _kept(context, target, v, identity)
            name = identity.name if identity is not None else ""
            found.append(FoundDirection(direction, target, figures, identity=name))
    return found


def _identity(
    settings: GuidedSettings, classifier: Classifier, target: int, embedding: Classifier | None
) -> tuple[IdentityLoss | None, str]:
    """Return the identity loss; where the best one was asked for and there is none, None and why, as sentences."""
    if settings.loss == "amount" and settings.identity == "auto" and embedding is None:
        return None, ""  # as published
    try:
        return identity_loss(settings, classifier, target, embedding), ""
    except UserError as error:
        if settings.identity != "auto" or embedding is not None:
            raise
        return None, f"The search goes on without an identity loss, so other things may change, too. {error}"


def check_guided(settings: GuidedSettings) -> None:
    """Raise UserError for settings out of range."""
    limits = {"all_steps": (1, 100_000), "batch": (1, 256), "length": (1e-3, 1e3), "lr": (1e-6, 1e3)}
    for name, (low, high) in limits.items():
        if not low <= getattr(settings, name) <= high:
            raise UserError(
                f"{name.removeprefix('all_')} is {getattr(settings, name)}; it must be from {low:g} to {high:g}."
            )


def space_of(context: SearchContext) -> Space:
    """Return the space of the search's rows."""
    first, last = context.rows
    block = torch.from_numpy(context.typical[:, first : last + 1]).double()
    centred = block - block.mean(dim=0)
    covariance = torch.einsum("mri,mrj->ij", centred, centred) / (centred.shape[0] * centred.shape[1])
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    settings = context.settings.guided
    w_std = w_standard_deviation(context.model.generator)
    return Space(covariance, root, w_std, settings.length / largest_alpha(settings), settings.length_unit)


def largest_alpha(settings: GuidedSettings) -> float:
    """Return the alpha at which a direction is moved furthest, and may measure the length allowed."""
    return REACH if settings.loss == "amount" else 1.0


def _optimised(
    context: SearchContext,
    target: int,
    rows: np.ndarray,
    identity: IdentityLoss | None,
    earlier: list[Tensor],
    label: str,
    number: int,
) -> Generator[Event, None, tuple[Tensor, Space]]:
    """Return v (w_dim,) float64, the direction at alpha 1, and its space."""
    settings, space = context.settings.guided, space_of(context)
    keep = torch.eye(len(space.root), dtype=torch.float64)
    for each in earlier:
        keep = keep - torch.outer(each, each)
    to_v = keep @ space.root
    u = _start(context, target, to_v, space)
    rng = np.random.default_rng((context.settings.seed, target, number))
    mean, square = torch.zeros_like(u), 0.0
    # The same parts at every speed: rounding errors grow, above all through LPIPS, so others would find another vector.
    part_size = max(1, _PART_PIXELS // context.model.generator.config.resolution**2)
    steps, lr = settings.all_steps, settings.lr / largest_alpha(settings)
    total, began = context.settings.count * steps, time.monotonic()
    for step in range(steps):
        batch = rng.choice(rows, settings.batch, replace=len(rows) < settings.batch)
        if settings.loss == "amount":
            alphas = drawn_requests(context.probabilities(batch, target), rng)
        else:
            alphas = rng.random(settings.batch)
        done = number * steps + step
        left = (time.monotonic() - began) / (step + 1) * (total - done)
        progress = Progress(done, total, label, left)
        compute = _losses(context, target, to_v @ u, batch, alphas, identity)
        parts = []
        for first in range(0, len(batch), part_size):
            parts.append(compute(slice(first, first + part_size)))
            yield progress
        gradient = to_v.T @ torch.stack([part[0] for part in parts]).sum(dim=0)
        # Adam (Kingma and Ba 2015) with one second moment for all numbers: of one for each, those that hold nothing
        # but noise would move as far as the others.
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * float(gradient.square().sum())
        size = math.sqrt(square / (1 - 0.99 ** (step + 1)))
        rate = lr * 0.5 * (1 + math.cos(math.pi * step / steps))
        if size > 0:
            u = u - rate * mean / (1 - 0.9 ** (step + 1)) / size
        u = u * space.excess(to_v @ u)
        if step % _METRIC_STEPS == 0:
            yield Metric(step, {"loss": sum(part[1] for part in parts), "sd": float(space.length(to_v @ u, "sd"))})
    return to_v @ u, space


def _start(context: SearchContext, target: int, to_v: Tensor, space: Space) -> Tensor:
    """Return the first u (w_dim,)."""
    if context.settings.guided.start == "zero":
        return torch.zeros(len(to_v), dtype=torch.float64)
    first, last = context.rows
    fitted = context.fitted
    w = context.ws[fitted][:, first : last + 1].mean(dim=1).cpu().double()
    of_target = torch.from_numpy(context.verdicts[fitted] == target)
    if not of_target.any():
        raise UserError(f"No picture is {context.class_names[target]}, so its mean is not known. Start at zero.")
    difference = (w[of_target].mean(dim=0) - w[~of_target].mean(dim=0)) / 2
    u: Tensor = torch.linalg.pinv(to_v, rtol=1e-6) @ difference
    return u * space.excess(to_v @ u)


def _losses(
    context: SearchContext,
    target: int,
    v: Tensor,
    batch: np.ndarray,
    alphas: np.ndarray,
    identity: IdentityLoss | None,
) -> Callable[[slice], tuple[Tensor, float]]:
    """Return a function of a part of the batch: gradient (w_dim,) by v, and loss. Their sums are those of its mean."""
    classifier, settings = context.classifier, context.settings.guided
    assert classifier is not None
    first, last = context.rows
    mask = torch.zeros(context.model.generator.num_ws, 1, device=context.ws.device)
    mask[first : last + 1] = 1
    wanted = torch.as_tensor(context.probabilities(batch, target) + alphas).to(context.ws)

    def part(rows: slice) -> tuple[Tensor, float]:
        with torch.enable_grad():
            moving = v.to(context.ws).clone().requires_grad_()
            alpha = torch.as_tensor(alphas[rows], dtype=context.ws.dtype, device=context.ws.device)
            img = context.moved(batch[rows], alpha[:, None, None] * moving * mask)
            if settings.loss == "amount":
                loss = amount_loss(classifier.logits(img), target, wanted[rows])
            else:
                loss = class_loss(classifier.logits(img), target, settings)
            if identity is not None:
                with torch.no_grad():
                    before = identity.features(context.moved(batch[rows], torch.zeros_like(mask)).clamp(-1, 1))
                distance = identity.distance_of_features(identity.features(img.clamp(-1, 1)), before)
                loss = loss + settings.identity_weight * distance
            total = loss.sum() / len(batch)
            (slope,) = torch.autograd.grad(total, moving)
        return slope.detach().double().cpu(), float(total.detach())

    return part


def class_loss(logits: Tensor, target: int, settings: GuidedSettings) -> Tensor:
    """Return the loss (N,) of logits (N, K): cross-entropy, or what is missing to a lead of `margin` logits."""
    if settings.loss == "cross-entropy":
        return F.cross_entropy(logits, torch.full((len(logits),), target, device=logits.device), reduction="none")
    others = torch.cat([logits[:, :target], logits[:, target + 1 :]], dim=1)
    return F.relu(settings.margin - (logits[:, target] - others.amax(dim=1)))


def _whole(context: SearchContext, v: Tensor | np.ndarray) -> np.ndarray:
    """Return what v (w_dim,) adds to ws: (num_ws, w_dim) float32, zero outside the rows of the search."""
    first, last = context.rows
    shift = np.zeros((context.model.generator.num_ws, len(v)), np.float32)
    shift[first : last + 1] = np.asarray(v)
    return shift


def _probs(
    context: SearchContext, target: int, rows: np.ndarray, alphas: np.ndarray, v: Tensor | np.ndarray
) -> Generator[Event, None, np.ndarray]:
    """Return the target's probabilities (M,) of latents `rows` (M,) moved by `alphas` (M,) times v (w_dim,)."""
    shift, by = _whole(context, v), alphas.astype(np.float32)[:, None, None]

    def logits(part: slice) -> np.ndarray:
        return context.logits_of(rows[part], by[part] * shift)

    parts = yield from context.sizer.run(logits, len(rows), "Following the direction")
    return probabilities_of(np.concatenate(parts), target)


def _others(context: SearchContext, target: int) -> np.ndarray:
    """Return the held-out pictures of other classes."""
    others: np.ndarray = context.held_out[context.verdicts[context.held_out] != target]
    return others


def _followed(context: SearchContext, target: int, v: Tensor) -> Generator[Event, None, dict[str, float]]:
    """Return the figures of the way from alpha 0 to 1 on held-out pictures of other classes; none without any."""
    held_out = _others(context, target)
    if not len(held_out):
        return {}
    rows, alphas = np.tile(held_out, len(ALPHAS)), np.repeat(ALPHAS, len(held_out))
    followed = yield from _probs(context, target, rows, alphas, v)
    probs = followed.reshape(len(ALPHAS), -1)
    return {
        "rising": rising_share(probs.T.tolist()),
        "probability_0": float(probs[0].mean()),
        "probability_1": float(probs[-1].mean()),
    }


def _amounts(context: SearchContext, target: int, v: Tensor) -> Generator[Event, None, dict[str, float]]:
    """Return how requested changes are met on held-out pictures, beside random vectors; nothing without any."""
    held_out, rng = context.held_out, np.random.default_rng((context.settings.seed, 2))
    controls = [rng.standard_normal(len(v)) for _ in range(context.settings.controls)]
    length = float(v.norm())
    return (
        yield from amount_figures(
            context.probabilities(held_out, target),
            v.numpy(),
            [length * each / np.linalg.norm(each) for each in controls],
            lambda rows, alphas, vector: _probs(context, target, held_out[rows], alphas, vector),
        )
    )


def _kept(
    context: SearchContext, target: int, v: Tensor, identity: IdentityLoss | None
) -> Generator[Event, None, dict[str, float]]:
    """Return the mean identity loss at alpha 1 over held-out pictures of other classes, where there is one."""
    held_out = _others(context, target)
    if identity is None or not len(held_out):
        return {}
    whole = torch.as_tensor(_whole(context, v), device=context.ws.device)

    @torch.no_grad()
    def distances(part: slice) -> Tensor:
        before = identity.features(context.moved(held_out[part], torch.zeros_like(whole)).clamp(-1, 1))
        after = identity.features(context.moved(held_out[part], whole).clamp(-1, 1))
        return identity.distance_of_features(after, before)

    far = yield from context.sizer.run(distances, len(held_out), "Comparing the pictures")
    return {"identity_1": float(torch.cat(far).mean())}
