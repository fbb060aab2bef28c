# SPDX-License-Identifier: MIT
"""Does the photograph's evidence pass through w, or does the generator paint the class that it is told? A job.

An explainer whose reconstructions get the classifier's verdict need not show what the classifier looked at: it may
draw the told class on any picture. Each control takes away or swaps one of the two inputs, the latent or the told
class, and asks how often the verdict on what is drawn is still that on the photograph. Where w carries the evidence,
a picture told nothing keeps its verdict and a foreign latent loses it.

More figures look past the verdict. The margin correlation asks, among pictures of one verdict, whether the more
certain ones stay the more certain ones when nothing is told. Band power asks whether there is fine detail without the
stored noise maps, which are the same in all pictures; and coherence whether that detail is the photograph's: texture
that a discriminator has called for has power, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer, Samples

CONTROLS = {  # key: in words, as the command line shows it
    "own": "this picture's w, given its own class",
    "mean": "mean of all w, given the picture's class",
    "foreign": "w of a picture of another class, given the picture's class",
    "nothing": "this picture's w, given the same for every class",
    "other": "this picture's w, given the runner-up",
}
FEWEST = 3  # pictures of one verdict that a correlation is computed over
BAND = 4  # cycles per picture that a band is wide


@dataclass(frozen=True)
class Band:
    """Power of the reconstructions between two frequencies, as shares of the photographs'."""

    low: int  # cycles per picture
    high: int
    with_noise: float
    without_noise: float  # of the same reconstructions drawn without the stored noise maps
    coherence: float  # correlation of these with the photographs: 1 where they show the same, 0 where something else


@dataclass(frozen=True)
class Controls:
    """What was measured on n pictures."""

    n: int
    agreement: dict[str, Rate]  # by the keys of CONTROLS: verdict on the drawn picture equals that on the photograph
    margin_correlation: dict[str, float | None]  # by verdict; None where too few, or all alike
    bands: tuple[Band, ...]

    def to_dict(self) -> dict[str, Any]:
        """As `evaluate --controls --json` prints it."""
        return {
            "n": self.n,
            "agreement": {
                # JSON knows no NaN: where no picture has another verdict, none lends its latent.
                key: {
                    "share": rate.share if rate.n else None,
                    "n": rate.n,
                    "interval": rate.interval,
                }
                for key, rate in self.agreement.items()
            },
            "margin_correlation": self.margin_correlation,
            "band_power": [
                {
                    "cycles": [band.low, band.high],
                    "with_noise": band.with_noise,
                    "without_noise": band.without_noise,
                    "coherence": band.coherence,
                }
                for band in self.bands
            ],
        }


def controls(
    explainer: Explainer,
    read: Callable[[slice], np.ndarray],
    ids: Sequence[str],
    *,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Controls]:
    """Measure the controls on the pictures `ids`; `read(rows)` gives them as `encode` takes them.

    UserError where the generator is told no class: there is nothing to take away.
    """
    if not explainer.generator.config.num_classes:
        raise UserError(
            f"The generator of {explainer.name} receives no class, so there is nothing to control for. "
            "Leave out --controls."
        )
    model = copy_to_device(explainer, device)
    classifier = model.classifiers[classifier_id or model.classifier_id]
    batch_sizer = BatchSizer(budget)
    samples = yield from encode(model, read, ids, batch_sizer)
    real = yield from _photographs(classifier, read, samples, batch_sizer)
    verdicts = real.logits.argmax(dim=1)
    partners = _partners(verdicts)
    inputs = _inputs(samples, partners)
    agreement: dict[str, Rate] = {}
    drawn: dict[str, _Drawn] = {}
    for key, (ws, told, rows) in inputs.items():
        if not len(rows):  # all pictures have one verdict
            agreement[key] = Rate(0, 0)
            continue
        found = yield from _draw(model, classifier, ws, told, batch_sizer, CONTROLS[key])
        same = found.logits.argmax(dim=1) == verdicts[rows]
        agreement[key] = Rate(int(same.sum()), len(rows))
        drawn[key] = found
    plain = yield from _draw_without_noise(model, read, samples, batch_sizer)
    return Controls(
        len(samples),
        agreement,
        margin_correlations(real.logits, drawn["nothing"].logits, tuple(classifier.config.class_names)),
        band_shares(real.power, drawn["own"].power, plain.power, plain.shared),
    )


@dataclass(frozen=True)
class _Drawn:
    """What is kept of pictures, on the CPU."""

    logits: Tensor  # (n, K)
    power: np.ndarray  # (n, bands)


def _inputs(samples: Samples, partners: Tensor) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """ws, told class probabilities, and the rows whose verdicts are compared, of every control.

    All pictures are compared but for the foreign latent: those without a partner of another verdict are left out.
    """
    ws, own = samples.ws, samples.cond
    everyone = torch.arange(len(samples))
    paired = everyone[partners >= 0]
    top = own.topk(2, dim=1)
    swapped = own.scatter(1, top.indices, top.values.flip(1))
    return {
        "own": (ws, own, everyone),
        "mean": (ws.mean(dim=0, keepdim=True).expand_as(ws), own, everyone),
        "foreign": (ws[partners[paired]], own[paired], paired),
        "nothing": (ws, torch.full_like(own, 1 / own.shape[1]), everyone),
        "other": (ws, swapped, everyone),
    }


def _partners(verdicts: Tensor) -> Tensor:
    """For each picture the row of one of another verdict, drawn at random; -1 where all have the same."""
    rng = np.random.default_rng(0)
    known = verdicts.numpy()
    out = np.full(len(known), -1, dtype=np.int64)
    for verdict in np.unique(known):
        rows, others = np.flatnonzero(known == verdict), np.flatnonzero(known != verdict)
        if len(others):
            out[rows] = rng.choice(others, size=len(rows))
    return torch.from_numpy(out)


def _photographs(
    classifier: Classifier,
    read: Callable[[slice], np.ndarray],
    samples: Samples,
    batch_sizer: BatchSizer,
) -> Generator[Event, None, _Drawn]:
    def look(rows: slice) -> _Drawn:
        img = torch.from_numpy(to_float(read(rows))).to(samples.ws.device)
        return _look(classifier, img)

    parts = yield from batch_sizer.run(look, len(samples), "Looking at the pictures")
    return _joined(parts)


def _draw(
    model: Explainer,
    classifier: Classifier,
    ws: Tensor,
    told: Tensor,
    batch_sizer: BatchSizer,
    what: str,
) -> Generator[Event, None, _Drawn]:
    """Pictures of latents ws (n, num_ws, w_dim), told class probabilities (n, K)."""
    synthesis = model.generator.synthesis
    maps = synthesis.noise_const()

    def draw(rows: slice) -> _Drawn:
        with torch.inference_mode():
            return _look(classifier, synthesis(ws[rows], told[rows], maps).clamp(-1, 1))

    parts = yield from batch_sizer.run(draw, len(ws), f"Drawing: {what}")
    return _joined(parts)


@dataclass(frozen=True)
class _Plain:
    power: np.ndarray  # (n, bands)
    shared: np.ndarray  # (n, bands) with the photographs


def _draw_without_noise(
    model: Explainer, read: Callable[[slice], np.ndarray], samples: Samples, batch_sizer: BatchSizer
) -> Generator[Event, None, _Plain]:
    """Reconstructions, told their own class, beside their photographs."""

    def draw(rows: slice) -> _Plain:
        real = torch.from_numpy(to_float(read(rows))).to(samples.ws.device)
        with torch.inference_mode():
            img = model.generator.synthesis(samples.ws[rows], samples.cond[rows], None).clamp(-1, 1)
        return _Plain(band_power(img), band_power(img, real))

    parts = yield from batch_sizer.run(draw, len(samples), "Drawing: without noise")
    return _Plain(np.concatenate([part.power for part in parts]), np.concatenate([part.shared for part in parts]))


def _look(classifier: Classifier, img: Tensor) -> _Drawn:
    with torch.inference_mode():
        return _Drawn(classifier.logits(img).float().cpu(), band_power(img))


def _joined(parts: list[_Drawn]) -> _Drawn:
    return _Drawn(torch.cat([part.logits for part in parts]), np.concatenate([part.power for part in parts]))


# -- figures -----------------------------------------------------------------------------------------------------


def margins(logits: Tensor, classes: Tensor) -> Tensor:
    """(N, K) and (N,) -> (N,): by how much each picture's class leads the best other one."""
    own = logits.gather(1, classes[:, None])
    others = logits.scatter(1, classes[:, None], -torch.inf)
    return own[:, 0] - others.max(dim=1).values


def margin_correlations(real: Tensor, drawn: Tensor, class_names: tuple[str, ...]) -> dict[str, float | None]:
    """By verdict on the photograph: Pearson correlation of the margins of photographs and drawn pictures (N, K)."""
    verdicts = real.argmax(dim=1)
    before, after = margins(real, verdicts).double(), margins(drawn, verdicts).double()
    out: dict[str, float | None] = {}
    for k, name in enumerate(class_names):
        pair = torch.stack([before[verdicts == k], after[verdicts == k]])
        known = pair.shape[1] >= FEWEST and bool((pair.std(dim=1) > 0).all())
        out[name] = float(torch.corrcoef(pair)[0, 1]) if known else None
    return out


def band_power(img: Tensor, beside: Tensor | None = None) -> np.ndarray:
    """(N, 3, H, H) -> (N, bands): power by distance from frequency 0 in bands of BAND cycles per picture, up to H / 2.

    With other pictures `beside`, what both share: the real part of the cross spectrum. Each colour's mean is taken off,
    and a Hann window keeps the border from counting as detail; the three colours are added up.
    """
    side = img.shape[-1]
    window = torch.hann_window(side, dtype=torch.float64, device=img.device)
    spectra = [
        torch.fft.fft2((x.double() - x.double().mean(dim=(2, 3), keepdim=True)) * window * window[:, None])
        for x in (img, img if beside is None else beside)
    ]
    power = (spectra[0] * spectra[1].conj()).real.sum(dim=1)  # (N, H, H)
    f = torch.fft.fftfreq(side, 1 / side).to(img.device)
    radius = (f[:, None].square() + f.square()).sqrt()
    edges = range(0, side // 2, BAND)
    inside = torch.stack([(radius >= e) & (radius < e + BAND) for e in edges]).to(power)
    out: np.ndarray = torch.einsum("nij,bij->nb", power, inside).cpu().numpy()
    return out


def band_shares(real: np.ndarray, drawn: np.ndarray, plain: np.ndarray, shared: np.ndarray) -> tuple[Band, ...]:
    """Compare powers (n, bands): photographs, reconstructions with and without noise, the last beside the first.

    A band in which the photographs hold nothing is left out.
    """
    real, drawn, plain, shared = (x.mean(axis=0) for x in (real, drawn, plain, shared))
    return tuple(
        Band(
            b * BAND,
            (b + 1) * BAND,
            float(drawn[b] / real[b]),
            float(plain[b] / real[b]),
            float(shared[b] / max(np.sqrt(real[b] * plain[b]), 1e-12)),
        )
        for b in range(len(real))
        if real[b] > 0
    )
