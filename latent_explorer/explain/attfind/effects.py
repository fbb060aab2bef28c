# SPDX-License-Identifier: MIT
"""The effects of single moves of style coordinates on the classifier's answers: exact, or predicted by gradient.

Style values are overridden; weights are never touched.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.explain.attfind.question import Question
from latent_explorer.explain.attfind.tables import new_table
from latent_explorer.models.processes import SINGLE_PROCESS
from latent_explorer.models.synthesis import Styles

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.kept_moves import MovesFile
    from latent_explorer.explain.batches import BatchSizer
    from latent_explorer.models.processes import World
    from latent_explorer.models.synthesis import SynthesisNetwork

_CHUNK = 1024  # moves after which what was rendered is in the table


class Judge(Protocol):
    """Classifier, or several that are asked together."""

    def logits(self, img: Tensor) -> Tensor:
        """Return logits (N, K) of pictures (N, 3, H, W)."""


@dataclass(frozen=True)
class Reconstructions:
    """Unedited pictures with their styles and logits, on the model's device."""

    styles: Styles
    s: Tensor  # (N, S): num_styles, or with toRGB num_with_torgb
    logits: Tensor  # (N, K)

    def __len__(self) -> int:
        return self.s.shape[0]

    @property
    def classes(self) -> np.ndarray:
        """Classes (N,) int64 that the classifier gives the pictures."""
        return self.logits.argmax(dim=1).cpu().numpy()

    def same(self, synthesis: SynthesisNetwork, world: World) -> Reconstructions:
        """Return the first process's pictures in every process.

        They differ in the last bits, by the sizes of batches, and every process must take the same decisions.
        """
        if world.size == 1:
            return self
        s, logits = (torch.as_tensor(world.first(x.cpu().numpy())).to(x) for x in (self.s, self.logits))
        return Reconstructions(synthesis.replace(self.styles, s), s, logits)

    def row(self, i: int) -> Styles:
        return [style[i : i + 1] for style in self.styles]

    def of_classes(self, classes: Sequence[int]) -> np.ndarray:
        """Return the numbers (M,) of the pictures that have one of these classes."""
        return np.flatnonzero(np.isin(self.classes, classes))

    def some(self, rows: np.ndarray) -> Reconstructions:
        """Return the pictures (M,) with these numbers."""
        chosen = torch.as_tensor(rows, device=self.s.device)
        return Reconstructions([style[chosen] for style in self.styles], self.s[chosen], self.logits[chosen])


@torch.inference_mode()
def logits_of(synthesis: SynthesisNetwork, classifier: Judge, styles: Styles, s: Tensor) -> Tensor:
    """Return logits (B, K) of pictures with style values s (B, S). The classifier clips to [-1, 1]."""
    img = synthesis.render(synthesis.replace(styles, s), synthesis.noise_const())
    return classifier.logits(img).float()


def classify(
    synthesis: SynthesisNetwork,
    classifier: Judge,
    styles: Styles,
    s: Tensor,
    batch_sizer: BatchSizer,
    message: str,
) -> Generator[Event, None, Tensor]:
    """Compute `logits_of` (N, K) in batches. A job within a job."""
    parts = yield from batch_sizer.run(
        lambda rows: logits_of(synthesis, classifier, [x[rows] for x in styles], s[rows]), len(s), message
    )
    return torch.cat(parts)


def reconstruct(
    synthesis: SynthesisNetwork,
    classifier: Judge,
    ws: Tensor,
    cond: Tensor | None,
    batch_sizer: BatchSizer,
    *,
    torgb: bool = False,
) -> Generator[Event, None, Reconstructions]:
    """Classify the pictures of latents ws (N, num_ws, w_dim), cond (N, K); `torgb` as of `SynthesisNetwork.join`."""
    with torch.inference_mode():
        styles = synthesis.styles(ws, cond)
        s = synthesis.join(styles, torgb=torgb)
    logits = yield from classify(synthesis, classifier, styles, s, batch_sizer, "Classifying pictures")
    return Reconstructions(styles, s, logits)


class SingleMoves:
    """Moves of single styles by kappa * (end - own value), with all else, cond included, held fixed.

    style_range  (2, S): minimum and maximum of each style, the ends of directions 0 and 1
    question     whose answers (N, C) the effects are changes of; `answers` are those of the unmoved pictures
    world        processes that share the work, each with the same moves and pictures; all get what all rendered
    """

    def __init__(
        self,
        synthesis: SynthesisNetwork,
        classifier: Judge,
        pictures: Reconstructions,
        style_range: Tensor,
        kappa: float,
        batch_sizer: BatchSizer,
        question: Question = Question(),  # noqa: B008  # frozen
        world: World = SINGLE_PROCESS,
    ) -> None:
        self.synthesis, self.classifier, self.pictures = synthesis, classifier, pictures
        self.style_range, self.kappa, self.batch_sizer = style_range, kappa, batch_sizer
        self.question, self.answers = question, question.answers(pictures.logits)
        self.world = world

    @property
    def sizes(self) -> np.ndarray:
        """How far every style moves (N, 2, S): not at all where it stands at the end already, so the effect is 0."""
        moves = self.kappa * (self.style_range - self.pictures.s[:, None])
        sizes: np.ndarray = moves.cpu().numpy()
        return sizes

    def exact(
        self, moves: np.ndarray, message: str = "Rendering the moves that matter"
    ) -> Generator[Event, None, np.ndarray]:
        """Render moves (M, 3) of picture, direction and style_index; return their effects (M, C) float32.

        A job within a job.
        """
        own = moves[self.world.rank :: self.world.size]
        parts = yield from self.batch_sizer.run(lambda rows: self._effects(own[rows]), len(own), message)
        nothing = np.zeros((0, self.answers.shape[1]), dtype=np.float32)
        return self.world.gather_rows(np.concatenate([nothing, *parts]), len(moves))

    @torch.inference_mode()
    def moved(self, pictures: np.ndarray, direction: int, style_index: int) -> Tensor:
        """Return the style values (M, S) of pictures (M,) after one and the same move."""
        s = self.pictures.s[torch.as_tensor(pictures, device=self.pictures.s.device)]
        s[:, style_index] += self.kappa * (self.style_range[direction, style_index] - s[:, style_index])
        return s

    @torch.inference_mode()
    def _effects(self, moves: np.ndarray) -> np.ndarray:
        pictures = self.pictures
        i, direction, style_index = torch.as_tensor(moves.T, device=pictures.s.device)
        s = pictures.s[i]
        rows = torch.arange(len(s), device=s.device)
        s[rows, style_index] += self.kappa * (self.style_range[direction, style_index] - s[rows, style_index])
        logits = logits_of(self.synthesis, self.classifier, [style[i] for style in pictures.styles], s)
        effects: np.ndarray = (self.question.answers(logits) - self.answers[i]).cpu().numpy()
        return effects

    def predicted(self) -> Generator[Event, None, np.ndarray]:
        """Return first-order effects (N, 2, S, C) float32: slope of the answer times the move. A job within a job."""
        own = self
        if self.world.size > 1:
            pictures = self.pictures.some(np.array(self.world.share(len(self.pictures)), dtype=int))
            given = self.style_range, self.kappa, self.batch_sizer, self.question
            own = SingleMoves(self.synthesis, self.classifier, pictures, *given)
        table = new_table((len(own.pictures), *self.style_range.shape, self.answers.shape[1]))
        yield from own.predict(table.__setitem__)
        return self.world.gather_rows(table, len(self.pictures))

    def predict(self, take: Callable[[slice, np.ndarray], None]) -> Generator[Event, None, None]:
        """Give `take` the first-order effects (B, 2, S, C) of some pictures after others. A job within a job."""
        count, classes = self.answers.shape
        message = "Predicting all effects by gradient"
        sizer = self.batch_sizer.anew()  # with gradients a picture takes longer
        done, start, left = 0, time.monotonic(), None
        while done < count:
            rows = slice(done, min(done + sizer.next(), count))
            s, answers = self._with_gradients(rows)
            sizer.done(rows.stop - done)
            slopes: list[Tensor] = []
            # A step is one pass through the networks: all classes together would hold up the sliders for as many.
            for k in range(classes):
                yield Progress(done, count, message, left)
                slopes += torch.autograd.grad(answers[:, k].sum(), s, retain_graph=k + 1 < classes)
            moves = self.kappa * (self.style_range - self.pictures.s[rows, None])  # (B, 2, S)
            take(rows, (moves[..., None] * torch.stack(slopes, dim=-1)[:, None]).float().cpu().numpy())
            done = rows.stop
            left = (time.monotonic() - start) * (count / done - 1)
            yield Progress(done, count, message, left)

    def slopes(self, rows: slice, classes: int) -> Tensor:
        """Return the slopes (B, S, classes) of the first answers on pictures, by their styles."""
        s, answers = self._with_gradients(rows)
        totals = [answers[:, k].sum() for k in range(classes)]
        return torch.stack([torch.autograd.grad(total, s, retain_graph=True)[0] for total in totals], dim=-1)

    def _with_gradients(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return style values s (B, S) and answers (B, C), which have gradients with respect to s."""
        synthesis, pictures = self.synthesis, self.pictures
        with torch.enable_grad():  # the copies are ordinary tensors, also of what inference made
            s = pictures.s[rows].clone().requires_grad_()
            styles = [style[rows].clone() for style in pictures.styles]
            img = synthesis.render(synthesis.replace(styles, s), synthesis.noise_const())
            return s, self.question.answers(self.classifier.logits(img))


def effect_table(
    moves: SingleMoves, styles: Sequence[int] | np.ndarray | None = None, kept: MovesFile | None = None
) -> Generator[Event, None, np.ndarray]:
    """Compute the effect table (N, 2, S, C) float32 by rendering every move. A job within a job.

    styles  those to render; the effects of others are left at 0. None: all
    kept    where what was rendered is kept, also when the job is stopped, and taken from
    """
    wanted = moves.sizes != 0
    if styles is not None:
        wanted[:, :, np.setdiff1d(np.arange(wanted.shape[2]), styles)] = False
    table = new_table((*wanted.shape, moves.answers.shape[1]))
    known = np.zeros_like(wanted)
    if kept is not None:
        rendered, effects = map(moves.world.first, kept.read(wanted.shape, table.shape[3]))
        known[tuple(rendered.T)], table[tuple(rendered.T)] = True, effects
    try:
        yield from _fill(table, known, np.argwhere(wanted & ~known), moves)
    finally:
        if kept is not None and moves.world.is_main_process:
            kept.write(np.argwhere(known), table[known])
    return table


def _fill(table: np.ndarray, known: np.ndarray, rows: np.ndarray, moves: SingleMoves) -> Generator[Event, None, None]:
    """Render moves (M, 3) into the table; `known` (N, 2, S) says of which its effects are."""
    start, message = time.monotonic(), "Moving every style of every picture"
    for first in range(0, len(rows), _CHUNK):
        part = tuple(rows[first : first + _CHUNK].T)

        def told(event: Event, before: int = first) -> Event:
            done = before + event.done if isinstance(event, Progress) else before
            return Progress(done, len(rows), message, (time.monotonic() - start) * (len(rows) / max(1, done) - 1))

        table[part] = yield from forward_events(moves.exact(rows[first : first + _CHUNK]), told)
        known[part] = True
