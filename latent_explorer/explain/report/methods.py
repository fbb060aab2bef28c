# SPDX-License-Identifier: MIT
"""Flip rates of several methods on the same pictures: table 2 of the replication studies. A job.

Each run draws N of an explainer's pictures, lets every method choose its ten coordinates for each class on them, and
applies the ten together, as in the reference's section A.7. The controls are ten coordinates drawn at random, and the
ten that the class given to the generator moves most, which no picture and no classifier takes part in choosing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import reconstruct
from latent_explorer.explain.attfind.searched import observed_range
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, stylespace
from latent_explorer.explain.attfind.sufficiency import FlipRate, flips
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.controls import hears
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.explain.report.flip_controls import WEIGHTS, class_weight_list
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import Samples

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer

GENERATED = 250  # pictures of a plain generator: as many as an export keeps of others
RANDOM = "random coordinates"
METHODS = ("Wu et al., signal", "Wu et al., difference", "AttFind", WEIGHTS, RANDOM)  # WEIGHTS where a class is told
TOP = 10


@dataclass(frozen=True)
class MethodRow:
    """Flip rates of one method on one explainer, one for each run."""

    model: str
    method: str
    rates: tuple[float, ...]  # share of all pictures whose verdict became the other class, or the runner-up
    n: int  # pictures of a run

    @property
    def mean(self) -> float:
        return float(np.mean(self.rates))

    @property
    def standard_error(self) -> float:
        """Of the mean over the runs; NaN of one run. Runs share pictures, so it is too small rather than too large."""
        runs = len(self.rates)
        return float(np.std(self.rates, ddof=1) / math.sqrt(runs)) if runs > 1 else math.nan

    def to_dict(self) -> dict[str, Any]:
        error = self.standard_error
        return {
            "model": self.model,
            "method": self.method,
            "n": self.n,
            "rates": list(self.rates),
            "mean": self.mean,
            "standard_error": None if math.isnan(error) else error,
        }


def compare_methods(
    explainers: Sequence[Explainer],
    *,
    n: int = 200,
    runs: int = 3,
    kappa: float = 1.0,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[MethodRow]]:
    """Measure every method on every explainer, each with its own classifier. A job.

    A plain generator has none: the first classifier of the others is asked about pictures that it generates.

    n     pictures of a run, drawn from the explainer's own; UserError if it holds none
    runs  draws of pictures
    """
    rows = []
    for given in explainers:
        explainer = given if given.classifiers else (yield from _with_pictures(given, explainers, n, budget))
        model = copy_to_device(explainer, device)
        if runs > 1 and explainer.samples is not None and len(explainer.samples) <= n:
            yield Notice(
                f"{explainer.name} holds {len(explainer.samples)} pictures, so every run uses all of them: the "
                "standard error says nothing about other pictures. Take a smaller --n.",
                "warning",
            )
        told = hears(model, model.classifier_id)
        rates: dict[str, list[float]] = {method: [] for method in METHODS if told or method != WEIGHTS}
        for run in range(runs):
            drawn = _draw(explainer, n, run)
            for method in rates:
                found = yield from _list_of(model, method, drawn, run, kappa, device, budget)
                rate = yield from _flip_rate(model, drawn, found, kappa, budget)
                rates[method].append(rate.reached.share)
        rows += [MethodRow(explainer.name, method, tuple(values), len(drawn)) for method, values in rates.items()]
    return rows


def _with_pictures(
    plain: Explainer, others: Sequence[Explainer], n: int, budget: StepBudget
) -> Generator[Event, None, Explainer]:
    """Return a plain generator with pictures of random z, judged by the first classifier of the others."""
    asked = next((other.classifier for other in others if other.classifiers), None)
    if asked is None:
        raise UserError(
            f"{plain.name} holds no classifier to ask, and none was given beside it. Give an explainer with one, too."
        )
    yield Notice(f"{plain.name} holds no classifier: {asked.config.name} is asked about pictures that it generates.")
    count = max(GENERATED, n)
    return (yield from explainer_of_generator(plain.generator, plain.name, asked, samples=count, budget=budget))


def _draw(explainer: Explainer, n: int, run: int) -> Samples:
    """Draw n of the explainer's pictures, all if it has no more."""
    samples = explainer.samples
    if samples is None or len(samples) == 0:
        raise UserError(f"{explainer.name} holds no pictures. Encode some (export) or generate them (import).")
    rows = torch.randperm(len(samples), generator=torch.Generator().manual_seed(run))[:n]
    ids = tuple(samples.ids[i] for i in rows.tolist())
    return Samples(samples.ws[rows], samples.cond[rows], samples.probs[rows], ids)


def _list_of(
    model: Explainer,
    method: str,
    drawn: Samples,
    run: int,
    kappa: float,
    device: str | torch.device,
    budget: StepBudget,
) -> Generator[Event, None, AttributeSet]:
    given: dict[str, Any] = {"latents": drawn, "device": device, "budget": budget}
    if method == "AttFind":
        settings = AttFindSettings(n=len(drawn), kappa=kappa, wanted=TOP, race_seed=run)
        return (yield from attfind(model, settings, **given)).attribute_set
    if method == WEIGHTS:
        listed = class_weight_list(model, model.classifier_id, TOP, len(drawn))
        assert listed is not None  # see `hears`
        return listed
    if method == RANDOM:
        return _random_list(model, run, len(drawn), kappa)
    score: Any = method.rpartition(" ")[2]
    return (
        yield from stylespace(model, StyleSpaceSettings(n=len(drawn), kappa=kappa, wanted=TOP, score=score), **given)
    )


def _random_list(model: Explainer, run: int, n: int, kappa: float) -> AttributeSet:
    """Return ten random coordinates and ends for each class."""
    rng = np.random.default_rng(run)
    styles, attributes = model.generator.config.layout.num_styles, []
    for target in range(model.classifier.num_classes):
        for style_index in rng.choice(styles, min(TOP, styles), replace=False):
            entry = AttributeEntry(int(style_index), "max" if rng.random() < 0.5 else "min")
            attributes.append(Attribute("", target, (entry,)))
    return AttributeSet(model.classifier_id, "random", n, kappa, "the pictures of the run", tuple(attributes))


def _flip_rate(
    model: Explainer, drawn: Samples, found: AttributeSet, kappa: float, budget: StepBudget
) -> Generator[Event, None, FlipRate]:
    """Apply the ten of each class together, on the pictures that they were chosen on."""
    synthesis, classifier, sizer = model.generator.synthesis, model.classifier, BatchSizer(budget)
    device = next(synthesis.parameters()).device
    cond = drawn.cond_of()
    told = None if cond is None else cond.float().to(device)
    pictures = yield from reconstruct(synthesis, classifier, drawn.ws.float().to(device), told, sizer)
    limits, _ = observed_range(pictures, None, None)
    rates = yield from flips(synthesis, classifier, pictures, found, limits, (TOP,), (kappa,), sizer)
    return rates[0]
