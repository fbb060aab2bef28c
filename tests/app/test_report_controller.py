# SPDX-License-Identifier: MIT
"""The report of the window: what it lists, when there can be none, and that a cancel leaves nothing."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from fakes import EDGES, GREEN, SPOTS, make_summary
from headless import HeadlessExplorer, of_type

from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.document import Document, reported_attributes, reported_set, single_slider
from latent_explorer.app.report import ReportController, ReportWritten, _written
from latent_explorer.common.events import Progress
from latent_explorer.models.explainer_file import write_explainer

SUMMARY = make_summary()


def names(document: Document) -> list[tuple[str, int]]:
    found = reported_set(document, SUMMARY)
    return [(a.name, a.target) for a in reported_attributes(document, found)]


@pytest.fixture
def real(folder, tiny_explainer) -> Iterator[HeadlessExplorer]:
    write_explainer(tiny_explainer, folder / "tiny.explainer")
    headless = HeadlessExplorer(folder, ModelHost())
    headless.open("tiny.explainer")
    yield headless
    headless.explorer.close()


def test_every_class_is_listed_as_the_window_lists_it():
    assert names(Document()) == [("green", 0), ("spots", 1), ("Style 5 down", 1)]
    document = Document().renamed(GREEN, "<dull>").with_pin(EDGES, True)
    document = document.with_slider(single_slider(20, target=1))
    assert names(document) == [("<dull>", 0), ("Style 5 down", 1), ("Style 20 up", 1), ("spots", 1)]


def test_a_slider_towards_a_class_that_the_explained_classifier_does_not_have_is_left_out():
    document = Document().with_slider(single_slider(20, target=7))
    assert names(document) == names(Document())


def test_a_search_of_the_window_counts_unless_it_found_nothing():
    found = SUMMARY.attribute_sets[0]
    newer = msgspec.structs.replace(found, n=9, attributes=(SPOTS,))
    assert names(Document(attribute_sets=(newer,))) == [("spots", 1)]
    empty = msgspec.structs.replace(found, n=9, attributes=())
    assert names(Document(attribute_sets=(empty,))) == names(Document())
    other = msgspec.structs.replace(newer, classifier_id="d" * 64)
    assert names(Document(attribute_sets=(other,))) == names(Document())


def test_what_is_lacking_is_said(opened):
    controller, session = ReportController(opened.explorer), opened.explorer.session
    assert controller.missing_requirements == ""
    for fields, words in (
        ({"attribute_sets": ()}, "Find attributes first"),
        ({"samples": None}, "pictures of the file"),
        ({"style_stats": None}, "no statistics"),
    ):
        session.summary = replace(SUMMARY, **fields)
        assert words in controller.missing_requirements


def test_without_a_model_there_is_nothing(headless):
    controller = ReportController(headless.explorer)
    assert "Open an explainer first" in controller.missing_requirements
    assert controller.write(headless.folder / "x.html", lambda _made: None) is None


def test_the_page_bears_the_names_of_the_window(real, tmp_path):
    explorer, made = real.explorer, list[ReportWritten]()
    first = explorer.attributes()[0]
    explorer.change_document(explorer.document.renamed(first, "<dull> green"))
    job = ReportController(explorer).write(tmp_path / "page.html", made.append)
    assert explorer.jobs == {job: "Writing page.html"}
    assert not of_type(real.settle(), updates.ErrorReport)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert html.escape("<dull> green") in text
    assert "<dull>" not in text
    assert [m.path for m in made] == [tmp_path / "page.html"]
    assert html.escape(made[0].answer) in text


def test_a_cancel_is_heard(real, tmp_path):
    made = list[ReportWritten]()
    job = ReportController(real.explorer).write(tmp_path / "page.html", made.append)
    real.explorer.cancel(job)
    assert of_type(real.settle(), JobEnded)[-1].outcome == "cancelled"
    assert not made


@pytest.mark.parametrize("at", ["Moving the attributes", "Drawing the page"])
def test_a_cancel_leaves_what_was_there(tiny_explainer, tmp_path, at):
    path = tmp_path / "page.html"
    path.write_text("an older one")
    host = SimpleNamespace(explainer=tiny_explainer, device="cpu")
    attribute_set = reported_set(Document(), tiny_explainer.summary())
    job = _written(host, None, path=path, attribute_set=attribute_set, attributes=list(attribute_set.attributes))
    assert any(isinstance(e, Progress) and e.message == at for e in job)
    job.close()
    assert path.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_a_trouble(real):
    made = list[ReportWritten]()
    ReportController(real.explorer).write(Path(os.devnull) / "page.html", made.append)
    (trouble,) = of_type(real.settle(), updates.ErrorReport)
    assert "page.html cannot be written" in trouble.failure.message
    assert not made
