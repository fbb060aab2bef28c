# SPDX-License-Identifier: MIT
"""Every method's list of ten edits for each class, and what each edit shows of a planted cause. For planted_tag.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from planted_judge import Shown, chance, judge_edit, margins, rank_of_first

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import AttFindResult, AttFindSettings, analyse, attfind
from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, stylespace
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import FoundDirection, GuidedSettings, SearchSettings
from latent_explorer.explain.directions.direction import unit_direction
from latent_explorer.models.explainer import encode_batch
from latent_explorer.training.batches import to_img

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planted_pictures import Planted
    from torch import Tensor

    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.explainer import Explainer

LISTED, FIRST = 10, 3
N, RACED, RENDERED = 250, 100, 20  # pictures that methods search; those of AttFind, raced and with every move rendered
AMOUNT = 3.0  # standard deviations of a direction
PICTURES = 30  # on which an edit is judged
RANDOM = 48  # coordinates, for each class
RANDOM_DIRECTIONS = 20
BATCH = 60
Move = tuple[int, int]  # style_index and end, 0 or 1


class Bench:
    """Reconstructions of test pictures in which the cause speaks against one class, and what edits do to them.

    target  class that edits are for: pictures without the cause for 1, with it for 0
    truth   what the cause does to the classifier's margin
    """

    def __init__(self, explainer: Explainer, test: Planted, target: int, truth: float) -> None:
        rows = np.flatnonzero(test.cause != bool(target))
        rows = rows[np.linspace(0, len(rows) - 1, PICTURES).astype(int)]
        self.synthesis, self.target, self.truth = explainer.generator.synthesis, target, truth
        assert explainer.style_stats is not None
        self.ends = np.stack([explainer.style_stats.minimum, explainer.style_stats.maximum])
        encoded = encode_batch(explainer, test.pixels[rows], [str(row) for row in rows])
        self.ws, self.cond = encoded.ws.float(), encoded.cond_of()
        self.inside = torch.from_numpy(test.inside[rows])
        self._judged: dict[bytes, Shown] = {}
        self.margin: Callable[[Tensor], np.ndarray] = lambda img: margins(explainer.classifier, img)
        with torch.inference_mode():
            self.styles = self.synthesis.styles(self.ws, self.cond)
            self.before = self._drawn(self.styles)

    def _drawn(self, styles: list[Tensor]) -> Tensor:
        return self.synthesis.render(styles, self.synthesis.noise_const()).clamp(-1, 1)

    @torch.inference_mode()
    def of_moves(self, moves: Sequence[Move]) -> Shown:
        """Judge style coordinates moved to their ends, all at once."""
        return self._judge(self._moved(moves))

    @torch.inference_mode()
    def turned(self, moves: Sequence[Move]) -> float:
        """Return the share of the other class's verdicts that all moves together turn; NaN if it has none."""
        before, after = (self.margin(img) > 0 for img in (self.before, self._moved(moves)))
        others = before != bool(self.target)
        return float((after[others] == bool(self.target)).mean()) if others.any() else float("nan")

    def _moved(self, moves: Sequence[Move]) -> Tensor:
        s = self.synthesis.join(self.styles).clone()
        for style_index, end in moves:
            s[:, style_index] = float(self.ends[end, style_index])
        return self._drawn(self.synthesis.replace(self.styles, s))

    @torch.inference_mode()
    def of_shift(self, shift: np.ndarray) -> Shown:
        """Judge ws moved by a shift (num_ws, w_dim)."""
        return self._judge(self._drawn(self.synthesis.styles(self.ws + torch.from_numpy(shift), self.cond)))

    def of_either(self, shift: np.ndarray) -> Shown:
        """Judge the sign of a shift that raises the class; of the same shift once."""
        key = shift.tobytes()
        if key not in self._judged:
            both = (self.of_shift(sign * shift) for sign in (-1, 1))
            self._judged[key] = max(both, key=lambda each: each.change)
        return self._judged[key]

    def _judge(self, after: Tensor) -> Shown:
        sign = 1 if self.target else -1
        return judge_edit(self.margin, self.before, after, self.inside, sign, self.truth)


def kept(explainer: Explainer, test: Planted, truth: float) -> float:
    """Return the share of the cause's effect that is left in reconstructions of pictures with and without it."""
    found = []
    for pixels in (test.pixels, test.counterpart):
        drawn = []
        for start in range(0, len(pixels), BATCH):
            part = pixels[start : start + BATCH]
            encoded = encode_batch(explainer, part, [str(i) for i in range(len(part))])
            with torch.inference_mode():
                drawn.append(explainer.generator.synthesis(encoded.ws.float(), encoded.cond_of()).clamp(-1, 1))
        found.append(margins(explainer.classifier, torch.cat(drawn)))
    change = np.where(test.cause, found[0] - found[1], found[1] - found[0])
    return float(change.mean()) / truth


def agreement(explainer: Explainer, test: Planted) -> float:
    """Return the share of verdicts that reconstructions keep."""
    encoded = encode_batch(explainer, test.pixels, [str(i) for i in range(len(test.pixels))])
    with torch.inference_mode():
        drawn = explainer.generator.synthesis(encoded.ws.float(), encoded.cond_of()).clamp(-1, 1)
    own, copies = (margins(explainer.classifier, img) for img in (to_img(test.pixels), drawn))
    return float(((own > 0) == (copies > 0)).mean())


def moves_of(found: AttributeSet, target: int) -> list[Move]:
    """Return the moves of a list, best first."""
    entries = [a.entries[0] for a in found.attributes if a.target == target]
    return [(entry.style_index, int(entry.end == "max")) for entry in entries]


def move_lists(explainer: Explainer, quick: bool) -> dict[str, dict[int, list[Move]]]:
    """Return the lists of methods that choose styles, for both classes; `quick`: of AttFind the race alone."""
    race = run_job(attfind(explainer, AttFindSettings(n=RACED, wanted=LISTED)))
    searches = {"AttFind, race": race.ranked}
    if not quick:
        every = run_job(attfind(explainer, AttFindSettings(n=RENDERED, wanted=LISTED, exhaustive=True)))
        searches["AttFind, every move"] = every.ranked
        searches["AttFind, procedure of the paper"] = _by_paper(every).ranked
        own = {target: ranking.picks for target, ranking in every.rankings.items()}
        searches["AttFind, each class by itself"] = own
    found = {
        name: {target: [(int(p.style_index), int(p.direction)) for p in picks[target]] for target in (0, 1)}
        for name, picks in searches.items()
    }
    for score in ("signal", "difference"):
        channels = run_job(stylespace(explainer, StyleSpaceSettings(n=N, wanted=LISTED, score=score)))
        found[f"Wu et al., {score}"] = {t: moves_of(channels, t) for t in (0, 1)}
    return found


def _by_paper(every: AttFindResult) -> AttFindResult:
    """Search the same table by the procedure of the paper."""
    settings = AttFindSettings(n=len(every.effects), wanted=LISTED, exhaustive=True, procedure="paper")
    return analyse(every.effects, every.subject, settings)


def direction_lists(explainer: Explainer, seed: int) -> dict[str, list[FoundDirection]]:
    """Return the directions of each method, best first."""
    lists: dict[str, list[FoundDirection]] = {}
    plain = GuidedSettings(identity="none")
    for method in ("boundary", "guided"):
        settings = SearchSettings(method=method, n=N, seed=seed, controls=0, held_out=0, guided=plain)
        lists[method.capitalize()] = run_job(find_directions(explainer, settings))
    for method, title in (("sefa", "SeFa"), ("ganspace", "GANSpace")):
        settings = SearchSettings(method=method, n=N, seed=seed, controls=0, count=LISTED, held_out=50)
        found = run_job(find_directions(explainer, settings))
        lists[f"{title}, its own order"] = found
        lists[f"{title}, by effect on the verdict"] = sorted(found, key=lambda each: -each.check.change[-1])
    return lists


def judged_lists(explainer: Explainer, test: Planted, truth: float, seed: int, quick: bool) -> dict[str, Any]:
    """Return what the lists of all methods show, towards B and towards A; `quick`: of the race and Wu et al. alone."""
    benches = [Bench(explainer, test, target, truth) for target in (1, 0)]
    lists: dict[str, Any] = {}
    for method, moves in move_lists(explainer, quick).items():
        found = [[bench.of_moves([move]) for move in moves[bench.target]] for bench in benches]
        first = [bench.of_moves(moves[bench.target][:FIRST]) for bench in benches]
        ten = {
            "ten_together": [bench.of_moves(moves[bench.target])._asdict() for bench in benches],
            "turned_by_ten": [bench.turned(moves[bench.target]) for bench in benches],
        }
        lists[method] = _summary(found, [each.carried for each in first]) | {"moves": moves} | ten
    for method, directions in ({} if quick else direction_lists(explainer, seed)).items():
        found = [of_directions(bench, directions, explainer.generator.num_ws) for bench in benches]
        lists[method] = _summary(found, [max((e.carried for e in each[:FIRST]), default=0.0) for each in found])
    return {
        "kept": {"effect": kept(explainer, test, truth), "agreement": agreement(explainer, test)},
        "lists": lists,
        "chance": by_chance(explainer, benches, seed),
    }


def of_directions(bench: Bench, directions: list[FoundDirection], num_ws: int) -> list[Shown]:
    """Judge directions to the bench's class; if they lead to none, the sign that does; if to the other, the reverse."""
    own = [each for each in directions if each.target in (None, bench.target)]
    found = []
    for each in own or directions:  # a boundary between two classes is one direction
        shift = AMOUNT * each.direction.shift(num_ws)
        if each.target is None:
            found.append(bench.of_either(shift))
        else:
            found.append(bench.of_shift(shift if own else -shift))
    return found


def _summary(found: list[list[Shown]], carried: list[float]) -> dict[str, Any]:
    """Return ranks and what the first carry, towards B and towards A, with all figures."""
    return {
        "ranks": [rank_of_first([each.shows for each in one]) for one in found],
        "faint_ranks": [rank_of_first([each.shows_faintly for each in one]) for one in found],
        "carried": float(np.mean(carried)),
        "carried_each": carried,
        "items": [[each._asdict() for each in one] for one in found],
    }


def by_chance(explainer: Explainer, benches: list[Bench], seed: int) -> dict[str, float]:
    """Return how often random edits show the cause among the first three, and what three of them carry."""
    rng = np.random.default_rng(seed)
    styles, samples = explainer.generator.config.layout.num_styles, explainer.samples
    assert samples is not None
    moves = [(int(rng.integers(styles)), int(rng.integers(2))) for _ in range(RANDOM)]
    single = [bench.of_moves([move]) for bench in benches for move in moves]
    triples = [bench.of_moves(moves[i : i + FIRST]) for bench in benches for i in range(0, RANDOM, FIRST)]
    ws, num_ws = samples.ws.float().numpy(), explainer.generator.num_ws
    axes = rng.standard_normal((RANDOM_DIRECTIONS, explainer.generator.config.w_dim))
    shifts = [AMOUNT * unit_direction("random", axis, ws).shift(num_ws) for axis in axes]
    directions = [bench.of_either(shift) for bench in benches for shift in shifts]
    return {
        "random coordinates: one of the first three shows it": chance([each.shows for each in single]),
        "random coordinates: one of the first three shows it faintly": chance([e.shows_faintly for e in single]),
        "random coordinates: the first three together carry": float(np.mean([each.carried for each in triples])),
        "random directions: one of the first three shows it": chance([each.shows for each in directions]),
        "random directions: one carries": float(np.mean([each.carried for each in directions])),
    }
