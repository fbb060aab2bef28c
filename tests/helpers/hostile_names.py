# SPDX-License-Identifier: MIT
"""The fake explainer with a foreign text for every name, and the walk over what a window shows of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from fake_explainer import FakeDevices, FakeExplainer, FakeExplainerHost, FakeRenderer
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QToolTip, QWidget

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.models.summary import ExplainerSummary, SampleTable


class HostileExplainer(FakeExplainer):
    """Fake explainer in which every text ends in the same foreign one."""

    def __init__(self, text: str) -> None:
        super().__init__(text, classifiers=3, samples=12)

    def summary(self) -> ExplainerSummary:
        text, made = self.name, super().summary()
        (found,) = made.attribute_sets
        renamed = tuple(
            msgspec.structs.replace(each, name=f"{n} {text}", note=text) for n, each in enumerate(found.attributes)
        )
        return replace(
            made,
            classifiers=tuple(
                replace(each, name=f"{n} {text}", class_names=(f"a {text}", f"b {text}"))
                for n, each in enumerate(made.classifiers)
            ),
            samples=SampleTable(tuple(f"{n} {text}" for n in range(12)), np.full((12, 2), 0.5, np.float32)),
            attribute_sets=(msgspec.structs.replace(found, attributes=renamed, method=text, ranges=text),),
            provenance={"note": text, "licence": text, "data": text},
            figures={"agreement": text},
        )


def hostile_host(text: str) -> ModelHost:
    """Return a model host whose explainer is called `text` in every respect."""

    def read(_path: Path) -> HostileExplainer:
        return HostileExplainer(text)

    return FakeExplainerHost(read, FakeRenderer, FakeDevices, lambda path: read(path).summary().model_hash)


def rich_labels(window: QWidget) -> list[str]:
    """Return the labels that would render their text as HTML, also those of the window's tooltips."""
    labels = [*window.findChildren(QLabel), *_tool_tips(window)]
    for label in labels:
        label.ensurePolished()
    return [label.text() for label in labels if label.textFormat() != Qt.TextFormat.PlainText]


def _tool_tips(window: QWidget) -> list[QLabel]:
    """Return the label of the first tooltip, shown; Qt keeps one for all of them."""
    texts = [each.toolTip() for each in window.findChildren(QWidget) if each.toolTip()]
    if not texts:
        return []
    QToolTip.showText(QPoint(0, 0), max(texts, key=lambda text: "<" in text), window)
    found = [each for each in QApplication.topLevelWidgets() if each.metaObject().className() == "QTipLabel"]
    assert found
    return found


def bad_mnemonics(window: QWidget) -> list[str]:
    """Return the texts of menus and buttons in which an "&" of the foreign text would vanish."""
    texts = [each.text() for kind in (QAction, QAbstractButton) for each in window.findChildren(kind)]
    return [text for text in texts if "R&D" in text]


def _text(widget: QWidget) -> str:
    return str(widget.property("text") or "")


def wide_widgets(window: QWidget, limit: int) -> list[str]:
    """Return the widgets that ask for more than `limit` px, with what they ask for."""
    return [
        f"{type(each).__name__} {each.minimumSizeHint().width()} px: {_text(each):.60}"
        for each in (window, *window.findChildren(QWidget))
        if each.isVisibleTo(window) and min(each.minimumSizeHint().width(), each.maximumWidth()) > limit
    ]
