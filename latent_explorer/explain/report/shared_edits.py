# SPDX-License-Identifier: MIT
"""How often one and the same edit turns each of two classifiers, beside random edits of as many moves and as large.

An edit is all of a list's moves towards one class, each to the end of its observed range. It is rendered once for each
picture in which at least one of the two sees another class, and both are asked of that picture. Flip rates need
controls: moving anything far enough turns verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.format import shortened
from latent_explorer.common.statistics import binomial_test
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.models.lpips_weights import NETS, lpips_available
from latent_explorer.models.perceptual import lpips_on

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.effects import SingleMoves
    from latent_explorer.explain.report.pair import Pair

_STEPS = 4  # renders in which its size is sought
_STEEPNESS = 1.5  # guess of how size grows with the share of the way: its power
PIXELS = "root mean square change of the pixels"

Measure = Callable[[Tensor, Tensor], Tensor]  # of pictures (N, 3, H, W) in [-1, 1]; returns (N,)


@dataclass(frozen=True)
class Flips:
    """Verdicts that became the named class, of two classifiers asked of the same edited pictures."""

    both: tuple[Rate, Rate]  # of the pictures in which both see another class
    own: tuple[Rate, Rate]  # of those in which the classifier itself does, whatever the other sees
    alone: tuple[int, int]  # pictures of `both` in which it turned the one and not the other

    @property
    def p(self) -> float:
        """Exact two-sided p of `alone`, were both turned equally often (McNemar's test)."""
        return binomial_test(self.alone[0], sum(self.alone))

    def to_dict(self) -> dict[str, Any]:
        return {
            "both_see_another": [rate_fields(each) for each in self.both],
            "sees_another": [rate_fields(each) for each in self.own],
            "alone": list(self.alone),
            "p": self.p,
        }


@dataclass(frozen=True)
class ListEdit:
    """All moves of a list towards one class, and its controls on the same pictures.

    `as_many` moves as many coordinates that neither list holds, drawn for each picture, each to an end at random;
    `as_large` moves all that neither list holds towards ends at random, by the share of the way, at most 1, that
    changes the picture as much as the list does. `sizes` are the mean sizes of the three changes.
    """

    list_of: int  # 0 or 1: the classifier whose list it is
    target: int
    moves: int
    edit: Flips
    as_many: Flips
    as_large: Flips
    sizes: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "list_of": self.list_of,
            "target": self.target,
            "moves": self.moves,
            "edit": self.edit.to_dict(),
            "as_many_random_moves": self.as_many.to_dict(),
            "as_large_random_edit": self.as_large.to_dict(),
            "sizes": [None if np.isnan(each) else each for each in self.sizes],
        }


def rate_fields(rate: Rate) -> dict[str, Any]:
    """Return a rate as JSON: no share where no picture was counted."""
    return {"share": rate.share if rate.n else None, "interval": rate.interval, "n": rate.n}


def list_edits(
    moves: SingleMoves, pair: Pair, verdicts: np.ndarray, lists: Sequence[Sequence[tuple[int, int, int]]], seed: int = 0
) -> Generator[Event, None, tuple[tuple[ListEdit, ...], str]]:
    """Apply each list (style_index, direction, target) towards each class. A job within a job.

    verdicts  (N, 2) on the unmoved pictures

    Returns the edits, and what their sizes are measured in.
    """
    measure, name = _measure(moves.pictures.s.device)
    listed = sorted({j for each in lists for j, _, _ in each})
    others = np.setdiff1d(np.arange(moves.pictures.s.shape[1]), listed)
    out = []
    for list_of, entries in enumerate(lists):
        for target in range(len(pair.names)):
            edit = [(j, d) for j, d, t in entries if t == target]
            rows = np.flatnonzero((verdicts != target).any(axis=1))
            if not edit or not len(rows):
                continue
            work = _Work(moves, pair, measure, rows, np.random.default_rng((seed, list_of, target)))
            said = f"List of {'AB'[list_of]} towards {shortened(pair.names[target], 30)}, and random edits as large"
            logits, sizes = yield from work.run(edit, others, said)
            edited, many, large = (_flips(verdicts[rows], *pair.split(each), target) for each in logits)
            out.append(ListEdit(list_of, target, len(edit), edited, many, large, sizes))
    return tuple(out), name


def _measure(device: torch.device) -> tuple[Measure, str]:
    """Return LPIPS where its weights are installed, else the root mean square change of pixels; and its name."""
    for net in NETS:
        if lpips_available(net):
            lpips = lpips_on(net, device)
            return lpips, lpips.name
    return lambda a, b: (a - b).square().mean(dim=(1, 2, 3)).sqrt(), PIXELS


def _flips(before: np.ndarray, first: np.ndarray, second: np.ndarray, target: int) -> Flips:
    """Count flips. `before` (N, 2) are verdicts, the others logits (N, K) after the edit."""
    other, reached = before != target, np.stack([first.argmax(axis=1), second.argmax(axis=1)], axis=1) == target
    both = other.all(axis=1)
    turned = reached[both]
    return Flips(
        (Rate(int(turned[:, 0].sum()), len(turned)), Rate(int(turned[:, 1].sum()), len(turned))),
        (_rate(reached[:, 0], other[:, 0]), _rate(reached[:, 1], other[:, 1])),
        (int((turned[:, 0] & ~turned[:, 1]).sum()), int((turned[:, 1] & ~turned[:, 0]).sum())),
    )


def _rate(hit: np.ndarray, rows: np.ndarray) -> Rate:
    return Rate(int(hit[rows].sum()), int(rows.sum()))


class _Work:
    """Rendering of one edit and its controls on some of the pictures."""

    def __init__(
        self, moves: SingleMoves, pair: Pair, measure: Measure, rows: np.ndarray, rng: np.random.Generator
    ) -> None:
        self.moves, self.pair, self.measure, self.rng = moves, pair, measure, rng
        self.rows = torch.as_tensor(rows, device=moves.pictures.s.device)

    def run(
        self, edit: list[tuple[int, int]], others: np.ndarray, message: str
    ) -> Generator[Event, None, tuple[list[np.ndarray], tuple[float, float, float]]]:
        """Return logits (N, 2 K) of the edit and of both controls, and the mean sizes of their changes."""
        s = self.moves.pictures.s[self.rows]
        delta = torch.zeros_like(s)
        for j, d in edit:
            delta[:, j] = self.moves.style_range[d, j] - s[:, j]
        few, many = self._random(s, others, len(edit)), self._random(s, others, len(others))

        def render(rows: slice) -> tuple[list[Tensor], list[Tensor]]:
            return self._render(rows, delta[rows], few[rows], many[rows])

        parts = yield from self.moves.batch_sizer.anew().run(render, len(s), message)
        logits = [torch.cat([part[0][k] for part in parts]).cpu().numpy() for k in range(3)]
        means = [float(torch.cat([part[1][k] for part in parts]).mean()) for k in range(3)]
        return logits, (means[0], means[1], means[2])

    def _random(self, s: Tensor, others: np.ndarray, count: int) -> Tensor:
        """Return moves (N, S) of `count` coordinates of each picture to an end, both drawn at random."""
        delta = torch.zeros_like(s)
        for i in range(len(s)):
            drawn = self.rng.permutation(others)[:count]
            ends = self.rng.integers(0, 2, len(drawn))
            j, d = torch.as_tensor(drawn, device=s.device), torch.as_tensor(ends, device=s.device)
            delta[i, j] = self.moves.style_range[d, j] - s[i, j]
        return delta

    @torch.inference_mode()
    def _render(self, rows: slice, edit: Tensor, few: Tensor, many: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the logits of the three changes, and their sizes (N,)."""
        numbers = self.rows[rows]
        before = self._img(numbers, torch.zeros_like(edit))
        imgs = [self._img(numbers, edit), self._img(numbers, few)]
        sizes = [self.measure(before, img) for img in imgs]
        img, size = self._as_large(numbers, many, before, sizes[0])
        return [self.pair.logits(each) for each in (*imgs, img)], [*sizes, size]

    def _as_large(self, numbers: Tensor, many: Tensor, before: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Return pictures moved by the share of `many`, at most 1, that changes them by `wanted`; and their sizes."""
        share = torch.ones_like(wanted)
        img = self._img(numbers, many)
        size = self.measure(before, img)
        power = torch.full_like(wanted, _STEEPNESS)
        for _ in range(_STEPS):  # the secant of the logarithms
            ratio = (wanted.clamp(min=1e-9) / size.clamp(min=1e-9)).log()
            step = (share.log() + ratio / power).exp().clamp(1e-3, 1)
            img = self._img(numbers, step[:, None] * many)
            new = self.measure(before, img)
            slope = (new.clamp(min=1e-9) / size.clamp(min=1e-9)).log() / (step / share).log()
            power = torch.where(slope.isfinite(), slope.clamp(0.5, 4), power)
            share, size = step, new
        return img, size

    def _img(self, numbers: Tensor, delta: Tensor) -> Tensor:
        synthesis, pictures = self.moves.synthesis, self.moves.pictures
        styles = [style[numbers] for style in pictures.styles]
        img = synthesis.render(synthesis.replace(styles, pictures.s[numbers] + delta), synthesis.noise_const())
        return img.clamp(-1, 1)
