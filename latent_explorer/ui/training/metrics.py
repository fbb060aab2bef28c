# SPDX-License-Identifier: MIT
"""Figures of trainings with their titles and groups, and curves made from them. No widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.glossary import TERMS
from latent_explorer.ui.widgets.curve_math import Curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.app.training.runs import RunView

VALIDATION, LOSSES, SPEED = "Validation", "Losses", "Speed"
GROUPS = (VALIDATION, LOSSES, SPEED)
Series = list[tuple[float, float]]


@dataclass(frozen=True)
class Metric:
    """Figure of metrics.jsonl: its title, its group, what it means, and whether it is drawn at first."""

    key: str
    title: str
    group: str
    help: str
    shown: bool = True


# fmt: off
METRICS = (
    Metric("val_agreement", "Agreement", VALIDATION,
        f"On pictures that the training never sees. {TERMS['agreement'].definition}"),
    Metric("val_lpips_ratio", "LPIPS (mean image = 1)", VALIDATION,
        "How far reconstructions look from their originals, as a share of the mean image's distance: at 1 a "
        "reconstruction is no better than one average of all pictures. Lower is better."),
    Metric("val_feature_distance_ratio", "Feature distance (mean image = 1)", VALIDATION,
        "In the place of LPIPS, whose weights are not here: how far reconstructions are from their originals in the "
        "classifier's own features, as a share of the mean image's. Not comparable with LPIPS. Lower is better."),
    Metric("val_l1", "L1 of reconstructions", VALIDATION,
        "Mean difference of pixels, which run from -1 to 1. Lower is better.", shown=False),
    Metric("val_lpips", "LPIPS of reconstructions", VALIDATION,
        f"To the originals. {TERMS['lpips'].definition}", shown=False),
    Metric("val_feature_distance", "Feature distance of reconstructions", VALIDATION,
        "Distance to the originals in the classifier's own features. Lower is better.", shown=False),
    Metric("val_kl", "KL of the classifier's verdicts", VALIDATION,
        "How much the classifier's probabilities change by reconstruction. Lower is better.", shown=False),
    Metric("val_diversity", "Diversity of latents", VALIDATION,
        "How far apart the encoder puts pictures, against the length of its latents. Near 0 it encodes all alike.",
        shown=False),
    Metric("val_frechet_reconstruction", "Frechet distance of reconstructions", VALIDATION,
        "On the classifier's features. Lower is better; compare only runs with the same classifier and pictures.",
        shown=False),
    Metric("val_frechet_mapping", "Frechet distance of random samples", VALIDATION,
        "On the classifier's features, of pictures from random latents. Lower is better.", shown=False),
    Metric("l1", "Reconstruction, L1", LOSSES, "Mean difference of pixels between reconstruction and original."),
    Metric("lpips", "Reconstruction, LPIPS", LOSSES,
        f"Between reconstruction and original. {TERMS['lpips'].definition}"),
    Metric("feature_distance", "Reconstruction, feature distance", LOSSES,
        "Distance between reconstruction and original in the classifier's own features: it stands for LPIPS, whose "
        "weights are not here."),
    Metric("kl", "Classifier, KL", LOSSES, "The classifier must say the same of the reconstruction."),
    Metric("margin", "Classifier, margin", LOSSES,
        "Difference of the classifier's logits between reconstruction and original.", shown=False),
    Metric("evidence", "Classifier, evidence", LOSSES,
        "Distance of the classifier's feature maps between reconstruction and original.", shown=False),
    Metric("adversarial", "Generator, adversarial", LOSSES,
        "How easily the discriminator tells generated pictures. It begins once reconstruction works."),
    Metric("discriminator", "Discriminator", LOSSES, "Near 1.39 it cannot tell; near 0 it always can."),
    Metric("latent", "Latents come back", LOSSES,
        "Distance of a latent to the encoding of its own picture.", shown=False),
    Metric("align", "Random latents match", LOSSES,
        "Distance between the mapping's latents and the encoder's.", shown=False),
    Metric("cond_sparsity", "Sparsity of the class's styles", LOSSES,
        "Before its weight: how much all styles together depend on the class given to the generator.", shown=False),
    Metric("real_score", "Discriminator's score of real pictures", LOSSES,
        "Higher than that of generated ones while it can tell.", shown=False),
    Metric("r1", "R1 penalty", LOSSES, "How steep the discriminator is at real pictures.", shown=False),
    Metric("path_length", "Path length", LOSSES,
        "How much pictures change for a step of the latent; it should become steady.", shown=False),
    Metric("encoder_norm", "Gradient of the encoder", LOSSES,
        "Before clipping. Peaks mean that the training is unstable.", shown=False),
    Metric("ada_p", "Augmentation", LOSSES,
        "How often pictures are altered before the discriminator sees them; this helps when there are few.",
        shown=False),
    Metric("images_per_second", "Images per second", SPEED, "All of the training together, without the validation."),
)
# fmt: on
_KNOWN = {curve_metric.key: curve_metric for curve_metric in METRICS}
COMPARED = ("val_agreement", "val_lpips_ratio", "l1")  # first in the list of figures to compare


def curve_metric(key: str) -> Metric:
    """Return the figure called `key`; an unknown one gets its title from the key, among losses or validation."""
    if key in _KNOWN:
        return _KNOWN[key]
    group = VALIDATION if key.startswith("val_") else LOSSES
    title = key.removeprefix("val_").replace("_", " ").capitalize()
    return Metric(key, title, group, "", shown=False)


def in_order(keys: Sequence[str]) -> list[Metric]:
    """Return known figures in the order of the table, then the others by name."""
    places = {each.key: place for place, each in enumerate(METRICS)}
    return [curve_metric(key) for key in sorted(keys, key=lambda k: (places.get(k, len(places)), k))]


def groups_of(series: Mapping[str, Series]) -> list[str]:
    groups_with_data = {curve_metric(key).group for key, points in series.items() if points}
    return [group for group in GROUPS if group in groups_with_data]


def curves_of(series: Mapping[str, Series], group: str) -> list[Curve]:
    in_group = [each for each in in_order(list(series)) if each.group == group]
    return [_curve(f.key, f.title, series[f.key], f.help, f.shown) for f in in_group]


def compared(views: Sequence[RunView], key: str) -> list[Curve]:
    """Return a curve of one figure for each run."""
    return [_curve(str(v.path), v.name, v.series.get(key, []), str(v.path), True) for v in views]


def shared_metrics(views: Sequence[RunView]) -> list[Metric]:
    """Return the figures that any of the runs has, those of COMPARED first."""
    available = in_order(list({key for view in views for key, points in view.series.items() if points}))
    return sorted(available, key=lambda f: COMPARED.index(f.key) if f.key in COMPARED else len(COMPARED))


def latest_value(view: RunView, key: str) -> float | None:
    points = view.series.get(key)
    return points[-1][1] if points else None


def _curve(key: str, name: str, points: Series, help_text: str, shown: bool) -> Curve:
    table = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    return Curve(key, name, table[:, 0], table[:, 1], help_text, shown)
