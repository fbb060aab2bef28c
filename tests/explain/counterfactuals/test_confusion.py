# SPDX-License-Identifier: MIT
"""Confusion matrices with intervals and groups, of labelled folders of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_classifier
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals import confusion as module
from latent_explorer.explain.counterfactuals.confusion import confusion, judge
from latent_explorer.explain.counterfactuals.mistakes_text import unreadable_text

NAMES = ("healthy", "diseased")


def test_a_confusion_matrix_counts_and_has_intervals_and_groups():
    labels, said = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 0])
    found = confusion(labels, said, NAMES, ["a", "a", "b", "b", "b"])
    assert found.counts.tolist() == [[1, 2], [1, 1]]
    assert found.groups["a"].tolist() == [[1, 1], [0, 0]]
    assert (found.accuracy.count, found.accuracy.n) == (2, 5)
    assert found.accuracy_of("a") == Rate(1, 2)
    assert found.mistakes() == [(0, 1), (1, 0)]
    assert found.rate(1, 0, "a") == Rate(0, 0)
    cells = found.to_dict()["cells"]
    assert cells[1] | {"interval": None} == {
        "label": "healthy", "verdict": "diseased", "count": 2, "share": 2 / 3, "n": 3, "interval": None,
    }  # fmt: skip
    assert cells[1]["interval"] == list(Rate(2, 3).interval)
    assert found.to_dict()["groups"]["a"][2]["share"] is None  # no such photograph


def test_groups_are_in_the_order_of_numbers():
    found = confusion(np.zeros(3, int), np.zeros(3, int), NAMES, ["10", "9", "10"])
    assert list(found.groups) == ["9", "10"]


def write(folder: Path, count: int = 8, wrong: tuple[int, ...] = ()) -> Path:
    """Write pictures into the class folders a and b in turn, some of them unreadable."""
    for i, image in enumerate(random_images(count)):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i in wrong:
            path.write_bytes(b"no picture")
        else:
            Image.fromarray(image).save(path)
    return folder


def judged(folder: Path, side: str = "all"):
    return run_job(judge(tiny_classifier(), open_dataset(folder), side, 16), lambda event: None)


def test_every_photograph_is_judged_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    found = judged(write(tmp_path))
    images = open_dataset(tmp_path).read(range(8), 16)
    with torch.no_grad():
        expected = tiny_classifier().probs(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)
    assert np.allclose(found.probs, expected.numpy(), atol=1e-4)
    assert found.names(range(8)) == [f"{'ab'[i % 2]}/{i}.png" for i in (0, 2, 4, 6, 1, 3, 5, 7)]
    assert found.labels.tolist() == [0] * 4 + [1] * 4
    matrix = found.confusion("class")
    assert matrix.counts.sum() == 8
    assert set(matrix.groups) == {"a", "b"}
    places = found.cell(0, 1, "class", "a")
    assert places.tolist() == found.cell(0, 1).tolist()
    assert len(found.cell(0, 1, "class", "b")) == 0
    assert len(places) == matrix.counts[0, 1]


def test_progress_goes_over_the_whole_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    seen: list[Progress] = []
    run_job(judge(tiny_classifier(), open_dataset(write(tmp_path)), "all", 16), seen.append)
    assert {(each.total, each.message) for each in seen} == {(8, module.ASKING)}
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert seen[-1].done == 8


def test_unreadable_photographs_are_left_out_and_named(tmp_path):
    found = judged(write(tmp_path, wrong=(2, 3)))
    assert len(found) == 6
    assert set(found.unreadable) == {"a/2.png", "b/3.png"}
    assert unreadable_text(found) == "2 pictures that cannot be read are left out: a/2.png, b/3.png."
    with pytest.raises(UserError, match="None of the 2 pictures can be read"):
        judged(write(tmp_path / "bad", 2, wrong=(0, 1)))


def test_folders_of_other_classes_or_of_none_are_refused(tmp_path):
    Image.fromarray(random_images(1)[0]).save(tmp_path / "alone.png")
    with pytest.raises(UserError, match="no labels"):
        judged(tmp_path)
    (write(tmp_path / "two") / "b").rename(tmp_path / "two" / "cats")
    with pytest.raises(UserError, match="no class 'cats'"):
        judged(tmp_path / "two")
    with pytest.raises(UserError, match="this side"):
        judged(write(tmp_path / "few", 2), "test")


def test_one_class_alone_is_counted(tmp_path):
    for i, image in enumerate(random_images(2)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    (tmp_path / "labels.csv").write_text("file,state\n0.png,a\n1.png,a\n")
    data = open_dataset(tmp_path, label="state")
    found = run_job(judge(tiny_classifier(), data, "all", 16), lambda event: None)
    assert found.confusion().counts.sum(axis=1).tolist() == [2, 0]
