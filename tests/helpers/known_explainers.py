# SPDX-License-Identifier: MIT
"""Generators and classifiers whose true causes are known, to judge the methods that look for causes.

The generator's mapping and affines are StyleGAN2's with random weights, so its styles vary together as they do there;
its picture is painted. Every style coordinate brightens a spot of its own, 2 x 2 px of one colour, in proportion to how
many standard deviations it stands from its mean; one, the *area*, brightens the lower quarter of the picture. The
classifier reads the spots of the causes, and faintly (a fiftieth) those of all others, but nothing of
- the area, unless it is the cause: it changes the picture more than all others, and the verdict not at all;
- the *shadow*, which varies as the causes' sum does: of all coordinates it tells most of the class, and does nothing;
- the *companions*, which vary as the cause does, as styles of a trained generator vary together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.stylegan2 import Generator, StyleGAN2Synthesis

CHANNELS = (24, 24, 24)  # 16 px; 120 style coordinates
NUM_STYLES = 5 * CHANNELS[0]
W_DIM = 32
SIDE, SPOT = 16, 2  # px
SPOTS_ACROSS = SIDE // SPOT
AREA_ROWS = slice(12, 16)
STEP = 0.25  # of the range -1 to 1, for a standard deviation
GAIN = 2.0  # logits between the classes, for a standard deviation of the only cause
LEAK = 0.02  # of the gain: deviation of what the other spots weigh
NOISE = 0.05  # deviation of shadow and companions from what they follow


class Case(NamedTuple):
    """Known answer: how many coordinates decide, how many accompany the first, and what they do together.

    `effect` takes the causes in standard deviations (N, causes); it returns (N,).
    """

    causes: int
    effect: Callable[[Tensor], Tensor]
    companions: int = 0
    area: bool = False  # the area is the cause


CASES: dict[str, Case] = {
    "one": Case(1, lambda u: u[:, 0]),
    "two": Case(2, lambda u: u.sum(dim=1) / 2**0.5),
    "saturating": Case(1, lambda u: 2 * u[:, 0].clamp(max=0)),  # no effect in the upper half of the range
    "spread over five": Case(5, lambda u: u.sum(dim=1) / 5**0.5),
    "companions": Case(1, lambda u: u[:, 0], companions=6),
    "area": Case(1, lambda u: u[:, 0], area=True),
    "either end": Case(1, lambda u: 1.5 * u[:, 0].abs()),
    "only together": Case(2, lambda u: u[:, 0] * u[:, 1]),
}


class Roles(NamedTuple):
    """Numbers of the coordinates (style_index) of a made explainer that are no ordinary ones."""

    causes: tuple[int, ...]
    area: int
    shadow: int
    companions: tuple[int, ...]


class PaintedSynthesis(StyleGAN2Synthesis):
    """Affines of StyleGAN2, and a picture in which every style's deviation from its mean can be seen."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: GeneratorConfig, area: int) -> None:
        super().__init__(config)
        self.area = area
        self.register_buffer("mean", torch.zeros(NUM_STYLES))
        self.register_buffer("std", torch.ones(NUM_STYLES))

    def progressive(self, styles: Sequence[Tensor], noise: object = None) -> Iterator[Tensor]:
        u = (self.join(list(styles)) - self.mean) / self.std
        spots = 3 * SPOTS_ACROSS * (AREA_ROWS.start // SPOT)
        values = torch.cat([u, u.new_zeros(len(u), spots - NUM_STYLES)], dim=1).clone()
        values[:, self.area] = 0
        upper = values.reshape(len(u), 3, -1, SPOTS_ACROSS).repeat_interleave(SPOT, 2).repeat_interleave(SPOT, 3)
        lower = u[:, self.area, None, None, None].expand(-1, 3, SIDE - AREA_ROWS.start, SIDE)
        yield STEP * torch.cat([upper, lower], dim=2)


class SpotReader(nn.Module):
    """Logits (N, 2) from what the spots show: half the effect of the causes, with either sign."""

    def __init__(self, case: Case, roles: Roles, leak: Tensor) -> None:
        super().__init__()
        self.case, self.causes, self.area = case, list(roles.causes), roles.area
        self.register_buffer("leak", leak)
        self.register_buffer("threshold", torch.zeros(()))

    def read(self, x: Tensor) -> Tensor:
        """Return the deviations (N, NUM_STYLES) that the pictures show."""
        spots = x[:, :, : AREA_ROWS.start : SPOT, ::SPOT].reshape(len(x), -1)[:, :NUM_STYLES] / STEP
        area = x[:, :, AREA_ROWS].mean(dim=(1, 2, 3)) / STEP
        return torch.cat([spots[:, : self.area], area[:, None], spots[:, self.area + 1 :]], dim=1)

    def effect(self, x: Tensor) -> Tensor:
        u = self.read(x)
        return GAIN * (self.case.effect(u[:, self.causes]) + u @ self.leak)

    def forward(self, x: Tensor) -> Tensor:
        half = (self.effect(x) - self.threshold) / 2
        return torch.stack([-half, half], dim=1)


def drawn_roles(case: Case, rng: np.random.Generator) -> Roles:
    """Draw which coordinates play which part."""
    area, shadow, *others = (int(j) for j in rng.permutation(NUM_STYLES))
    causes = (area,) if case.area else tuple(others[: case.causes])
    return Roles(causes, area, shadow, tuple(others[case.causes : case.causes + case.companions]))


def with_followers(generator: Generator, roles: Roles) -> None:
    """Make shadow and companions vary as they must, by their rows of the affines."""
    synthesis = generator.synthesis
    affines = [synthesis.layer(layer.name).affine for layer in synthesis.layout.conv_layers]
    rows = torch.cat([affine.weight for affine in affines])
    summed = rows[list(roles.causes)].sum(dim=0) / len(roles.causes) ** 0.5
    rows[roles.shadow] = summed + NOISE * torch.randn(W_DIM)
    for j in roles.companions:
        rows[j] = rows[roles.causes[0]] + NOISE * torch.randn(W_DIM)
    for affine, part in zip(affines, rows.split([len(affine.weight) for affine in affines]), strict=True):
        affine.weight.copy_(part)


@torch.no_grad()
def known_explainer(name: str, seed: int = 0, n: int = 100) -> tuple[Explainer, Roles]:
    """Make the explainer of a case, with n pictures of random z, and say what is true of it."""
    case, rng = CASES[name], np.random.default_rng(seed)
    roles = drawn_roles(case, rng)
    torch.manual_seed(seed)
    config = GeneratorConfig(CHANNELS, z_dim=W_DIM, w_dim=W_DIM, num_classes=0, mapping_layers=1, mapping_lr_mul=1.0)
    generator = Generator(config)
    generator.synthesis = synthesis = PaintedSynthesis(config, roles.area)
    generator.requires_grad_(False)
    with_followers(generator, roles)
    ws = generator.ws_from_z(torch.randn(n, W_DIM)).contiguous()
    generator.mapping.w_avg.copy_(ws.mean(dim=(0, 1)))
    stats = style_statistics(generator, ws, None)
    synthesis.mean.copy_(torch.from_numpy(stats.mean))
    synthesis.std.copy_(torch.from_numpy(stats.std))
    leak = torch.from_numpy(rng.normal(0, LEAK, NUM_STYLES)).float()
    leak[[*roles.causes, roles.area, roles.shadow, *roles.companions]] = 0
    classifier = Classifier(ClassifierConfig("known", "small-resnet", ("a", "b"), Preprocessing(SIDE), widths=(4, 8)))
    classifier.network = reader = SpotReader(case, roles, leak)
    reader.threshold.copy_(reader.effect(synthesis(ws)).mean())
    key = hash_classifier(classifier)
    samples = Samples(ws, torch.zeros(n, 0), classifier.probs(synthesis(ws)), tuple(f"picture-{i}" for i in range(n)))
    explainer = Explainer(
        name, generator, classifiers={key: classifier}, conditioned_on=key, samples=samples, style_stats=stats
    )
    return explainer, roles


@torch.no_grad()
def planted_in_w(seed: int = 0, n: int = 100) -> tuple[Explainer, np.ndarray]:
    """Make an explainer whose classifier reads one direction of W off all spots together; return it, too (w_dim,).

    No style coordinate is its cause: 120 of them share it, each with the weight of least squares.
    """
    explainer, _ = known_explainer("one", seed, n)
    synthesis, samples, reader = explainer.generator.synthesis, explainer.samples, explainer.classifier.network
    assert samples is not None
    axes = explainer.generator.broadcast(torch.eye(W_DIM))
    by_w = synthesis.join(synthesis.styles(axes)) - synthesis.join(synthesis.styles(torch.zeros_like(axes)))
    direction = torch.randn(W_DIM, generator=torch.Generator().manual_seed(seed))
    along = samples.ws[:, 0] @ direction
    reader.leak.copy_(torch.linalg.pinv(by_w / synthesis.std) @ (direction / along.std()))
    reader.case, reader.causes = Case(0, lambda u: u.new_zeros(len(u))), []
    reader.threshold.zero_()
    reader.threshold.copy_(reader.effect(synthesis(samples.ws)).mean())
    samples.probs.copy_(explainer.classifier.probs(synthesis(samples.ws)))
    return explainer, (direction / direction.norm()).numpy()


def first_rank(order: Sequence[int], causes: Sequence[int]) -> int:
    """Return the rank, from 1, of the first true cause in a list of coordinates; NUM_STYLES if it lists none."""
    return next((rank for rank, j in enumerate(order, 1) if j in causes), NUM_STYLES)


def recall(order: Sequence[int], causes: Sequence[int]) -> float:
    """Return the share of the causes among the first len(causes) + 2 of a list."""
    return len(set(order[: len(causes) + 2]) & set(causes)) / len(causes)


class ThreeClassReader(nn.Module):
    """Logits (N, 3): the first cause decides between the classes 0 and 1, the second raises class 2."""

    def __init__(self, reader: SpotReader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, x: Tensor) -> Tensor:
        u = GAIN * self.reader.read(x)[:, self.reader.causes]
        return torch.stack([-u[:, 0] / 2, u[:, 0] / 2, u[:, 1]], dim=1)


@torch.no_grad()
def three_classes(seed: int = 0, n: int = 100) -> tuple[Explainer, Roles]:
    """Make an explainer of three classes, with n pictures; each of the two causes has its own part."""
    made, roles = known_explainer("two", seed, n)
    samples = made.samples
    assert samples is not None
    classifier = Classifier(ClassifierConfig("known", "small-resnet", tuple("abc"), Preprocessing(SIDE), widths=(4, 8)))
    classifier.network = ThreeClassReader(made.classifier.network)
    key = hash_classifier(classifier)
    probs = classifier.probs(made.generator.synthesis(samples.ws))
    explainer = replace(made, classifiers={key: classifier}, conditioned_on=key, samples=replace(samples, probs=probs))
    return explainer, roles


@torch.no_grad()
def with_outlier(made: Explainer, style_index: int, deviations: float) -> Explainer:
    """Return the explainer with one coordinate of its first picture so far from the mean, and no other one moved."""
    samples, synthesis = made.samples, made.generator.synthesis
    assert samples is not None
    layer, channel = synthesis.layout.at(style_index)
    weight = synthesis.layer(layer.name).affine.weight / W_DIM**0.5
    ws = samples.ws.clone()
    ws[0, layer.ws_row] += deviations * synthesis.std[style_index] * torch.linalg.pinv(weight)[:, channel]
    return replace(made, samples=replace(samples, ws=ws))


class SpotDiscriminator(nn.Module):
    """Finds a picture the less real the further one coordinate's spot is from its mean."""

    config = TrunkConfig(CHANNELS, outputs=1)

    def __init__(self, reader: SpotReader, style_index: int) -> None:
        super().__init__()
        self.reader, self.style_index = reader, style_index

    def score(self, img: Tensor, cond: Tensor | None = None) -> Tensor:
        return -self.reader.read(img)[:, self.style_index].abs()
