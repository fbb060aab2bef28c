# SPDX-License-Identifier: MIT
"""Evaluation of an explainer on held-out pictures: the job behind `evaluate`.

Measures reconstruction, agreement, Frechet distances, and how many verdicts the listed attributes flip. The list and
the ranges are the explainer's own; nothing is chosen on these pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice
from latent_explorer.data.images import to_float, to_uint8
from latent_explorer.explain.attfind.effects import reconstruct
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.attfind.sufficiency import FlipRate, flips
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.report.flip_controls import Asked, with_controls
from latent_explorer.models.attributes import newest_set
from latent_explorer.models.lpips_weights import lpips_available
from latent_explorer.models.metrics import Agreement, agreement, frechet_distance
from latent_explorer.models.perceptual import LpipsDistance, lpips_on

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer, Samples

KS = (1, 3, 5, 10)
MAX_PAIRS = 8  # pairs kept for the sheet
MIN_LPIPS_SIZE = 32  # px; smaller pictures vanish in its pooling layers


@dataclass(frozen=True)
class Pair:
    """Real picture and its reconstruction, (H, W, 3) uint8, with class probabilities (K,)."""

    name: str
    real: np.ndarray
    rec: np.ndarray
    real_probs: np.ndarray
    rec_probs: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Figures measured on n pictures."""

    n: int
    classifier_id: str
    agreement: Agreement
    l1: float  # mean over pixels, pictures in [-1, 1]
    lpips: float | None  # None: its weights are not installed, or the pictures are too small
    feature_change: float  # mean |f(x) - f(rec)| / |f(x)| on the classifier's features
    frechet_reconstruction: float
    frechet_mapping: float
    flips: tuple[FlipRate, ...]
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as `evaluate --json` prints them."""
        return {
            "n": self.n,
            "classifier_id": self.classifier_id,
            "agreement": self.agreement.argmax,
            "agreement_kl": self.agreement.kl,
            "agreement_mean_abs": self.agreement.mean_abs,
            "l1": self.l1,
            "lpips": self.lpips,
            "feature_change": self.feature_change,
            "frechet_reconstruction": self.frechet_reconstruction,
            "frechet_mapping": self.frechet_mapping,
            "flips": [rate.to_dict() for rate in self.flips],
        }


def evaluate(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    ids: Sequence[str],
    *,
    classifier_id: str | None = None,
    ks: Sequence[int] = KS,
    kappas: Sequence[float] = (1.0,),
    random_edits: bool = False,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Evaluation]:
    """Measure an explainer on the pictures `ids`. A job.

    Beside each flip rate stands that of the styles that the told class moves most, and with `random_edits` that of
    random edits of the same size, which take several times as long.

    `read(rows)` returns rows of them as (n, H, W, 3) uint8 at the model's resolution. UserError for fewer than two.
    """
    if len(ids) < 2:
        raise UserError(f"{len(ids)} pictures are too few to measure anything. Choose another split or folder.")
    model = copy_to_device(explainer, device)
    key = classifier_id or model.classifier_id
    batch_sizer = BatchSizer(budget)
    samples = yield from encode(model, read, ids, batch_sizer)
    measured = yield from _compare(model, key, read, samples, batch_sizer)
    mapped = yield from _mapped_features(model, key, samples, batch_sizer)
    attribute_set = newest_set(explainer.attribute_sets, key)
    rates: list[FlipRate] = []
    if attribute_set is None:
        yield Notice("The explainer lists no attributes, so no flips are counted. Run attfind first.", "warning")
    else:
        rates = yield from _flips(model, key, samples, attribute_set, ks, kappas, batch_sizer, random_edits)
    return measured.evaluation(key, mapped, tuple(rates))


@dataclass(frozen=True)
class _Compared:
    """Real pictures and reconstructions compared one by one, on the CPU."""

    real_probs: Tensor
    rec_probs: Tensor
    real_features: Tensor
    rec_features: Tensor
    l1: Tensor  # (n,)
    lpips: Tensor | None  # (n,)
    pairs: tuple[Pair, ...]  # of the first pictures

    def evaluation(self, classifier_id: str, mapped: Tensor, rates: tuple[FlipRate, ...]) -> Evaluation:
        moved = (self.real_features - self.rec_features).norm(dim=1)
        return Evaluation(
            n=len(self.real_probs),
            classifier_id=classifier_id,
            agreement=agreement(self.real_probs, self.rec_probs),
            l1=float(self.l1.mean()),
            lpips=None if self.lpips is None else float(self.lpips.mean()),
            feature_change=float((moved / self.real_features.norm(dim=1).clamp_min(1e-12)).mean()),
            frechet_reconstruction=frechet_distance(self.real_features, self.rec_features),
            frechet_mapping=frechet_distance(self.real_features, mapped),
            flips=rates,
            pairs=self.pairs,
        )


def _compare(
    model: Explainer,
    key: str,
    read: Callable[[slice], np.ndarray],
    samples: Samples,
    batch_sizer: BatchSizer,
) -> Generator[Event, None, _Compared]:
    classifier = model.classifiers[key]
    perceptual = _perceptual(model)
    parts = yield from batch_sizer.run(
        lambda rows: _compare_batch(model, classifier, perceptual, read(rows), samples, rows),
        len(samples),
        "Comparing reconstructions",
    )
    return _joined(parts)


def _perceptual(model: Explainer) -> LpipsDistance | None:
    """Return LPIPS where its weights are installed and the pictures are large enough for its network."""
    if not lpips_available("alex") or model.generator.config.resolution < MIN_LPIPS_SIZE:
        return None
    return lpips_on("alex", model.generator.mapping.w_avg.device)


@torch.inference_mode()
def _compare_batch(
    model: Explainer,
    classifier: Classifier,
    perceptual: LpipsDistance | None,
    images: np.ndarray,
    samples: Samples,
    rows: slice,
) -> _Compared:
    """Compare `images` (n, H, W, 3) uint8 with the reconstructions of these rows of the samples."""
    real = torch.from_numpy(to_float(images)).to(samples.ws.device)
    rec = _rendered(model, samples.ws[rows], samples.cond_of(rows)).clamp(-1, 1)
    real_probs, rec_probs = classifier.probs(real).cpu(), classifier.probs(rec).cpu()
    pairs = tuple(
        Pair(
            name=samples.ids[rows.start + i],
            real=images[i],
            rec=to_uint8(rec[i].float().cpu().numpy()),
            real_probs=real_probs[i].numpy(),
            rec_probs=rec_probs[i].numpy(),
        )
        for i in range(min(len(images), max(0, MAX_PAIRS - rows.start)))
    )
    return _Compared(
        real_probs=real_probs,
        rec_probs=rec_probs,
        real_features=classifier.features(real).float().cpu(),
        rec_features=classifier.features(rec).float().cpu(),
        l1=(rec - real).abs().mean(dim=(1, 2, 3)).cpu(),
        lpips=None if perceptual is None else perceptual(rec, real).cpu(),
        pairs=pairs,
    )


def _joined(parts: list[_Compared]) -> _Compared:
    lpips = [part.lpips for part in parts if part.lpips is not None]
    return _Compared(
        real_probs=torch.cat([part.real_probs for part in parts]),
        rec_probs=torch.cat([part.rec_probs for part in parts]),
        real_features=torch.cat([part.real_features for part in parts]),
        rec_features=torch.cat([part.rec_features for part in parts]),
        l1=torch.cat([part.l1 for part in parts]),
        lpips=torch.cat(lpips) if lpips else None,
        pairs=tuple(pair for part in parts for pair in part.pairs),
    )


def _mapped_features(
    model: Explainer, key: str, samples: Samples, batch_sizer: BatchSizer
) -> Generator[Event, None, Tensor]:
    """Return classifier features of as many generated pictures, with the cond of real ones in random order."""
    config = model.generator.config
    rng = torch.Generator().manual_seed(0)
    n, device = len(samples), samples.ws.device
    z = torch.randn(n, config.z_dim, generator=rng).to(device)
    order = torch.randperm(n, generator=rng).to(device)
    c = None
    if config.c_dim:
        classes = torch.randint(config.c_dim, (n,), generator=rng)
        c = torch.nn.functional.one_hot(classes, config.c_dim).float().to(device)

    @torch.inference_mode()
    def features(rows: slice) -> Tensor:
        ws = model.generator.ws_from_z(z[rows], None if c is None else c[rows])
        cond = samples.cond_of(order[rows])
        img = _rendered(model, ws, cond)
        return model.classifiers[key].features(img.clamp(-1, 1)).float().cpu()

    return torch.cat((yield from batch_sizer.run(features, n, "Generating pictures to compare")))


def _flips(
    model: Explainer,
    key: str,
    samples: Samples,
    attribute_set: AttributeSet,
    ks: Sequence[int],
    kappas: Sequence[float],
    batch_sizer: BatchSizer,
    random_edits: bool,
) -> Generator[Event, None, list[FlipRate]]:
    stats = model.style_stats
    if stats is None:
        raise UserError(f"{model.name} holds no statistics of its style coordinates. Export it again.")
    synthesis, classifier = model.generator.synthesis, model.classifiers[key]
    style_range = torch.from_numpy(np.stack([stats.minimum, stats.maximum])).float().to(samples.ws.device)
    pictures = yield from reconstruct(synthesis, classifier, samples.ws, samples.cond_of(), batch_sizer)
    rates = yield from flips(synthesis, classifier, pictures, attribute_set, style_range, ks, kappas, batch_sizer)
    asked = Asked(model, key, pictures, style_range, batch_sizer)
    return (yield from with_controls(rates, asked, attribute_set, random=random_edits))


def _rendered(model: Explainer, ws: Tensor, cond: Tensor | None) -> Tensor:
    synthesis = model.generator.synthesis
    img: Tensor = synthesis(ws, cond, synthesis.noise_const())
    return img
