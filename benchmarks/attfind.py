# SPDX-License-Identifier: MIT
"""The race of AttFind against rendering every move, and against the published loop; the lists compared.

Method. One thread, CPU seconds of this process. *Every move* is the exhaustive search in batches of 16. Its table is
computed once for an explainer and kept, with its cost, under the model's hash; what it costs beside the race is
measured on its first pictures in the same run. *The race* is run with each seed on the same pictures; its
list is compared with that of all moves. A move (style_index, direction) that only one list has counts as a disagreement
if it beats the move in its place by more than its standard error over the pictures, in the score that orders the list.
*The published loop* renders one move of one picture at a time from the start, with convolutions as StyleGAN2 published
them (weights modulated for each picture, grouped), and is timed on a sample of moves drawn at random.

    python benchmarks/attfind.py [--explainer X] [--n 250] [--seeds 5] [--kept FOLDER]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from synthesis import Published

from latent_explorer.app import library
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import analyse, attfind
from latent_explorer.explain.attfind.effects import reconstruct
from latent_explorer.explain.attfind.result import AttFindResult, Subject
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.models.explainer_file import read_explainer

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer

LOOPED = 200  # moves of the published loop that are timed
SAMPLE = 6  # pictures of the exhaustive search that are timed
Move = tuple[int, int]


def searched(explainer: Explainer, n: int, seed: int, *, exhaustive: bool) -> tuple[AttFindResult, float]:
    """Search the first n pictures; return the result and its seconds on the CPU. The seed is that of the race."""
    settings = AttFindSettings(n=n, exhaustive=exhaustive, race_seed=seed)
    start = time.process_time()
    result = run_job(attfind(explainer, settings, ranges=explainer.style_stats))
    return result, time.process_time() - start


def every_move(explainer: Explainer, n: int, folder: Path) -> tuple[AttFindResult, float]:
    """Return the exhaustive search and its cost, kept in the folder."""
    path = folder / f"attfind-{explainer.model_hash[:16]}-{n}.npz"
    if not path.exists():
        result, seconds = searched(explainer, n, 0, exhaustive=True)
        folder.mkdir(parents=True, exist_ok=True)
        subject = result.subject
        np.savez(path, effects=result.effects, base=subject.answers, limits=subject.limits, seconds=seconds)
    kept = np.load(path)
    settings, classes = AttFindSettings(n=n, exhaustive=True), tuple(range(kept["base"].shape[1]))
    subject = Subject(
        explainer.classifier_id, classes, kept["base"], kept["limits"], "kept", explainer.generator.config.layout
    )
    return analyse(kept["effects"], subject, settings), float(kept["seconds"])


def published_loop(explainer: Explainer, n: int) -> float:
    """Return the seconds of one move of one picture, rendered as published."""
    samples, classifier = explainer.samples, explainer.classifier
    assert samples is not None
    rows = torch.arange(n)
    synthesis, published = explainer.generator.synthesis, Published(explainer.generator)
    pictures = run_job(
        reconstruct(synthesis, classifier, samples.ws[rows].float(), samples.cond_of(rows), BatchSizer())
    )
    limits = torch.stack([pictures.s.amin(dim=0), pictures.s.amax(dim=0)])
    rng = np.random.default_rng(0)
    start = time.process_time()
    with torch.inference_mode():
        for _ in range(LOOPED):
            i, d, j = rng.integers(n), rng.integers(2), rng.integers(limits.shape[1])
            s = pictures.s[i : i + 1].clone()
            s[0, j] = limits[d, j]
            classifier.logits(published.render(synthesis.replace(pictures.row(int(i)), s)))
    return (time.process_time() - start) / LOOPED


def disagreements(found: AttFindResult, whole: AttFindResult) -> tuple[int, int]:
    """Return the moves of the whole lists that the found ones lack, and how many of those by more than the error.

    Of two classes there is one list, merged; of more, one for each class.
    """
    targets = range(1 if len(whole.ranked) == 2 else len(whole.ranked))
    return tuple(map(sum, zip(*(_disagreements_towards(t, found, whole) for t in targets), strict=True)))


def _disagreements_towards(target: int, found: AttFindResult, whole: AttFindResult) -> tuple[int, int]:
    lists = [{(p.style_index, p.direction) for p in result.ranked[target]} for result in (found, whole)]
    scores = {move: _score(whole, move, target) for move in lists[0] | lists[1]}
    ours = sorted(lists[0] - lists[1], key=lambda move: scores[move].mean())
    theirs = sorted(lists[1] - lists[0], key=lambda move: scores[move].mean())
    beyond = 0
    for mine, other in zip(ours, theirs, strict=False):
        difference = scores[other] - scores[mine]
        beyond += abs(difference.mean()) > difference.std(ddof=1) / np.sqrt(len(difference))
    return len(theirs), beyond + abs(len(theirs) - len(ours))


def _score(whole: AttFindResult, move: Move, target: int) -> np.ndarray:
    """Return what a list is ordered by, for each picture (N,) that it is about.

    Of two classes the effects of both directions together, on all pictures; of more, the effect on pictures of others.
    """
    style_index, direction = move
    effects = whole.effects[:, :, style_index]
    if effects.shape[2] == 2:
        score: np.ndarray = effects[:, direction, 0] + effects[:, 1 - direction, 1]
    else:
        score = effects[whole.subject.verdicts != target, direction, target]
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainer", type=Path)
    parser.add_argument("--n", type=int, default=250)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kept", type=Path, default=Path.home() / ".cache" / "latent-explorer-benchmarks")
    args = parser.parse_args()
    torch.set_num_threads(1)
    explainer = read_explainer(args.explainer or library.bundled_explainer())
    whole, cost = every_move(explainer, args.n, args.kept)
    total = whole.effects[..., 0].size
    print(f"{explainer.name}: every move, {total:,} of {args.n} pictures: {cost:.0f} s when the table was computed")
    cost = searched(explainer, SAMPLE, 0, exhaustive=True)[1] * args.n / SAMPLE
    print(f"every move: {cost:.0f} s, from {SAMPLE} pictures")
    loop = published_loop(explainer, args.n) * total
    print(f"the published loop: {loop:.0f} s, from {LOOPED} moves")
    seconds, differing = [], []
    for seed in range(args.seeds):
        result, spent = searched(explainer, args.n, seed, exhaustive=False)
        found = result.attribute_set.settings
        apart, beyond = disagreements(result, whole)
        seconds.append(spent)
        differing.append(beyond)
        listed = len(whole.attribute_set.attributes) // (2 if len(whole.ranked) == 2 else 1)
        print(
            f"race {seed}: {spent:.1f} s, {found['rendered_moves']:,} moves, completions agree by "
            f"{found['agreement']:.0%}; {listed - apart} of {listed} the same, "
            f"{beyond} differ by more than the error"
        )
    median = statistics.median(seconds)
    print(
        f"median {median:.1f} s: {cost / median:.1f} x every move, {loop / median:.0f} x the published loop; ", end=""
    )
    print(f"median of the disagreements {statistics.median(differing):g}")


if __name__ == "__main__":
    main()
