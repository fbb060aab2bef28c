# SPDX-License-Identifier: MIT
"""Two versions of a classifier: who uses what, where they part, and the page that says so."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from colour_explainer import tiny_classifier, tiny_explainer
from known_explainers import known_explainer
from PIL import Image

from latent_explorer.common.jobs import run_job
from latent_explorer.common.statistics import Mean
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.counterfactuals.confusion import judge
from latent_explorer.explain.report.two_classifiers import Comparison, SharedMove
from latent_explorer.explain.report.versions import parting, versions_report
from latent_explorer.media.report.versions import Count, Response, SharedAttribute
from latent_explorer.media.report.versions_page import sentences, versions_page
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet

N = 24
HONEST = "e" * 64


def move(style_index: int, places: tuple[int | None, int | None], target: int = 1) -> SharedMove:
    return SharedMove(style_index, "max", target, N, (1.0, 1.0), ((0.9, 1.1), (0.9, 1.1)), (-0.1, 0.1), places)


def comparison(explainer, second: str, moves: tuple[SharedMove, ...], verdicts: np.ndarray) -> Comparison:
    first = explainer.classifier_id
    names = explainer.classifiers[first].config.name, explainer.classifiers[second].config.name
    classes = explainer.classifiers[first].config.class_names
    return Comparison((first, second), names, classes, len(verdicts), verdicts, moves, (), (), "pixels")


@pytest.fixture(scope="module")
def planted():
    """The report on a classifier of the ground alone (A) beside one of a spot alone (B); the ground has a name."""
    explainer, roles = known_explainer("area", n=N)
    honest, honest_roles = known_explainer("one", n=N)
    ground = Attribute("Violet <ground>", 1, (AttributeEntry(roles.area, "max"),))
    listed = AttributeSet(explainer.classifier_id, "attfind-notebook", N, 1.0, "", (ground,))
    both = explainer.classifiers | {HONEST: honest.classifier}
    explainer = replace(explainer, classifiers=both, attribute_sets=(listed,))
    img = explainer.generator.synthesis(explainer.samples.ws)
    verdicts = np.stack([each.probs(img).argmax(dim=1).numpy() for each in both.values()], axis=1)
    moves = move(roles.area, (1, None)), move(honest_roles.causes[0], (None, 1))
    found = comparison(explainer, HONEST, moves, verdicts)
    return run_job(versions_report(explainer, found, n=N)), verdicts


def test_what_only_one_uses_is_found(planted):
    report, _ = planted
    assert [each.name for each in report.used_by("first")] == ["Violet <ground>"]
    assert [each.where.split(" to ")[0] for each in report.used_by("second")] != []
    ground, spot = report.attributes
    assert ground.relative_to == 0
    value, (low, high) = ground.relative
    assert value == pytest.approx(0, abs=1e-5)  # the second does not see the ground
    assert low <= value <= high
    assert spot.relative_to == 1
    assert abs(spot.relative[0]) < 0.3
    assert [len(each.examples) for each in report.attributes] == [3, 3]
    shown = ground.examples[0]
    assert shown.before.shape == shown.after.shape == (16, 16, 3)
    assert shown.p_after[0] > shown.p_before[0]
    assert shown.p_after[1] == pytest.approx(shown.p_before[1], abs=1e-5)


def test_without_labels_the_pictures_of_the_explainer_part(planted):
    report, verdicts = planted
    apart = np.flatnonzero(verdicts[:, 0] != verdicts[:, 1])
    assert report.right is None
    assert report.groups == {"parted": len(apart)}
    assert {each.name for each in report.parted} == {f"picture-{row}" for row in apart}
    surest = [min(each.p) for each in report.parted]
    assert surest == sorted(surest, reverse=True)
    assert all(each.verdicts[0] != each.verdicts[1] for each in report.parted)
    assert all(p >= 0.5 for each in report.parted for p in each.p)


def test_the_page_is_one_file_without_scripts_and_escapes_names(planted):
    report, _ = planted
    page = versions_page(report)
    assert page == versions_page(report)
    assert "Violet &lt;ground&gt;" in page
    assert "<ground>" not in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.index("Pictures of the explainer") < page.index("Only A uses: 1") < page.index("RelativeChange")
    assert page.count("<tr") >= 2 + len(report.attributes)


def test_regressions_gains_and_the_rest():
    labels = np.array([0, 0, 1, 2, 2, 1])
    verdicts = np.array([[0, 0], [0, 1], [0, 1], [0, 1], [1, 1], [1, 2]])
    groups = parting(verdicts, labels)
    assert {group: rows.tolist() for group, rows in groups.items()} == {
        "regression": [1, 5], "gain": [2], "other": [3],
    }  # fmt: skip


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Ten red pictures (class a) and ten green ones (b), by name from dark to bright."""
    for i in range(10):
        for k, name in enumerate("ab"):
            image = np.zeros((16, 16, 3), np.uint8)
            image[..., k] = 60 + 15 * i
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / name / f"{name}{i}.png")
    return tmp_path


def test_photographs_are_counted_and_the_worst_regressions_stand_first(photographs: Path):
    """The second version calls everything b whose green lies less than 1 (of 2) below its red."""
    explainer = tiny_explainer(n=12)
    second = tiny_classifier()
    read = second.network.forward
    second.network.forward = lambda x: read(x) + x.new_tensor([0.0, 20.0])
    second.config = msgspec.structs.replace(second.config, name="version 2")
    explainer = replace(explainer, classifiers=explainer.classifiers | {HONEST: second})
    data = open_dataset(photographs)
    photos = tuple(run_job(judge(each, data, "all", 16)) for each in explainer.classifiers.values())
    found = comparison(explainer, HONEST, (move(3, (1, None)),), np.zeros((12, 2), int))
    report = run_job(versions_report(explainer, found, photos, n=12, most=2))
    red = photos[0].labels == 0
    wrong = int((photos[1].verdicts[red] == 1).sum())
    assert 2 < wrong < 10
    assert report.right == (Count(20, 20), Count(20 - wrong, 20))
    assert report.groups == {"regression": wrong, "gain": 0, "other": 0}
    assert [each.group for each in report.parted] == ["regression", "regression"]
    drops = [each.p[0] - each.p[1] for each in report.parted]
    assert drops == sorted(drops, reverse=True)
    assert all(each.label == "a" and each.verdicts == ("a", "b") for each in report.parted)
    assert report.p == pytest.approx(2 * 0.5**wrong)
    page = versions_page(report)
    assert f"Regressions: {wrong}" in page
    assert "The first 2 are shown" in page
    assert f"{wrong} regressions and 0 gains among 20 labelled photographs" in sentences(report)[0]
    assert report.to_dict()["right"][1]["count"] == 20 - wrong


def response(absolute: float, random: float, spread: float = 0.01) -> Response:
    def around(value: float) -> Mean:
        return Mean(value, (value - spread, value + spread), 30)

    return Response(around(absolute), around(absolute), around(random), around(absolute - random))


def shared(first: Response, second: Response) -> SharedAttribute:
    gap = first.absolute.value - second.absolute.value
    nothing = float("nan"), (float("nan"), float("nan"))
    return SharedAttribute(
        "x", "", "a", "both", 30, (first, second), Mean(gap, (gap - 0.01, gap + 0.01), 30), 0, nothing, ()
    )


def test_use_is_more_than_random_edits_and_of_one_alone_only_if_surely_more():
    strong, none, unsteady = response(0.5, 0.05), response(0.02, 0.01), response(0.3, 0.3)
    assert shared(strong, none).used_by == "first"
    assert shared(none, strong).used_by == "second"
    assert shared(strong, strong).used_by == "both"
    assert shared(none, none).used_by == "neither"
    assert shared(unsteady, none).used_by == "neither"  # any change of the size does it
    assert shared(response(0.101, 0.01), response(0.099, 0.01)).used_by == "both"  # not surely different
    assert shared(strong, none).to_dict()["relative_change"] is None
