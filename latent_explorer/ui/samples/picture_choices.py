# SPDX-License-Identifier: MIT
"""Choice of latents by their pictures, in a dialog."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import Thumbnail
from latent_explorer.explain.recipe import ProjectedBase
from latent_explorer.ui.samples.thumbnails import BASE_ROLE, CELL, ThumbnailView
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QDialog

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base

COLUMNS, ROWS = 7, 2  # thumbnails that are in view


class PictureChoices(QObject):
    """Views of thumbnails in a dialog, which use the pictures of the samples' strip until the dialog closes."""

    def __init__(self, dialog: QDialog, explorer: Explorer, bases: Sequence[Base]) -> None:
        super().__init__(dialog)
        self._explorer, self._bases = explorer, list(bases)
        self._wanted: dict[ThumbnailView, Sequence[Base]] = {}
        self._strip: Sequence[Base] | None = None  # of the samples, to be requested again at the end
        self._unsubscribe = explorer.updates.on(Thumbnail, self._take)
        dialog.finished.connect(self._end)

    def add(self, name: str, chosen: int = 0) -> ThumbnailView:
        """Return a view of all latents, with one of them chosen."""
        explorer, view = self._explorer, ThumbnailView(name)
        state, summary = explorer.state, explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        view.thumbnails.start(summary, classifier.class_names if classifier else ())
        shown = ((base, explorer.latents.of(base)) for base in self._bases if isinstance(base, ProjectedBase))
        view.thumbnails.set_bases(self._bases, {base: picture.report.name for base, picture in shown if picture})
        view.show_base(self._bases[min(chosen, len(self._bases) - 1)])
        view.setFixedSize(COLUMNS * CELL + 2 * theme.UNIT, ROWS * CELL + 2)
        view.picture_requested.connect(lambda bases: self._ask(view, bases))
        self._wanted[view] = ()
        return view

    def _ask(self, view: ThumbnailView, bases: Sequence[Base]) -> None:
        self._wanted[view] = bases
        before = self._explorer.set_strip(list(dict.fromkeys(chain.from_iterable(self._wanted.values()))))
        if self._strip is None:
            self._strip = before

    def _take(self, update: Thumbnail) -> None:
        for view in self._wanted:
            view.thumbnails.set_picture(update.base, update.picture)

    def _end(self) -> None:
        self._unsubscribe()
        if self._strip is not None:
            self._explorer.set_strip(self._strip)


def chosen_base(view: ThumbnailView) -> Base:
    """Return the latent that is chosen in a view."""
    base: Base = view.currentIndex().data(BASE_ROLE)
    return base
