# SPDX-License-Identifier: MIT
"""Coverage: how often the pictures of a generator reach each class. A job, for a look before anything is explained.

AttFind moves styles to the ends that it saw in pictures. Of a class that none of them shows it saw no end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.format import shortened
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import Latent, copy_to_device, seed_latent
from latent_explorer.models.stylegan2 import truncate
from latent_explorer.models.summary import are_generated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from torch import Tensor

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer

SEEDS = 500
RARE = 0.05  # a class is almost never drawn if the whole 95 % interval of its share lies below this


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one origin with their class probabilities (n, K)."""

    title: str  # "seeds at psi 1"
    names: tuple[str, ...]
    probs: np.ndarray

    def reaching(self, target: int) -> Rate:
        """Return how many have `target` as their most probable class."""
        return Rate(int((self.probs.argmax(axis=1) == target).sum()), len(self.names))

    def highest(self, target: int) -> np.ndarray:
        """Return the rows in order of the probability of `target`, highest first."""
        return np.argsort(-self.probs[:, target], kind="stable")

    def is_rare(self, target: int) -> bool:
        """Return True if so few reach `target` that the interval of their share lies below RARE."""
        return self.reaching(target).interval[1] < RARE


@dataclass(frozen=True)
class Coverage:
    """What was asked, by origin.

    drawn         the file's encoded pictures as the generator draws them, or its generated ones; None without any
    seeds         numbers 0 to n - 1
    photographs   real pictures that were given, or those that the file's were encoded from; None without either
    told          True if the generator is told class probabilities: those of seeds are a random picture's of the file
    """

    class_names: tuple[str, ...]
    psi: float
    seeds: PictureSet
    drawn: PictureSet | None = None
    photographs: PictureSet | None = None
    told: bool = False

    @property
    def sets(self) -> tuple[PictureSet, ...]:
        """Return what was asked, photographs first."""
        return tuple(each for each in (self.photographs, self.drawn, self.seeds) if each is not None)

    def sentence(self, target: int) -> str:
        """Return what it means that a class is almost never drawn; empty for a class that is drawn or not known."""
        name = shortened(self.class_names[target])
        rare = [each for each in (self.drawn, self.seeds) if each is not None and each.is_rare(target)]
        if not rare:
            return ""
        shares = " and ".join(_count(each, target) for each in rare)
        begin = f"{name} is almost never drawn ({shares})"
        if self.drawn is not None and not self.drawn.is_rare(target):
            return (
                f"{begin}, but by {_count(self.drawn, target)}. AttFind searches these, so its attributes towards "
                f"{name} rest on pictures of it; look at pictures of the file rather than at seeds."
            )
        if self.drawn is not None and not self.seeds.is_rare(target):
            return (
                f"{begin}, but by {_count(self.seeds, target)}. AttFind moves styles to the ends seen in the pictures "
                f"of the file, so it knows no end of {name}: give it pictures of {name} with --images."
            )
        return (
            f"{begin}. AttFind moves styles to the ends seen in such pictures, so what it lists towards {name} raises "
            f"its logit and need not be what makes a picture {name}: trust it only as far as the verdict turns, and "
            f"train the generator on more pictures of {name}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "psi": self.psi,
            "told_classes": self.told,
            "classes": {
                name: {
                    "sentence": self.sentence(k),
                    "sets": [{"of": each.title, **_rate_fields(each.reaching(k))} for each in self.sets],
                }
                for k, name in enumerate(self.class_names)
            },
        }


def _count(pictures: PictureSet, target: int) -> str:
    return f"{pictures.reaching(target).count:,} of {len(pictures.names):,} {pictures.title}"


def _rate_fields(rate: Rate) -> dict[str, Any]:
    share = rate.share if rate.n else None  # JSON has no NaN
    return {"count": rate.count, "n": rate.n, "share": share, "interval": rate.interval}


def coverage(
    explainer: Explainer,
    *,
    n: int = SEEDS,
    psi: float = 1.0,
    cutoff: int | None = None,
    read: Callable[[slice], np.ndarray] | None = None,
    ids: Sequence[str] = (),
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Coverage]:
    """Ask a classifier about the pictures of the file, `n` seeds truncated with `psi`, and the real pictures `ids`.

    The first `cutoff` rows of ws are truncated; all for None.

    `read(rows)` returns rows of these as (n, R, R, 3) uint8 at the model's resolution R.
    Raises UserError where there is no classifier to ask.
    """
    key = classifier_id or explainer.classifier_id
    model = copy_to_device(explainer, device)
    classifier, sizer = model.classifiers[key], BatchSizer(budget)

    def asked(img: Tensor) -> np.ndarray:
        probs: np.ndarray = classifier.probs(img).float().cpu().numpy()
        return probs

    @torch.inference_mode()
    def seeds(rows: slice) -> np.ndarray:
        return asked(draw(model, [seed(model, i, psi, cutoff) for i in range(rows.start, rows.stop)]))

    @torch.inference_mode()
    def samples(rows: slice) -> np.ndarray:
        return asked(draw(model, [sample(model, i) for i in range(rows.start, rows.stop)]))

    @torch.inference_mode()
    def photographs(rows: slice) -> np.ndarray:
        assert read is not None
        return asked(torch.from_numpy(to_float(read(rows))).to(device))

    names = explainer.samples.ids if explainer.samples is not None else ()
    parts = yield from sizer.run(seeds, n, "Drawing seeds")
    of_seeds = PictureSet(f"seeds at psi {psi:g}", tuple(f"seed {i}" for i in range(n)), np.concatenate(parts))
    drawn = None
    if names:
        parts = yield from sizer.run(samples, len(names), "Drawing the pictures of the file")
        title = "generated pictures of the file" if are_generated(names) else "reconstructions"
        drawn = PictureSet(title, names, np.concatenate(parts))
    real = _encoded_from(explainer, key)
    if ids:
        parts = yield from sizer.anew().run(photographs, len(ids), "Looking at the pictures")
        real = PictureSet("real pictures", tuple(ids), np.concatenate(parts))
    told = bool(explainer.generator.config.num_classes)
    return Coverage(classifier.config.class_names, psi, of_seeds, drawn, real, told)


def _encoded_from(explainer: Explainer, classifier_id: str) -> PictureSet | None:
    """Return the photographs that were encoded, whose verdicts the file knows for the classifier that it explains."""
    samples = explainer.samples
    if samples is None or not len(samples) or are_generated(samples.ids) or classifier_id != explainer.classifier_id:
        return None
    return PictureSet("photographs of the file", samples.ids, samples.probs.float().cpu().numpy())


def seed(model: Explainer, number: int, psi: float, cutoff: int | None = None) -> Latent:
    """Return the truncated latent of a seed."""
    latent = seed_latent(model, number)
    return Latent(truncate(latent.ws, model.generator.mapping.w_avg, psi, cutoff), latent.cond)


def sample(model: Explainer, row: int) -> Latent:
    """Return the latent of a picture of the file."""
    samples = model.samples
    assert samples is not None
    rows = slice(row, row + 1)
    return Latent(samples.ws[rows], samples.cond_of(rows))


def draw(model: Explainer, latents: Sequence[Latent]) -> Tensor:
    """Return img (n, 3, R, R) of latents with the stored noise."""
    synthesis = model.generator.synthesis
    conds = [latent.cond for latent in latents if latent.cond is not None]
    ws = torch.cat([latent.ws for latent in latents])
    img: Tensor = synthesis(ws, torch.cat(conds) if conds else None, synthesis.noise_const()).clamp(-1, 1)
    return img
