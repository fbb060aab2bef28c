# SPDX-License-Identifier: MIT
"""Two classifiers on an open explainer, one of them from a file: live verdicts, the comparison, its file."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from headless import HeadlessExplorer, of_type
from labelled_leaves import write_labelled
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.intents import SetEdits
from latent_explorer.app.exploration.updates import ErrorReport, Message
from latent_explorer.app.overview.parted import reading
from latent_explorer.app.overview.two_classifiers import TwoClassifiers, comparison_sentences
from latent_explorer.explain.recipe import PictureRequest, SampleBase, StyleShift
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.report import shared_edits
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_file import read_explainer, write_explainer

N = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the paths of an explainer and of a classifier that it does not hold, and that one's id."""
    folder = tmp_path_factory.mktemp("two")
    write_explainer(make_explainer(samples=N), folder / "tiny.explainer")
    other = make_explainer(samples=N, seed=1).classifier
    write_classifier(folder / "other.classifier", other, {})
    return folder / "tiny.explainer", folder / "other.classifier", hash_classifier(other)


class Pair:
    """Controller on an open explainer, with what it told."""

    def __init__(self, folder, path):
        self.headless = HeadlessExplorer(folder, ModelHost())
        self.explorer = self.headless.explorer
        self.changes, self.verdicts, self.added = 0, [], []
        self.controller = TwoClassifiers(self.explorer, self.changed, self.verdicts.append)
        self.told = self.headless.open(path)

    def changed(self):
        self.changes += 1

    def add(self, path):
        self.controller.add_file(path, self.added.append)
        return self.headless.settle()


@pytest.fixture
def pair(tmp_path, files, monkeypatch):
    monkeypatch.setattr(shared_edits, "lpips_available", lambda _net: False)
    made = Pair(tmp_path, files[0])
    yield made
    made.explorer.close()


def test_a_classifier_from_a_file_is_one_more_to_choose_and_the_file_stays_as_it_is(pair, files):
    own = pair.controller.classifiers
    pair.add(files[1])
    assert [each.classifier_id for each in pair.controller.classifiers] == [own[0].classifier_id, files[2]]
    assert [each.classifier_id for each in pair.added] == [files[2]]
    pair.add(files[1])
    assert len(pair.controller.classifiers) == 2
    assert set(pair.headless.host.explainer.classifiers) == {own[0].classifier_id}
    pair.explorer.set_device("cpu")  # makes another renderer
    pair.headless.settle()
    assert files[2] in pair.headless.host.renderer.explainer.classifiers
    pair.add(files[0])  # an explainer's is its own
    assert pair.added[-1] == own[0]


def test_a_file_without_a_classifier_is_a_sentence(pair, tmp_path):
    (tmp_path / "notes.classifier").write_bytes(b"no classifier at all")
    (failed,) = of_type(pair.add(tmp_path / "notes.classifier"), ErrorReport)
    assert "notes.classifier" in str(failed.failure)
    assert len(pair.controller.classifiers) == 1
    assert pair.added == []


def test_both_verdicts_are_of_the_picture_on_the_canvas(pair, files):
    pair.add(files[1])
    ids = pair.controller.classifiers[0].classifier_id, files[2]
    pair.controller.watch(ids)
    pair.headless.settle()
    pair.explorer.apply(SetEdits((StyleShift(3, "max", 1.0),)))
    pair.headless.settle()
    last = pair.verdicts[-1]
    assert last.recipe == pair.explorer.shown.request.recipe
    assert last.results[0].after.probs.tolist() == pair.explorer.shown.result.after.probs.tolist()
    explainer = read_explainer(files[0])
    explainer.classifiers[files[2]] = make_explainer(samples=N, seed=1).classifier
    alone = Renderer(explainer).render(PictureRequest(last.recipe, files[2]))
    np.testing.assert_allclose(last.results[1].after.logits, alone.after.logits, rtol=1e-5)
    assert last.results[1].after.logits.tolist() != last.results[1].before.logits.tolist()
    count = len(pair.verdicts)
    pair.controller.watch(None)
    pair.explorer.apply(SetEdits(()))
    pair.headless.settle()
    assert len(pair.verdicts) == count


def test_a_comparison_is_kept_until_another_explainer_is_opened(pair, files, tmp_path):
    pair.add(files[1])
    ids = pair.controller.classifiers[0].classifier_id, files[2]
    pair.controller.compare(*ids, n=N)
    assert pair.controller.comparing
    pair.headless.settle()
    assert not pair.controller.comparing
    found = pair.controller.found(*ids)
    assert found.n == N
    assert found.moves
    assert pair.controller.found(*ids[::-1]) is None
    assert comparison_sentences(found).startswith(f"{found.names[0]} (A) and {found.names[1]} (B) say the same of")
    move = found.moves[0]
    pair.controller.show_move(move, pair.controller.name_of(move))
    (edit,) = pair.explorer.state.edits
    assert (edit.style_index, abs(edit.amount)) == (move.style_index, 1.0)
    pair.controller.show_picture(4)
    assert pair.explorer.state.base == SampleBase(4)
    assert pair.explorer.state.edits == ()
    for name in ("found.json", "found.csv"):
        pair.controller.export(found, tmp_path / name)
    assert json.loads((tmp_path / "found.json").read_text())["n"] == N
    with (tmp_path / "found.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found.moves)
    assert [each.file.name for each in of_type(pair.headless.settle(), Message) if each.file] == [
        "found.json", "found.csv",
    ]  # fmt: skip
    pair.controller.export(found, tmp_path / "found.json" / "found.json")
    (failed,) = of_type(pair.headless.settle(), ErrorReport)
    assert "found.json" in str(failed.failure)
    pair.headless.open(files[0])
    assert pair.controller.found(*ids) is None
    assert len(pair.controller.classifiers) == 1


def test_a_comparison_that_is_stopped_leaves_nothing(pair, files):
    pair.add(files[1])
    ids = pair.controller.classifiers[0].classifier_id, files[2]
    pair.controller.compare(*ids, n=N)
    pair.controller.cancel()
    pair.headless.settle()
    assert not pair.controller.comparing
    assert pair.controller.found(*ids) is None


def test_labelled_photographs_are_asked_of_both_and_stand_on_the_page(pair, files, tmp_path):
    folder = write_labelled(tmp_path / "leaves", read_explainer(files[0]), "state", ("healthy", "diseased"))
    pair.add(files[1])
    ids = pair.controller.classifiers[0].classifier_id, files[2]
    known = pair.controller.photographs
    known.open(folder, ids)
    assert known.asking
    pair.headless.settle()
    found = known.found(ids)
    assert not known.asking
    assert found.parted.same.n == N
    groups, right = found.parted.groups, found.parted.right
    assert right[0].count - right[1].count == groups["regression"] - groups["gain"]
    assert groups["other"] == 0  # of two classes one is right where they part
    assert [each.group for each in found.parted.pictures] == sorted(
        (each.group for each in found.parted.pictures), key=["regression", "gain"].index
    )
    assert reading(found) == "leaves: by state, diseased is diseased, healthy is healthy."
    known.ask(ids)  # which are known
    assert not known.asking
    known.ask(ids[::-1])
    pair.headless.settle()
    turned = known.found(ids[::-1]).parted.groups
    assert (turned["regression"], turned["gain"]) == (groups["gain"], groups["regression"])
    pair.controller.compare(*ids, n=N)
    pair.headless.settle()
    pair.controller.export(pair.controller.found(*ids), tmp_path / "page.html")
    told = pair.headless.settle()
    assert of_type(told, Message)[-1].file == tmp_path / "page.html"
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"among {N} labelled photographs" in page
    assert "RelativeChange" in page


def test_a_folder_without_labels_is_a_sentence(pair, files, tmp_path):
    pair.add(files[1])
    ids = pair.controller.classifiers[0].classifier_id, files[2]
    write_labelled(tmp_path / "leaves", read_explainer(files[0]), "state", ("healthy", "diseased"))
    (tmp_path / "leaves" / "labels.csv").unlink()
    pair.controller.photographs.open(tmp_path / "leaves", ids)
    pair.headless.settle()
    assert "has no labels" in pair.controller.photographs.problem(ids)
    assert pair.controller.photographs.found(ids) is None
