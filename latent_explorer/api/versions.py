# SPDX-License-Identifier: MIT
"""Functions on two versions of a classifier, for Python users: what changed, and what the new one may not look at."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import check_writable
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.counterfactuals import attribute_check, confusion
from latent_explorer.explain.report import two_classifiers, versions
from latent_explorer.media.report.versions_page import write_versions_page
from latent_explorer.models.classifier_file import with_asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.api.explainer import Explainer
    from latent_explorer.api.values import OnEvent, StrPath
    from latent_explorer.media.report.versions import VersionsReport


def check_attributes(
    explainer: Explainer,
    attributes: Sequence[str],
    classifier: StrPath | None = None,
    max_effect: float = attribute_check.MAX_EFFECT,
    *,
    class_names: Sequence[str] = (),
    n: int = 250,
    on_event: OnEvent = None,
) -> attribute_check.AttributeCheck:
    """Hold a classifier to what it may not look at: attributes by their names or coordinates ("19max").

    `classifier` is a file, a name or the beginning of an id; the selected one without it. `class_names` are what it is
    to call its classes. On n pictures of the explainer's file.
    """
    asked = explainer.classifier_id if classifier is None else str(classifier)
    model, key = with_asked(explainer.model, asked, class_names)
    job = attribute_check.check_attributes(model, key, attributes, max_effect, n=n, device=explainer.device)
    return run_job(job, on_event)


def compare_versions(
    explainer: Explainer,
    first: StrPath,
    second: StrPath,
    page: StrPath | None = None,
    *,
    data: StrPath | None = None,
    split: str = "test",
    n: int = 250,
    wanted: int = 10,
    split_column: str | None = None,
    on_event: OnEvent = None,
    **selection: Any,
) -> VersionsReport:
    """Compare two classifiers (files, names or beginnings of ids), and write the page if a path is given.

    With labelled photographs `data`, regressions and gains are those among them. `selection` are the other options of
    `open_dataset`: label, classes, where, group.
    """
    if page is not None:
        check_writable(Path(page))
    held, device = explainer.model, explainer.device
    (one, key), (other, other_key) = (with_asked(held, str(each)) for each in (first, second))
    model = replace(held, classifiers=dict(one.classifiers) | dict(other.classifiers))
    two_classifiers.check_pair(model, key, other_key)
    size, photos = held.generator.config.resolution, None
    with ExitStack() as stack:
        if data is not None:
            pictures = stack.enter_context(closing(open_dataset(data, split=split_column, **selection)))
            judged = [confusion.judge(model.classifiers[each], pictures, split, size) for each in (key, other_key)]
            photos = run_job(judged[0], on_event), run_job(judged[1], on_event)
        job = two_classifiers.compare_classifiers(model, key, other_key, n=n, wanted=wanted, device=device)
        found = run_job(job, on_event)
        measured = versions.versions_report(model, found, photos, n=min(n, versions.PICTURES), device=device)
        report = run_job(measured, on_event)
    if page is not None:
        write_versions_page(Path(page), report)
    return report
