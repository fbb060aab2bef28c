# SPDX-License-Identifier: MIT
"""Does a linear boundary in W move the verdict? Its probability curve beside controls, on pictures not used to fit it.

    python benchmarks/direction_curve.py X.explainer --out CURVE.webp

A least-squares boundary between the classifier's two classes is fitted to 150 of the encoded pictures (ridge 1, the
rest tell its accuracy), and the difference of the classes' means. Both are directions as a person would bring them in a
`.npy`. The controls: three random directions, as long as the difference of the means (so that what counts is where it
points), and the class that the generator is told (so that the verdict is known to answer at all).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "2")

import msgspec
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap, QPolygonF

from latent_explorer.api import Direction, DirectionShift, Explainer, PictureRecipe, SampleBase
from latent_explorer.explain.recipe import PictureRequest, TrialsRequest
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.probability_lines import line_style

FITTED, RIDGE, RANDOM = 150, 1.0, 3
AMOUNTS = np.linspace(-3, 3, 7)
SIZE, BOX = (560, 300), QRectF(44, 16, 330, 236)  # px


class Line(NamedTuple):
    """Mean probability of the second class at each amount; the index of its colour and dash."""

    name: str
    values: np.ndarray
    index: int


def directions_of(explainer: Explainer) -> tuple[list[Direction], list[int], float]:
    """Return the boundary, the difference of means and random directions, the held-out pictures, and the accuracy."""
    w = explainer.encoded().ws[:, 0]
    samples = explainer.model.samples
    assert samples is not None
    label = np.sign(samples.probs.float().numpy()[:, 1] - 0.5)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(w))
    fitted, held_out = order[:FITTED], order[FITTED:]
    middle, offset = w[fitted].mean(0), label[fitted].mean()
    centred = w[fitted] - middle
    normal = centred.T @ centred + RIDGE * np.eye(w.shape[1])
    boundary = np.linalg.solve(normal, centred.T @ (label[fitted] - offset))
    accuracy = float((np.sign((w[held_out] - middle) @ boundary + offset) == label[held_out]).mean())
    means = w[fitted][label[fitted] > 0].mean(0) - w[fitted][label[fitted] < 0].mean(0)
    found = [explainer.direction(boundary, "boundary"), explainer.direction(means, "difference of the means")]
    length = np.linalg.norm(found[1].array)
    for number in range(RANDOM):
        vector = rng.standard_normal(w.shape[1])
        scaled = (length * vector / np.linalg.norm(vector)).astype("<f4")
        found.append(Direction(f"random {number + 1}", len(scaled), scaled.tobytes()))
    return found, held_out.tolist(), accuracy


def mean_probabilities(explainer: Explainer, rows: list[int], directions: list[Direction]) -> np.ndarray:
    """Return the mean probability of the second class, (directions, amounts); a picture's changes are one batch."""
    edits = tuple((DirectionShift(each, float(amount)),) for each in directions for amount in AMOUNTS)
    renderer = Renderer(explainer.model)
    probabilities = []
    for row in rows:
        request = PictureRequest(PictureRecipe(SampleBase(row)), explainer.classifier_id)
        logits = renderer.logits(TrialsRequest(request, edits))
        probabilities.append(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])))
    return np.mean(probabilities, axis=0).reshape(len(directions), len(AMOUNTS))


def told(explainer: Explainer, rows: list[int], second: float) -> float:
    """Return the mean probability of the second class where the generator is told how probable it is."""
    plain = (PictureRecipe(SampleBase(row)) for row in rows)
    recipes = [msgspec.structs.replace(recipe, cond=(1 - second, second)) for recipe in plain]
    return float(explainer.render(recipes).probs[:, 1].mean())


def draw(lines: list[Line], class_name: str, path: Path) -> None:
    """Draw the lines from 0 to 1, with their names at the right."""
    picture = QPixmap(2 * SIZE[0], 2 * SIZE[1])
    picture.setDevicePixelRatio(2)
    now = theme.current()
    picture.fill(now.color("surface"))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font(theme.SMALL))

    def at(amount: float, value: float) -> QPointF:
        return QPointF(BOX.left() + (amount + 3) / 6 * BOX.width(), BOX.bottom() - value * BOX.height())

    for value in (0, 0.5, 1):
        painter.setPen(QPen(now.color("line"), 1))
        painter.drawLine(at(-3, value), at(3, value))
        painter.setPen(now.color("muted"))
        painter.drawText(QRectF(0, at(0, value).y() - 10, BOX.left() - 8, 20), theme.RIGHT, f"{value:g}")
    for amount in range(-3, 4):
        painter.drawText(
            QRectF(at(amount, 0).x() - 20, BOX.bottom() + 4, 40, 20),
            Qt.AlignmentFlag.AlignCenter,
            f"{amount:+d}" if amount else "0",
        )
    title = f"mean probability of {class_name}, by standard deviations of the slider"
    painter.drawText(QRectF(BOX.left(), BOX.bottom() + 24, SIZE[0], 20), theme.LEFT, title)
    for place, line in enumerate(lines):
        color = now.class_color(line.index)
        painter.setPen(QPen(color, 2, line_style(line.index)))
        painter.drawPolyline(QPolygonF([at(a, v) for a, v in zip(AMOUNTS, line.values, strict=True)]))
        y = BOX.top() + 24 * place + 10
        painter.drawLine(QPointF(BOX.right() + 12, y), QPointF(BOX.right() + 36, y))
        painter.setPen(now.color("ink"))
        painter.drawText(QRectF(BOX.right() + 42, y - 10, 160, 20), theme.LEFT, line.name)
    painter.end()
    if not picture.save(str(path)):
        sys.exit(f"{path} cannot be written.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainer", type=Path)
    parser.add_argument("--pictures", type=int, default=40, help="held-out pictures")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    explainer = Explainer(options.explainer, device="cpu")
    found, held_out, accuracy = directions_of(explainer)
    rows = held_out[: options.pictures]
    values = mean_probabilities(explainer, rows, found)
    table = {each.name: line for each, line in zip(found, values, strict=True)}
    facts: dict[str, Any] = {
        "pictures": len(rows),
        "accuracy_held_out": round(accuracy, 3),
        "lengths": {each.name: round(float(np.linalg.norm(each.array)), 3) for each in found},
        "ends": {name: [round(float(line[0]), 3), round(float(line[-1]), 3)] for name, line in table.items()},
        "unmoved": round(float(table["boundary"][len(AMOUNTS) // 2]), 3),
        "told": [round(told(explainer, rows, second), 3) for second in (0.0, 1.0)],
    }
    print(json.dumps(facts))
    make_application()
    theme.apply("light")
    random = np.mean([line for name, line in table.items() if name.startswith("random")], axis=0)
    names = explainer.class_names
    lines = [
        Line("boundary", table["boundary"], 0),
        Line("difference of the means", table["difference of the means"], 1),
        Line(f"random, mean of {RANDOM}", random, 2),
        *(Line(f"told {name}", np.full(len(AMOUNTS), p), 3) for name, p in zip(names, facts["told"], strict=True)),
    ]
    draw(lines, names[1], options.out)


if __name__ == "__main__":
    main()
