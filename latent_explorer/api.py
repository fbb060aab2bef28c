# SPDX-License-Identifier: MIT
"""The door for Python users: an open explainer with numpy in and out. What it does is done in the rooms below.

Described, with examples that the tests run, in docs/python.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.data.images import read_image
from latent_explorer.explain.attfind.attfind import AttFindSettings
from latent_explorer.explain.attfind.attfind import attfind as attfind_job
from latent_explorer.explain.attfind.encode import encode as encode_job
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.latents import Latent, latent_of, seed_latent
from latent_explorer.explain.projection.projection import project as project_job
from latent_explorer.explain.projection.settings import DEFAULT, ProjectionSettings
from latent_explorer.explain.projection.target import Target, cut_target
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import newest_set
from latent_explorer.models.device import choose_device
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.stylegan2 import truncate

if TYPE_CHECKING:
    import os

    from latent_explorer.common.events import Event
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.recipe import Edit, Picture
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.models.summary import ExplainerSummary

OnEvent = Callable[["Event"], None]


@dataclass(frozen=True)
class Latents:
    """N latents with what the generator is told of each."""

    ws: np.ndarray  # (N, num_ws, w_dim) float32
    cond: np.ndarray | None  # (N, K) float32 class probabilities; None for a plain StyleGAN2

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, rows: slice) -> Latents:
        return Latents(self.ws[rows], None if self.cond is None else self.cond[rows])


@dataclass(frozen=True)
class Pictures:
    """N pictures and what the classifier says of them."""

    images: np.ndarray  # (N, H, W, 3) uint8
    logits: np.ndarray  # (N, K) float32
    probs: np.ndarray  # (N, K) float32


class Explainer:
    """An open explainer. Nothing here changes the file or the networks."""

    def __init__(self, path: str | os.PathLike[str], device: str = "auto") -> None:
        """Read an `.explainer` file. `device` is "auto", "cpu", "cuda:0", "mps"."""
        self.model = read_explainer(path)
        self.device = choose_device(device)
        self._renderer = Renderer(self.model, self.device)

    @property
    def summary(self) -> ExplainerSummary:
        """Name, model_hash, resolution, style layout, classifiers, stored attribute sets, figures."""
        return self.model.summary()

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.model.classifier.config.class_names

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes of the file's newest set for the conditioning classifier; best first for each target."""
        found = newest_set(self.model.attribute_sets, self.model.classifier_id)
        return found.attributes if found else ()

    def encoded(self) -> Latents:
        """The encoded pictures of the file."""
        samples = self.model.samples
        if samples is None:
            raise UserError(f"{self.model.name} holds no encoded pictures. Encode your own.")
        return _latents(samples.ws, samples.told())

    def seeds(self, numbers: Iterable[int], psi: float = 1.0, cutoff: int | None = None) -> Latents:
        """Latents of random seeds, truncated; the same that the window shows for them."""
        model = self._renderer.explainer
        with torch.inference_mode():
            found = [seed_latent(model, int(seed)) for seed in numbers]
            w_avg = model.generator.mapping.w_avg
            ws = torch.cat([truncate(latent.ws, w_avg, psi, cutoff) for latent in found])
            conds = [latent.cond for latent in found if latent.cond is not None]
        return _latents(ws, torch.cat(conds) if conds else None)

    def encode(
        self,
        images: np.ndarray | Sequence[str | os.PathLike[str]],
        on_event: OnEvent | None = None,
    ) -> Latents:
        """Latents of real pictures: files of any size, or (N, H, W, 3) uint8 at the explainer's resolution."""
        pixels = self._pixels(images)
        ids = [str(i) for i in range(len(pixels))]
        job = encode_job(self._renderer.explainer, lambda rows: pixels[rows], ids, BatchSizer())
        found = run_job(job, on_event)
        return _latents(found.ws, found.told())

    def project(
        self,
        images: np.ndarray | Sequence[str | os.PathLike[str]],
        settings: ProjectionSettings = DEFAULT,
        on_event: OnEvent | None = None,
    ) -> list[ProjectedPicture]:
        """Latents that show real pictures, found by optimisation, each with a report on how faithful it is.

        Files of any size, or (N, H, W, 3) uint8 at the explainer's resolution; `render` takes the results.
        """
        if isinstance(images, np.ndarray):
            targets = [Target(str(i), image) for i, image in enumerate(images)]
        else:
            asked = self.model.classifier_id
            targets = [cut_target(self.model, read_image(path), path.name, asked) for path in map(Path, images)]
        job = project_job(self.model, targets, settings, device=self.device)
        return run_job(job, on_event)

    def render(
        self,
        latents: Latents | Sequence[ProjectedPicture | PictureRecipe],
        edits: Sequence[Edit] = (),
    ) -> Pictures:
        """The pictures of latents with the same edits on each; what the window exports, bit for bit.

        A recipe brings truncation, noise and edits of its own: `timeline.frames` gives those of an animation.
        """
        found = [self._rendered(latent, tuple(edits)) for latent in _each(latents)]
        if not found:
            raise UserError("There are no latents to render.")
        return Pictures(
            images=np.stack([picture.image for picture in found]),
            logits=np.stack([picture.logits for picture in found]),
            probs=np.stack([picture.probs for picture in found]),
        )

    def _rendered(self, shown: Latent | PictureRecipe, edits: tuple[Edit, ...]) -> Picture:
        asked = self.model.classifier_id
        if isinstance(shown, Latent):
            return self._renderer.render_latent(shown, asked, edits).after
        recipe = msgspec.structs.replace(shown, edits=shown.edits + edits)
        return self._renderer.render(PictureRequest(recipe, asked)).after

    def _pixels(self, images: np.ndarray | Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """(N, R, R, 3) uint8 at the explainer's resolution."""
        if isinstance(images, np.ndarray):
            return images
        if not len(images):
            raise UserError("There are no pictures. Give one or more.")
        size = self.model.generator.config.resolution
        return np.stack([read_image(Path(path), size) for path in images])

    def attfind(
        self,
        n: int = 250,
        *,
        kappa: float = 1.0,
        wanted: int = 10,
        screen: float | None = None,
        on_event: OnEvent | None = None,
    ) -> AttributeSet:
        """Find the style coordinates that move the classifier, on the first `n` encoded pictures.

        `screen` renders only the styles of that share of the moves towards each class, the most promising by gradient.
        """
        settings = AttFindSettings(n=n, kappa=kappa, wanted=wanted, screen=screen)
        job = attfind_job(self.model, settings, device=self.device)
        return run_job(job, on_event).attribute_set


def _each(
    latents: Latents | Sequence[ProjectedPicture | PictureRecipe],
) -> Iterator[Latent | PictureRecipe]:
    if not isinstance(latents, Latents):
        yield from (x if isinstance(x, PictureRecipe) else latent_of(x) for x in latents)
        return
    for i in range(len(latents)):
        one = latents[i : i + 1]
        cond = None if one.cond is None else torch.from_numpy(one.cond)
        yield Latent(torch.from_numpy(one.ws), cond)


def _latents(ws: torch.Tensor, cond: torch.Tensor | None) -> Latents:
    return Latents(ws.float().cpu().numpy(), None if cond is None else cond.float().cpu().numpy())
