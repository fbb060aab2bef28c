# SPDX-License-Identifier: MIT
"""Map of samples: where seeds and the pictures of the file lie along two directions of W, and what they are called.

The axes are the first two principal components of w, or the direction of the margin beside the first component of what
it leaves. A picture is placed by the mean of its rows of ws. One that is moved by styles has no ws; the affines say of
which w its styles are, by the likeliest solution under the covariance of the samples.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.log_odds import log_odds
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.direction_search.logistic import fit_logistic
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.report.coverage import draw, sample, seed
from latent_explorer.explain.report.map_values import MapAxes, MapPictures

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.latents import Latent
    from latent_explorer.explain.report.map_values import Kind
    from latent_explorer.models.explainer import Explainer

STYLE_NOISE = 0.01  # variance of what styles do not tell of w, as a share of their own
DRAWING = "Drawing the map"
_KEPT_SECONDS = 1.0  # between two interim results


def map_pictures(
    explainer: Explainer,
    seeds: int,
    rows: Sequence[int],
    *,
    psi: float = 1.0,
    cutoff: int | None = None,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, MapPictures]:
    """Ask a classifier about `seeds` seeds, truncated with `psi`, and the pictures `rows` of the file. A job.

    Yields what is known (`Kept`) at the beginning and every second. UserError without a classifier.
    """
    model = copy_to_device(explainer, device)
    if not model.classifiers:
        raise UserError(f"{explainer.name} holds no classifier, so nothing colours a map.")
    classifier = model.classifiers[classifier_id or explainer.classifier_id]

    def latent(number: int) -> Latent:
        return seed(model, number, psi, cutoff) if number < seeds else sample(model, rows[number - seeds])

    @torch.inference_mode()
    def placed(part: slice) -> tuple[np.ndarray, np.ndarray]:
        every = [latent(number) for number in range(part.start, part.stop)]
        conds = [each.cond[0].double().cpu().numpy() for each in every if each.cond is not None]
        return np.concatenate([_mean_row(model, each.ws) for each in every]), np.array(conds).reshape(len(every), -1)

    @torch.inference_mode()
    def answers(part: slice) -> np.ndarray:
        logits: np.ndarray = classifier.logits(draw(model, [latent(i) for i in order[part]])).float().cpu().numpy()
        return logits

    count = seeds + len(rows)
    order = np.random.default_rng(0).permutation(count).tolist()  # the map fills everywhere at once
    sizer = BatchSizer(budget)
    parts = yield from sizer.run(placed, count, DRAWING)
    logits = np.full((count, len(classifier.config.class_names)), np.nan, np.float32)
    w, cond = (np.concatenate(each) for each in zip(*parts, strict=True))
    found = MapPictures(seeds, tuple(rows), w, cond, logits)
    yield Kept(replace(found, logits=logits.copy()))
    sizer, done, began = sizer.anew(), 0, time.monotonic()
    shown = began
    while done < count:
        size = min(sizer.next(), count - done)
        logits[order[done : done + size]] = answers(slice(done, done + size))
        sizer.done(size)
        done += size
        now = time.monotonic()
        yield Progress(done, count, DRAWING, (now - began) * (count / done - 1))
        if now - shown > _KEPT_SECONDS:
            shown = now
            yield Kept(replace(found, logits=logits.copy()))
    return replace(found, logits=logits)


def map_axes(explainer: Explainer, pictures: MapPictures, kind: Kind, target: int) -> MapAxes:
    """Return the axes of a map. UserError where a class is all or nothing, so that no margin has a direction."""
    centre = pictures.w.mean(axis=0)
    centred = pictures.w - centre
    if kind == "components":
        directions, shares = components(centred, 2)
        names = ("First component of w", "Second component of w")
        notes = tuple(f"{share:.0%} of the variance of w" for share in shares)
    else:
        margin, correlation = margin_direction(centred, pictures.logits, target)
        rest = centred - np.outer(centred @ margin, margin)
        (first,), (share,) = components(rest, 1)
        directions = np.stack([margin, first])
        names = ("Direction of the margin", "First other component of w")
        said = f"correlation with the log-odds {correlation:.2f} where it was not fitted"
        notes = (said, f"{share:.0%} of the variance of w that is left")
    spread = (centred @ directions.T).std(axis=0)
    vectors = directions / np.maximum(spread, 1e-12)[:, None]
    by_styles, offset = _by_styles(explainer, pictures, centre, vectors)
    return MapAxes(names, (notes[0], notes[1]), centre, vectors, by_styles, offset)


def components(centred: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first principal components (count, d) of (n, d), and the share of the variance of each.

    The largest number of each is positive, so that the sign is always the same.
    """
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    first = vectors[:, ::-1][:, :count].T
    largest = np.take_along_axis(first, np.abs(first).argmax(axis=1)[:, None], axis=1)
    shares = values[::-1][:count] / max(values.sum(), 1e-300)
    return first * np.sign(largest), shares


def margin_direction(centred: np.ndarray, logits: np.ndarray, target: int) -> tuple[np.ndarray, float]:
    """Return the unit normal of a boundary between a class and the others in w, and how well it tells the margin.

    A logistic regression with a ridge on every second picture (in units of the whole's deviation); the figure is the
    correlation of the others' places along it with their log-odds of the class.
    """
    odds = log_odds(logits, target)
    known = np.flatnonzero(np.isfinite(odds))
    order = known[np.random.default_rng(0).permutation(len(known))]
    fitted, others = order[::2], order[1::2]
    verdicts = logits.argmax(axis=1) == target
    if len(np.unique(verdicts[fitted])) < 2 or len(others) < 2:
        raise UserError("All of these pictures are of one class, so no direction leads from it to another.")
    scale = max(float(centred.std()), 1e-12)
    normal, _ = fit_logistic(centred[fitted] / scale, verdicts[fitted].astype(int), ridge=len(fitted) / 10)
    normal = normal / max(float(np.linalg.norm(normal)), 1e-300)
    along = centred[others] @ normal
    spread = along.std() * odds[others].std()
    correlation = float(((along - along.mean()) * (odds[others] - odds[others].mean())).mean() / max(spread, 1e-300))
    return normal, correlation


def _conv_rows(explainer: Explainer) -> list[int]:
    return sorted({layer.ws_row for layer in explainer.generator.synthesis.layout.conv_layers})


def _mean_row(model: Explainer, ws: torch.Tensor) -> np.ndarray:
    mean: np.ndarray = ws[:, _conv_rows(model)].double().mean(dim=1).cpu().numpy()
    return mean


@torch.no_grad()
def _by_styles(
    explainer: Explainer, pictures: MapPictures, centre: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return by_styles (2, num_styles) and offset (2,).

    Of every row, styles are s = A x + b with x = (w, cond). Where x has mean m and covariance C and s an error of
    variance e, the likeliest x is m + C A^T (A C A^T + e)^-1 (s - A m - b); the place is the mean over the rows.
    """
    synthesis = explainer.generator.synthesis
    w_dim, num_cond = pictures.w.shape[1], pictures.cond.shape[1]
    size = w_dim + num_cond
    like = explainer.generator.mapping.w_avg
    x = torch.cat([torch.zeros(1, size), torch.eye(size)]).to(like)
    ws = x[:, None, :w_dim].expand(-1, synthesis.layout.num_ws, -1).contiguous()
    s = synthesis.join(synthesis.styles(ws, x[:, w_dim:] if num_cond else None)).double().cpu().numpy()
    b, a = s[0], (s[1:] - s[0]).T  # (num_styles,), (num_styles, size)
    joint = np.concatenate([pictures.w, pictures.cond], axis=1)
    mean, covariance = joint.mean(axis=0), np.atleast_2d(np.cov(joint.T))
    layout = synthesis.layout
    of_row = np.concatenate([np.full(layer.channels, layer.ws_row) for layer in layout.conv_layers])
    rows = np.unique(of_row)
    by_styles = np.zeros((2, len(b)))
    for row in rows:
        mine = np.flatnonzero(of_row == row)
        spread = a[mine] @ covariance @ a[mine].T
        error = STYLE_NOISE * max(float(np.trace(spread)) / len(mine), 1e-12)
        gain = np.linalg.solve(spread + error * np.eye(len(mine)), a[mine] @ covariance[:, :w_dim])
        by_styles[:, mine] = vectors @ gain.T / len(rows)
    offset = vectors @ (mean[:w_dim] - centre) - by_styles @ (a @ mean + b)
    return by_styles, offset
