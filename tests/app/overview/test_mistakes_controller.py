# SPDX-License-Identifier: MIT
"""Mistakes in the window without the window: folders of every kind, cells, the newest of which wins, and the export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from headless import HeadlessExplorer, of_type
from labelled_leaves import write_labelled
from PIL import Image
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.updates import ErrorReport, Message
from latent_explorer.app.overview.mistakes import COUNTING, EXPLAINING, MistakesController
from latent_explorer.app.overview.mistakes_jobs import CellKey
from latent_explorer.explain.counterfactuals import mistakes
from latent_explorer.explain.projection import projection
from latent_explorer.models import perceptual
from latent_explorer.models.explainer_file import read_explainer, write_explainer

COUNT = 30


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("mistakes") / "tiny.explainer"
    write_explainer(make_explainer(samples=COUNT), path)
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, file) -> Path:
    """Pictures in turn labelled healthy and diseased, of two crops."""
    return write_labelled(
        tmp_path_factory.mktemp("labelled") / "leaves", read_explainer(file), "state", ("healthy", "diseased")
    )


class Page:
    """Controller on an open explainer."""

    def __init__(self, folder: Path, file: Path) -> None:
        self.headless = HeadlessExplorer(folder, ModelHost())
        self.changes = 0
        self.controller = MistakesController(self.headless.explorer, self.changed)
        self.told = self.headless.open(file)

    def changed(self) -> None:
        self.changes += 1

    def open(self, path: Path) -> MistakesController:
        self.controller.open(path)
        self.told = self.headless.settle()
        return self.controller


@pytest.fixture
def page(tmp_path, file, monkeypatch) -> Iterator[Page]:
    monkeypatch.setattr(mistakes, "REFINEMENT", msgspec.structs.replace(mistakes.REFINEMENT, steps=1))
    monkeypatch.setattr(mistakes, "MOST", 4)
    for module in (perceptual, projection):  # whose networks take seconds to load
        monkeypatch.setattr(module, "lpips_available", lambda _net: False)
    made = Page(tmp_path, file)
    yield made
    made.headless.explorer.close()


def explained_cell(controller: MistakesController) -> CellKey:
    """Return the cell of mistakes whose label attributes lead to; the tiny explainer lists some for class 1."""
    key = CellKey(1, 0)
    assert controller.count_of(key) > 0
    return key


def test_a_folder_is_counted_with_the_labels_that_fit(page, labelled):
    controller = page.open(labelled)
    assert controller.problem == ""
    assert controller.question.label == "state"
    assert len(controller.judged) == COUNT
    assert controller.matrix.counts.sum(axis=1).tolist() == [15, 15]
    assert controller.columns == ("state", "crop", "number")
    controller.count_by("crop")
    assert set(controller.matrix.groups) == {"apple", "pear"}
    assert sum(group.sum() for group in controller.matrix.groups.values()) == COUNT
    assert not of_type(page.told, ErrorReport)


def test_a_cell_shows_its_photographs_and_is_explained(page, labelled):
    controller = page.open(labelled)
    key = explained_cell(controller)
    controller.choose(key)
    assert controller.running(EXPLAINING)
    page.headless.settle()
    assert not controller.running(EXPLAINING)
    inside = controller.judged.cell(1, 0)
    assert sorted(photo.name for photo in controller.photos) == controller.judged.names(inside)
    found = controller.explanation
    assert found.n == min(4, len(inside))
    assert [photo.name for photo in controller.photos[: found.n]] == [each.name for each in found.examples]
    assert "photographs of diseased that the classifier calls healthy" in controller.sentence()
    job = dict(page.headless.explorer.jobs)
    controller.choose(CellKey(0, 0))
    page.headless.settle()
    assert controller.explanation is None
    assert controller.sentence() == ""
    controller.choose(key)  # it is known already
    page.headless.settle()
    assert controller.explanation is found
    assert job == {}


def test_a_cell_is_explained_anew_with_other_attributes(page, labelled):
    controller, explorer = page.open(labelled), page.headless.explorer
    key = explained_cell(controller)
    controller.choose(key)
    page.headless.settle()
    first = controller.explanation
    explorer.change_document(explorer.document.with_hidden(first.turned[0].attribute, True))
    controller.choose(key)
    page.headless.settle()
    assert [each.attribute for each in controller.explanation.turned] == [first.turned[1].attribute]


def test_the_newest_cell_wins(page, labelled):
    controller = page.open(labelled)
    key = explained_cell(controller)
    controller.choose(key)
    controller.choose(CellKey(1, 1))
    page.headless.settle()
    assert controller.cell == CellKey(1, 1)
    assert sorted(photo.name for photo in controller.photos) == controller.judged.names(controller.judged.cell(1, 1))
    assert controller.explanation is None
    assert page.headless.explorer.jobs == {}


def test_a_cell_of_a_group_holds_only_its_photographs(page, labelled):
    controller = page.open(labelled)
    controller.count_by("crop")
    key = CellKey(1, 0, "crop", "apple")
    controller.choose(key)
    page.headless.settle()
    crops = dict(zip(controller.judged.data.names, controller.judged.data.columns["crop"], strict=True))
    assert {crops[photo.name] for photo in controller.photos} == {"apple"}
    assert controller.explanation.within == "crop apple"
    controller.count_by(None)
    assert controller.cell is None


def test_a_class_without_attributes_says_so_and_shows_its_photographs(page, labelled):
    controller = page.open(labelled)
    controller.choose(CellKey(0, 1))
    page.headless.settle()
    assert "lists no attributes that lead to healthy" in controller.cell_problem
    assert len(controller.photos) == controller.count_of(CellKey(0, 1)) > 0


def test_stopped_jobs_say_how_to_go_on(page, labelled):
    controller = page.open(labelled)
    controller.choose(explained_cell(controller))
    controller.stop(EXPLAINING)
    page.headless.settle()
    assert "was stopped" in controller.cell_problem
    controller.choose(explained_cell(controller))
    page.headless.settle()
    assert controller.explanation is not None
    controller.count()
    controller.stop(COUNTING)
    page.headless.settle()
    assert controller.stopped
    assert controller.judged is None
    controller.refresh()
    page.headless.settle()
    assert controller.judged is None  # what a person stopped does not begin again by itself
    controller.count()
    page.headless.settle()
    assert len(controller.judged) == COUNT


def test_other_choices_count_anew(page, labelled):
    controller = page.open(labelled)
    controller.ask(replace(controller.question, where=("crop=pear",)))
    page.headless.settle()
    assert len(controller.judged) == 10
    controller.ask(replace(controller.question, where=("crop=plum",)))
    page.headless.settle()
    assert "No picture has crop = plum" in controller.problem
    assert controller.judged is None
    controller.ask_label("crop")
    page.headless.settle()
    assert "No value of the column 'crop' is a class" in controller.problem


def write(folder: Path, names: list[str]) -> Path:
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 8 * i, np.uint8)).save(path)
    return folder


def test_bad_folders_are_one_sentence(page, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "There are no pictures" in page.open(empty).problem
    alone = write(tmp_path / "alone", ["1.png", "2.png"])
    assert "has no labels, so nothing in it can be a mistake" in page.open(alone).problem
    cats = write(tmp_path / "cats", ["cat/1.png", "dog/2.png"])
    assert "is a class of the classifier" in page.open(cats).problem
    broken = write(tmp_path / "broken", ["healthy/1.png", "diseased/2.png"])
    for path in broken.rglob("*.png"):
        path.write_bytes(b"no picture")
    assert "None of the 2 pictures can be read" in page.open(broken).problem
    assert page.controller.judged is None
    assert not of_type(page.told, ErrorReport)


def test_class_folders_and_unreadable_pictures_work(page, tmp_path):
    folder = write(tmp_path / "folders", ["healthy/1.png", "healthy/2.png", "diseased/3.png", "diseased/4.png"])
    (folder / "healthy" / "2.png").write_bytes(b"no picture")
    controller = page.open(folder)
    assert controller.problem == ""
    assert len(controller.judged) == 3
    assert list(controller.judged.unreadable) == ["healthy/2.png"]


def test_another_model_is_asked_about_the_same_folder(page, labelled, tmp_path):
    controller = page.open(labelled)
    before = controller.judged.probs
    write_explainer(make_explainer(seed=5), tmp_path / "other.explainer")
    page.headless.open(tmp_path / "other.explainer")
    assert len(controller.judged) == COUNT
    assert not np.allclose(controller.judged.probs, before)


def test_it_writes_what_the_command_line_writes(page, labelled, tmp_path):
    controller = page.open(labelled)
    controller.count_by("crop")
    controller.choose(explained_cell(controller))
    page.headless.settle()
    out = tmp_path / "out"
    controller.export(out)
    told = page.headless.settle()
    assert {path.name for path in out.iterdir()} == {
        "mistakes.json", "mistakes.csv", "mistakes.html", "diseased called healthy.png",
    }  # fmt: skip
    written = json.loads((out / "mistakes.json").read_text())
    assert written["explained"][0]["sentence"] == controller.sentence()
    assert set(written["groups"]) == {"apple", "pear"}
    (said,) = of_type(told, Message)
    assert said.file == out / "mistakes.html"
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    controller.export(blocked)
    assert of_type(page.headless.settle(), ErrorReport)
