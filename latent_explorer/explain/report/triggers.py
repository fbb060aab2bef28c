# SPDX-License-Identifier: MIT
"""What triggers a class: the pictures of a generator with its highest probability beside real ones, as rows of a sheet.

What the generator's have in common and the real ones lack is what the classifier takes for the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.format import shortened
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.report.coverage import draw, sample, seed
from latent_explorer.media.sheet import Cell, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np

    from latent_explorer.explain.report.coverage import Coverage, PictureSet
    from latent_explorer.models.explainer import Explainer

COUNT = 8  # pictures of a row


def triggers(
    explainer: Explainer,
    found: Coverage,
    target: int,
    count: int = COUNT,
    read: Callable[[slice], np.ndarray] | None = None,
    device: str | torch.device = "cpu",
) -> Generator[Event, None, list[Row]]:
    """Return a row of the `count` highest-scoring pictures for each origin: seeds, pictures of the file, real ones.

    `found` is of the same explainer and classifier; `read` gives the real pictures as it gave them for `found`.
    Below each stands the probability of `target`, strong where it is the verdict.
    """
    model = copy_to_device(explainer, device)

    @torch.inference_mode()
    def seed_picture(number: int) -> np.ndarray:
        return to_uint8(draw(model, [seed(model, number, found.psi)])[0].float().cpu().numpy())

    @torch.inference_mode()
    def file_picture(number: int) -> np.ndarray:
        return to_uint8(draw(model, [sample(model, number)])[0].float().cpu().numpy())

    sources: list[tuple[PictureSet, Callable[[int], np.ndarray]]] = [(found.seeds, seed_picture)]
    if found.drawn is not None:
        sources.append((found.drawn, file_picture))
    if read is not None and found.photographs is not None:
        given = read
        sources.append((found.photographs, lambda row: given(slice(row, row + 1))[0]))
    rows = []
    for done, (pictures, picture) in enumerate(sources):
        yield Progress(done, len(sources), "Drawing the highest-scoring pictures")
        cells = tuple(
            Cell(picture(i), f"{pictures.probs[i, target]:.3f}", bool(pictures.probs[i].argmax() == target))
            for i in map(int, pictures.highest(target)[:count])
        )
        reached = pictures.reaching(target)
        name = shortened(found.class_names[target], 20)
        notes = (f"highest of {reached.n:,}", f"{reached.count:,} are {name}")
        rows.append(Row(pictures.title[:1].upper() + pictures.title[1:], cells, notes))
    return rows


def ranking(pictures: PictureSet, target: int, count: int = COUNT) -> list[tuple[str, float]]:
    """Return names and probabilities of the `count` highest-scoring pictures."""
    return [(pictures.names[i], float(pictures.probs[i, target])) for i in pictures.highest(target)[:count]]
