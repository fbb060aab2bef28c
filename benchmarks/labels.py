# SPDX-License-Identifier: MIT
"""What labels by a rule are worth: boundaries of a few labelled pictures beside those of many, and random directions.

Method. Pictures are dealt as the window's labelling page deals them (seeds without truncation and pictures of the file,
in turn at random; in the arm "sought" every third is the one that the boundary so far is least sure of), and a rule
labels them by their pixels: the brightness of the leaf, the share of the picture that is leaf, or the classifier's own
word. Labels lie on either side of the median of 400 pictures, ratings between its quintiles. Each direction is the one
that `directions --labels` finds. Figures, mean over the seeds:

    said       cross-validated accuracy (correlation of ratings), as the page says it
    fresh      accuracy of the same boundary on 300 pictures drawn at random that it has not seen
    cosine     with the boundary of 600 labels, as latents vary: of the covariance times each
    effect     change of the measure (of the probability, for the classifier's word) of 100 other pictures of the file
               at +2 standard deviations, in its standard deviations over pictures
    random     mean size of that change along three random directions of the same length; and along three as long that
               join two latents of the file

    python benchmarks/labels.py [--explainer X] [--seeds 5] [--out F.json]
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.app import library
from latent_explorer.app.labelling.deck import Deck
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.direction_search.boundary import Design, fitted
from latent_explorer.explain.direction_search.check import random_like
from latent_explorer.explain.direction_search.context import SearchContext, open_context
from latent_explorer.explain.direction_search.judge import judge
from latent_explorer.explain.direction_search.labelled import labelled_latents
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.labels import Label, LabelSet
from latent_explorer.models.explainer_file import read_explainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.models.explainer import Explainer

LEAF = 0.15  # brightest colour from which on a pixel counts as leaf
CONTROLS, POOL, BATCH, AMOUNT = 3, 60, 32, 2.0
SETTINGS = SearchSettings("boundary", held_out=0)


def brightness(_model: Explainer, img: Tensor) -> Tensor:
    x = (img.clamp(-1, 1) + 1) / 2
    leaf = (x.amax(dim=1) > LEAF).float()
    return (x.mean(dim=1) * leaf).sum(dim=(1, 2)) / leaf.sum(dim=(1, 2)).clamp_min(1)


def area(_model: Explainer, img: Tensor) -> Tensor:
    return (((img.clamp(-1, 1) + 1) / 2).amax(dim=1) > LEAF).float().mean(dim=(1, 2))


def word(model: Explainer, img: Tensor) -> Tensor:
    return model.classifiers[model.classifier_id].probs(img.clamp(-1, 1))[:, 0]


RULES: dict[str, Callable[[Explainer, Tensor], Tensor]] = {"brightness": brightness, "area": area, "word": word}


class Measured:
    """Measures of pictures by a rule, each computed once."""

    def __init__(self, model: Explainer, rule: Callable[[Explainer, Tensor], Tensor]) -> None:
        self._model, self._rule = model, rule
        self._known: dict[tuple[object, ...], float] = {}

    @torch.no_grad()
    def rendered(self, ws: Tensor, cond: Tensor | None) -> np.ndarray:
        synthesis = self._model.generator.synthesis
        parts = []
        for first in range(0, len(ws), BATCH):
            part = slice(first, first + BATCH)
            img = synthesis(ws[part], None if cond is None else cond[part], synthesis.noise_const())
            parts.append(self._rule(self._model, img).double().numpy())
        return np.concatenate(parts)

    def of(self, cards: Sequence[Label]) -> np.ndarray:
        new = [card for card in cards if card.picture not in self._known]
        if new:
            values = self.rendered(*labelled_latents(self._model, new))
            self._known |= {card.picture: float(value) for card, value in zip(new, values, strict=True)}
        return np.array([self._known[card.picture] for card in cards])


def deck(model: Explainer, seed: int) -> Deck:
    assert model.samples is not None
    return Deck(random.Random(seed), samples=len(model.samples))


def said(cards: Sequence[Label], values: np.ndarray, kind: str) -> LabelSet:
    labels = (msgspec.structs.replace(card, value=int(value)) for card, value in zip(cards, values, strict=True))
    return LabelSet("rule", kind, tuple(labels))  # type: ignore[arg-type]  # one of the two


def sought(model: Explainer, measured: Measured, cut: float, count: int, seed: int) -> LabelSet:
    """Label pictures as the page does whose figures are always those of all labels."""
    dealt, labels = deck(model, seed), LabelSet("rule")
    while len(labels.labels) < count:
        dealt.fill(labels.labels)
        value = int(measured.of(dealt.cards[:1])[0] > cut)
        labels = labels.with_label(msgspec.structs.replace(dealt.cards[0], value=value))
        dealt.take()
        if min(labels.count(0), labels.count(1)) >= 5 and len(labels.labels) % 3 == 0:
            pool = dealt.pool(POOL, labels.labels)
            dealt.unsure = list(run_job(judge(model, labels, pool)).unsure)
    return labels


def fresh_accuracy(model: Explainer, labels: LabelSet, cards: Sequence[Label], truth: np.ndarray) -> float:
    """Return the share of other pictures that the boundary of labels tells rightly."""
    blocks = (labelled_latents(model, each)[0].double().numpy() for each in (labels.labels, cards))
    own, others = blocks
    design = Design.of(own)
    y = np.array([label.value for label in labels.labels])
    coefficients, intercept = fitted(design.x, y, SETTINGS, rating=False)
    return float(((design.of_others(others) @ coefficients + intercept > 0) == truth).mean())


def effect(context: SearchContext, measured: Measured, direction: Direction, rows: np.ndarray) -> float:
    """Return the mean change of the measure at AMOUNT standard deviations."""
    shift = torch.from_numpy(AMOUNT * direction.shift(context.model.generator.num_ws))
    cond = None if context.cond is None else context.cond[rows]
    before, after = (measured.rendered(context.ws[rows] + by, cond) for by in (torch.zeros_like(shift), shift))
    return float((after - before).mean())


def join(direction: Direction, latents: np.ndarray, rng: np.random.Generator) -> Direction:
    """Return the difference of two latents, as long as a direction."""
    a, b = rng.choice(len(latents), 2, replace=False)
    vector = (latents[a] - latents[b]).mean(axis=0)
    vector *= np.linalg.norm(direction.array) / np.linalg.norm(vector)
    return msgspec.structs.replace(direction, vector=vector.astype("<f4").tobytes())


def arms(model: Explainer, measured: Measured, seed: int, scale: np.ndarray) -> dict[str, LabelSet]:
    """Return the labels of each arm."""
    cut = float(np.median(scale))
    cards = deck(model, seed).pool(600, ())
    values = measured.of(cards)
    made = {f"{n} drawn": said(cards[:n], values[:n] > cut, "yes-no") for n in (20, 40, 60, 120, 600)}
    quintiles = np.quantile(scale, (0.2, 0.4, 0.6, 0.8))
    made["60 ratings"] = said(cards[:60], 1 + np.searchsorted(quintiles, values[:60]), "rating")
    made["60, every third sought"] = sought(model, measured, cut, 60, 1000 + seed)
    return made


def one_seed(model: Explainer, context: SearchContext, measured: Measured, seed: int) -> dict[str, dict[str, float]]:
    """Return the figures of each arm."""
    fresh = deck(model, 10_000 + seed).pool(700, ())
    scale, tried = measured.of(fresh[:400]), fresh[400:]
    truth, deviation = measured.of(tried) > np.median(scale), float(scale.std())
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(context.ws))[:100]
    latents = context.ws.numpy()
    covariance = np.cov(latents.reshape(-1, latents.shape[-1]).T)
    labels = arms(model, measured, seed, scale)
    found = {name: run_job(find_directions(model, SETTINGS, labels=each))[0] for name, each in labels.items()}
    if measured._rule is word:
        found["the classifier's ends"] = run_job(
            find_directions(model, msgspec.structs.replace(SETTINGS, target=0), classifier_id=model.classifier_id)
        )[0]
    many = covariance @ found["600 drawn"].direction.array[0]
    results = {}
    for name, each in found.items():
        vector, figures = covariance @ each.direction.array[0], each.figures
        row = {
            "said": figures.get("accuracy", figures.get("correlation", np.nan)),
            "low": figures["low"],
            "high": figures["high"],
            "cosine": float(vector @ many / np.linalg.norm(vector) / np.linalg.norm(many)),
            "effect": effect(context, measured, each.direction, rows) / deviation,
        }
        if name in labels and labels[name].kind == "yes-no":
            row["fresh"] = fresh_accuracy(model, labels[name], tried, truth)
        if name in ("60 drawn", "the classifier's ends"):
            isotropic = [random_like(each.direction, rng) for _ in range(CONTROLS)]
            joining = [join(each.direction, latents, rng) for _ in range(CONTROLS)]
            for key, controls in (("random", isotropic), ("joining", joining)):
                row[key] = float(np.mean([abs(effect(context, measured, c, rows)) for c in controls])) / deviation
        results[name] = row
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainer", type=Path, default=library.bundled_explainer())
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = read_explainer(options.explainer)
    context = run_job(open_context(model, SETTINGS, model.classifier_id, "cpu", BatchSizer()))
    results: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name, rule in RULES.items():
        rows: dict[str, list[dict[str, float]]] = defaultdict(list)
        measured = Measured(context.model, rule)
        for seed in range(options.seeds):
            for arm, row in one_seed(context.model, context, measured, seed).items():
                rows[arm].append(row)
        results[name] = rows
        for arm, each in rows.items():
            means = {key: round(float(np.mean([row[key] for row in each])), 3) for key in each[0]}
            inside = [row["low"] <= row["fresh"] <= row["high"] for row in each if "fresh" in row]
            print(f"{name}, {arm}: {means}, fresh inside the interval {sum(inside)} of {len(inside)}", flush=True)
        if options.out:
            options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
