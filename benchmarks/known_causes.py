# SPDX-License-Identifier: MIT
"""What finds the true causes of a verdict: every method on generators and classifiers whose causes are known.

The cases are those of tests/helpers/known_explainers.py. Every method makes a list of ten style coordinates:
- AttFind: the list that the window shows (of two classes one, merged), by rendering every move, raced, and by the
  procedure of the paper; also the search of each class by itself, before the merge;
- Wu et al.: channels of each class by either score, exemplars the tenth of the pictures with the largest logits;
- boundary and guided (without identity loss): the coordinates that the direction moves most, in their deviations;
- SeFa and GANSpace: of each direction in order the coordinate that it moves most and that is not in the list yet. In
  the method's own order, and ordered by what the direction does to the probabilities of pictures held out, at 3 sd;
- property: of brightness, hue and sharpness the one whose correlation with the logit is largest; then the coordinates
  that move this property most, a deviation either way on 20 pictures;
- random order: what chance gives.
A cell is the median rank of the first true cause, "-" beyond ten, and the mean recall of all causes within the first
causes + 2, over seeds of the generator, the classifier and the pictures (and over both classes where lists differ).

A second table is of a cause that is no coordinate but a direction of W, which 120 coordinates share: the cosine of each
method's direction with it (of ten, the one that changes probabilities most), and the share of pictures whose verdict
changes: at 3 standard deviations either way, or by AttFind's and random attributes towards the other class, at kappa 1.
Random directions are chosen, where they are the best of ten, by the verdicts that change, on the same pictures.

    python benchmarks/known_causes.py [--seeds 5] [--n 150] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

import numpy as np
import torch
from known_explainers import CASES, NUM_STYLES, Roles, first_rank, known_explainer, planted_in_w, recall

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, stylespace
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import FoundDirection, GuidedSettings, SearchSettings
from latent_explorer.explain.directions.direction import unit_direction

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

LISTED = 10
DRAWS = 20_000  # random orders
RANDOM = 100  # directions
PICTURES = 20  # on which a property is moved
Order = list[int]


def from_attfind(explainer: Explainer, n: int) -> dict[str, list[Order]]:
    """Return the lists of AttFind: those that are shown, and that of each class by itself."""
    whole = run_job(attfind(explainer, AttFindSettings(n=n, wanted=LISTED, exhaustive=True)))
    race = run_job(attfind(explainer, AttFindSettings(n=n, wanted=LISTED)))
    paper = run_job(attfind(explainer, AttFindSettings(n=n, wanted=LISTED, exhaustive=True, procedure="paper")))
    return {
        "AttFind, every move": [[p.style_index for p in picks] for picks in whole.ranked.values()],
        "AttFind, race": [[p.style_index for p in picks] for picks in race.ranked.values()],
        "AttFind, procedure of the paper": [[p.style_index for p in picks] for picks in paper.ranked.values()],
        "AttFind, each class by itself": [[p.style_index for p in r.picks] for r in whole.rankings.values()],
    }


def from_stylespace(explainer: Explainer, n: int) -> dict[str, list[Order]]:
    """Return the channels of Wu et al. towards both classes."""
    lists = {}
    for score in ("signal", "difference"):
        found = run_job(stylespace(explainer, StyleSpaceSettings(n=n, wanted=LISTED, score=score)))
        lists[f"Wu et al., {score}"] = [
            [a.entries[0].style_index for a in found.attributes if a.target == target] for target in (0, 1)
        ]
    return lists


def moved(explainer: Explainer, found: FoundDirection) -> np.ndarray:
    """Return how far a direction moves every style (S,), in the style's deviations."""
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    assert samples is not None
    ws = samples.ws[:1]
    shift = torch.from_numpy(found.direction.shift(explainer.generator.num_ws))
    with torch.no_grad():
        change = synthesis.join(synthesis.styles(ws + shift)) - synthesis.join(synthesis.styles(ws))
    return np.abs(change[0].numpy() / explainer.style_stats.std)


def from_directions(explainer: Explainer, n: int, seed: int) -> dict[str, list[Order]]:
    """Return the lists of directions found in W."""
    lists = {}
    plain = GuidedSettings(identity="none")
    for method in ("boundary", "guided"):
        settings = SearchSettings(method=method, n=n, seed=seed, controls=0, held_out=0, guided=plain)
        found = run_job(find_directions(explainer, settings))
        lists[method.capitalize()] = [list(np.argsort(-moved(explainer, each)))[:LISTED] for each in found]
    for method, title in (("sefa", "SeFa"), ("ganspace", "GANSpace")):
        count = explainer.generator.config.w_dim
        found = run_job(
            find_directions(explainer, SearchSettings(method=method, n=n, seed=seed, controls=0, count=count))
        )
        by_effect = sorted(found, key=lambda each: -each.check.change[-1])
        lists[f"{title}, its own order"] = [named(explainer, found)]
        lists[f"{title}, by effect on the verdict"] = [named(explainer, by_effect)]
    return lists


def named(explainer: Explainer, found: list[FoundDirection]) -> Order:
    """Return of each direction the coordinate that it moves most of those that none before it named."""
    order: Order = []
    for each in found[:LISTED]:
        order.append(next(int(j) for j in np.argsort(-moved(explainer, each)) if j not in order))
    return order


def properties(img: torch.Tensor) -> dict[str, np.ndarray]:
    """Return brightness, hue (degrees) and sharpness (N,) of pictures (N, 3, H, W)."""
    red, green, blue = img.mean(dim=(2, 3)).T
    grey = img.mean(dim=1)
    steps = grey.diff(dim=1).abs().mean(dim=(1, 2)) + grey.diff(dim=2).abs().mean(dim=(1, 2))
    hue = torch.atan2(3**0.5 * (green - blue), 2 * red - green - blue)
    return {"brightness": grey.mean(dim=(1, 2)).numpy(), "hue": hue.rad2deg().numpy(), "sharpness": steps.numpy()}


def correlation(name: str, values: np.ndarray, logits: np.ndarray) -> float:
    """Return the size of the correlation with the logit; of a hue the multiple correlation of its sine and cosine."""
    angle = np.deg2rad(values)
    columns = np.stack([np.sin(angle), np.cos(angle)] if name == "hue" else [values], axis=1)
    columns = np.column_stack([columns, np.ones(len(columns))])
    fitted = columns @ np.linalg.lstsq(columns, logits, rcond=None)[0]
    return float(np.sqrt(fitted.var() / logits.var()))


@torch.no_grad()
def from_properties(explainer: Explainer) -> tuple[dict[str, list[Order]], str]:
    """Return the list of the property that goes with the logit, and its name with the correlation."""
    synthesis, ws = explainer.generator.synthesis, explainer.samples.ws
    img = synthesis(ws).clamp(-1, 1)
    logits = explainer.classifier.logits(img)[:, 1].numpy()
    sizes = {name: correlation(name, values, logits) for name, values in properties(img).items()}
    best = max(sizes, key=lambda name: sizes[name])
    change = np.zeros(NUM_STYLES)
    std = torch.from_numpy(explainer.style_stats.std)
    for row in range(PICTURES):
        styles = synthesis.styles(ws[row : row + 1])
        s = synthesis.join(styles)
        before = properties(img[row : row + 1])[best]
        for sign in (-1, 1):
            after = properties(synthesis.render(synthesis.replace(styles, s + sign * torch.diag(std))).clamp(-1, 1))
            difference = after[best] - before
            change += np.abs((difference + 180) % 360 - 180 if best == "hue" else difference)
    return {"Property": [list(np.argsort(-change))[:LISTED]]}, f"{best} {sizes[best]:.2f}"


def scored(lists: list[Order], roles: Roles) -> list[tuple[int, float]]:
    """Return rank of the first true cause and recall of each list."""
    return [(first_rank(order, roles.causes), recall(order, roles.causes)) for order in lists]


def by_chance(causes: int) -> list[tuple[int, float]]:
    rng = np.random.default_rng(0)
    orders = (rng.permutation(NUM_STYLES) for _ in range(DRAWS))
    return [(first_rank(order[:LISTED], range(causes)), recall(order, range(causes))) for order in orders]


def cell(results: list[tuple[int, float]]) -> str:
    ranks, recalls = zip(*results, strict=True)
    rank = float(np.median(ranks))
    return f"{rank:g}; {np.mean(recalls):.2f}" if rank <= LISTED else f"-; {np.mean(recalls):.2f}"


@torch.no_grad()
def flipped(explainer: Explainer, attributes: dict[int, list[tuple[int, int]]]) -> float:
    """Return the share of pictures that all of the other class's attributes (style_index, end) together flip."""
    synthesis, ws, stats = explainer.generator.synthesis, explainer.samples.ws, explainer.style_stats
    styles = synthesis.styles(ws)
    s, ends = synthesis.join(styles).clone(), np.stack([stats.minimum, stats.maximum])
    classes = explainer.classifier.logits(synthesis(ws)).argmax(dim=1)
    for target, moves in attributes.items():
        for style_index, end in moves:
            s[classes != target, style_index] = float(ends[end, style_index])
    after = explainer.classifier.logits(synthesis.render(synthesis.replace(styles, s))).argmax(dim=1)
    return float((after != classes).float().mean())


@torch.no_grad()
def turned(explainer: Explainer, shift: np.ndarray) -> float:
    """Return the share of pictures whose verdict changes at 3 times a shift (num_ws, w_dim), either way."""
    synthesis, ws = explainer.generator.synthesis, explainer.samples.ws
    before, *after = (
        explainer.classifier.logits(synthesis(ws + times * torch.from_numpy(shift))).argmax(dim=1)
        for times in (0.0, -3.0, 3.0)
    )
    return float(((after[0] != before) | (after[1] != before)).float().mean())


def in_w(n: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return cosine (not a number for attributes) and share of changed verdicts of each method."""
    explainer, truth = planted_in_w(seed, n)
    rng, figures = np.random.default_rng(seed), {}
    found = run_job(attfind(explainer, AttFindSettings(n=n, wanted=LISTED, exhaustive=True)))
    chance = [(int(j), int(rng.integers(2))) for j in rng.permutation(NUM_STYLES)[:LISTED]]
    for count in (1, 3, LISTED):
        picks = {t: [(p.style_index, p.direction) for p in list_[:count]] for t, list_ in found.ranked.items()}
        figures[f"AttFind, first {count}"] = float("nan"), flipped(explainer, picks)
    figures[f"Random attributes, {LISTED}"] = float("nan"), flipped(explainer, {0: chance, 1: chance})
    plain = GuidedSettings(identity="none")
    for method in ("boundary", "guided", "sefa", "ganspace"):
        count = LISTED if method in ("sefa", "ganspace") else 1
        settings = SearchSettings(method=method, n=n, seed=seed, controls=0, count=count, guided=plain)
        directions = run_job(find_directions(explainer, settings))
        shift = max(directions, key=lambda each: each.check.change[-1]).direction.shift(explainer.generator.num_ws)
        figures[method] = abs(float(shift[0] @ truth / np.linalg.norm(shift[0]))), turned(explainer, shift)
    ws, num_ws = explainer.samples.ws.numpy(), explainer.generator.num_ws
    axes = rng.standard_normal((RANDOM, len(truth)))
    cosines = np.abs(axes @ truth) / np.linalg.norm(axes, axis=1)
    shares = np.array([turned(explainer, unit_direction("random", axis, ws).shift(num_ws)) for axis in axes])
    best = shares.reshape(-1, LISTED).argmax(axis=1) + np.arange(0, RANDOM, LISTED)
    figures["Random direction, the best of ten"] = float(cosines[best].mean()), float(shares[best].mean())
    figures["Random direction"] = float(cosines.mean()), float(shares.mean())
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n", type=int, default=150)
    parser.add_argument("--json", type=Path, help="where every rank and recall is written")
    args = parser.parse_args()
    torch.set_num_threads(1)
    table: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for name, case in CASES.items():
        start, best = time.process_time(), []
        for seed in range(args.seeds):
            explainer, roles = known_explainer(name, seed, args.n)
            of_property, text = from_properties(explainer)
            best.append(text)
            lists = from_attfind(explainer, args.n) | from_stylespace(explainer, args.n)
            lists |= from_directions(explainer, args.n, seed) | of_property
            for method, orders in lists.items():
                table.setdefault(method, {}).setdefault(name, []).extend(scored(orders, roles))
        table.setdefault("Random order", {})[name] = by_chance(case.causes)
        print(f"{name}: {time.process_time() - start:.0f} s; property {', '.join(best)}", flush=True)
        for method, row in table.items():
            print(f"  {method}: {cell(row[name])}", flush=True)
    print("| | " + " | ".join(CASES) + " |\n| --- |" + " --- |" * len(CASES))
    for method, row in table.items():
        print(f"| {method} | " + " | ".join(cell(row[name]) for name in CASES) + " |")
    planted = [in_w(args.n, seed) for seed in range(args.seeds)]
    print("| | cosine | verdicts that change |\n| --- | ---: | ---: |")
    for method in planted[0]:
        cosine, share = np.mean([figures[method] for figures in planted], axis=0)
        print(f"| {method} | {'' if np.isnan(cosine) else f'{cosine:.2f}'} | {share:.2f} |")
    if args.json:
        known = {method: row for method, row in table.items() if method != "Random order"}
        args.json.write_text(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
