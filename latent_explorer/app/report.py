# SPDX-License-Identifier: MIT
"""Report on the open explainer for the window: its requirements, and the job that writes it.

The page of the command line, measured in `explain.report`, with the user's names of attributes, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app.exploration.document import reported_attributes, reported_set
from latent_explorer.common.paths import atomic_output, check_writable
from latent_explorer.data.threads import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.models.attributes import Attribute, AttributeSet


@dataclass(frozen=True)
class ReportWritten:
    """Written page, and what it says in one sentence."""

    path: Path
    answer: str


class ReportController:
    """Writes reports with the explorer, whose engine renders them. Methods are called on the window's thread."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    @property
    def missing_requirements(self) -> str:
        """Reason why there can be no report, and what to do, as sentences; empty if there can be one."""
        summary = self._explorer.summary
        if summary is None:
            return "No model is open yet. Open an explainer first."
        if summary.samples is None or not summary.samples.ids:
            return "A report shows pictures of the file, and this explainer holds none. Export it with a data set."
        if summary.style_stats is None:
            return "This explainer holds no statistics of its style coordinates. Export it again."
        if reported_set(self._explorer.document, summary) is None:
            return "A report shows attributes, and none are known yet. Find attributes first."
        return ""

    def write(self, path: Path, on_result: Callable[[ReportWritten], None]) -> int | None:
        """Start writing the page. Returns the job; None while there can be none. On a cancel nothing is left."""
        summary = self._explorer.summary
        attribute_set = reported_set(self._explorer.document, summary) if summary else None
        if attribute_set is None:
            return None
        attributes = reported_attributes(self._explorer.document, attribute_set)
        job = partial(_written, path=path, attribute_set=attribute_set, attributes=attributes)
        return self._explorer.start_model_job(f"Writing {path.name}", job, on_result)


def _written(
    host: ModelHost, _budget: object, *, path: Path, attribute_set: AttributeSet, attributes: list[Attribute]
) -> Generator[Event, None, ReportWritten]:
    from latent_explorer.explain.report.report import report
    from latent_explorer.media.report.page import page
    from latent_explorer.media.report.sentences import answer

    check_writable(path)
    explainer = replace(host.explainer, attribute_sets=(attribute_set,))
    figures = yield from report(explainer, shown=attributes, device=host.device)
    text = yield from run_in_thread(partial(page, [figures]), "Drawing the page")
    with atomic_output(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return ReportWritten(path, answer(figures))
