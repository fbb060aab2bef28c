# SPDX-License-Identifier: MIT
"""Studies built from a real (tiny) explainer: contents of the folder, blinding, and equal bytes from all interfaces."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from PIL import Image
from tiny import make_explainer

from latent_explorer.app.study.arms import ArmSpec, StudySpec, open_from_files
from latent_explorer.app.study.controller import StudyController
from latent_explorer.app.study.job import build_study
from latent_explorer.app.study.updates import QuestionRendered, StudyBuilt, StudyScored
from latent_explorer.cli.study import study as study_command
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.studies.build.answer_key import read_key
from latent_explorer.studies.build.plan import StudySettings
from latent_explorer.studies.build.question_image import panel_size
from latent_explorer.studies.build.texts import StudyTexts
from latent_explorer.studies.scoring.rules import Rules

SETTINGS = StudySettings(attributes=3, items=1, catch=1, tile=64, seed=5)


def attribute_set(classifier_id: str, method: str, start: int) -> AttributeSet:
    found = tuple(
        Attribute(f"{method} secret {i}", 1, (AttributeEntry(start + 7 * i, "max"),), mean_effect=1.0 - i / 10)
        for i in range(3)
    )
    return AttributeSet(classifier_id, method, 12, 1.0, "samples", found)


@pytest.fixture(scope="module")
def explainer_path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explainer")
    explainer = make_explainer(samples=30)
    sets = tuple(attribute_set(explainer.classifier_id, m, s) for m, s in (("methodB", 5), ("methodA", 3)))
    explainer.attribute_sets = sets
    explainer.name = "hushhush"
    write_explainer(explainer, folder / "hushhush.explainer")
    return folder / "hushhush.explainer"


def build(path: Path, folder: Path, settings=SETTINGS, arms=("", "methodB")):
    opened = open_from_files([ArmSpec(path=str(path), method=m) for m in arms], "cpu")
    return run_job(build_study(opened, settings, folder))


@pytest.fixture(scope="module")
def built(explainer_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "study"
    return build(explainer_path, folder), folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def page_data(folder: Path) -> dict:
    text = (folder / "participants" / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="study">(.*?)</script>', text, re.DOTALL)[1])


def test_what_lies_where(built) -> None:
    key, folder = built
    assert {p.name for p in folder.iterdir()} == {"participants", "key.json", "survey.csv", "README.txt"}
    assert {p.name for p in (folder / "participants").iterdir()} == {"index.html", "pictures"}
    assert read_key(folder / "key.json") == key
    assert key.paired
    assert sorted(key.arms) == ["hushhush methodA", "hushhush methodB"]
    data = page_data(folder)
    assert data["id"] == key.study
    shown = [i["id"] for part in data["parts"] for i in part["items"]]
    assert shown == [i.item for i in key.items if i.role != "practice"]
    used = {
        Path(i[s]).name
        for part in data["parts"]
        for i in [*part["items"], part["practice"]]
        for s in ("moving", "before", "after")
    }
    assert used == {p.name for p in (folder / "participants" / "pictures").iterdir()}


def gif_extensions(data: bytes) -> set[bytes]:
    """Return the kinds of extension blocks in a GIF, read block by block (GIF89a specification)."""
    found, at = set(), 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] != 0x3B:
        if data[at] == 0x21:
            label, at = data[at + 1 : at + 2], at + 2
            found.add(label + data[at + 1 : at + 12] if label == b"\xff" else label)
        else:
            local = data[at + 9]
            at += 11 + (3 * 2 ** ((local & 7) + 1) if local & 0x80 else 0)
        while data[at]:
            at += data[at] + 1
        at += 1
    assert at == len(data) - 1  # and nothing behind the end
    return found


def test_nothing_in_the_participants_folder_tells_an_answer(built) -> None:
    """Names are hashes of the pictures' own bytes, GIFs contain only frames, the page has no answers."""
    key, folder = built
    everything = b"".join(tree(folder / "participants").values()).lower()
    for secret in ("hushhush", "secret", "methoda", "methodb", "sample-", "distractor", "5max", "3max"):
        assert secret.encode() not in everything, secret
    for path in (folder / "participants" / "pictures").iterdir():
        data = path.read_bytes()
        assert path.stem == hashlib.sha256(data).hexdigest()[:20]
        # times and the loop: no comment, no XMP
        assert gif_extensions(data) <= {b"\xf9", b"\xffNETSCAPE2.0"}
        with Image.open(path) as picture:
            assert set(picture.info) <= {"version", "background", "loop", "duration", "extension"}
    assert "catch" not in json.dumps(page_data(folder)["parts"])
    for part in page_data(folder)["parts"]:
        for item in part["items"]:
            assert set(item) == {"id", "moving", "before", "after"}
    survey = (folder / "survey.csv").read_text(encoding="utf-8-sig")
    for secret in ("hushhush", "secret", "method", "catch"):
        assert secret not in survey
    # neither the order of the page nor that of the names tells the sides
    sides = [i.right for i in key.items if i.role == "item" and i.kind == "classification"]
    by_name = [
        i.right for i in sorted(key.items, key=lambda i: i.item) if i.role == "item" and i.kind == "classification"
    ]
    for order in (sides, by_name):
        assert order not in (sorted(order), sorted(order, reverse=True))


def test_pictures_are_what_the_key_says(built) -> None:
    key, folder = built
    for part in page_data(folder)["parts"]:
        seconds = 1000 if part["kind"] == "verbal" else 750
        for item in part["items"]:
            with Image.open(folder / "participants" / item["moving"]) as gif:
                assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (2, seconds, 0)
                assert gif.size == tuple(part["size"]) == panel_size(part["kind"], 64)
                frames = [gif.convert("RGB").tobytes()]
                gif.seek(1)
                frames.append(gif.convert("RGB").tobytes())
            for name, frame in zip(("before", "after"), frames, strict=True):
                with Image.open(folder / "participants" / item[name]) as still:
                    assert still.convert("RGB").tobytes() == frame
    # arms show the same pictures, slot by slot
    tiles = {(i.arm, i.kind, i.slot): [t["source"] for t in i.details["tiles"]] for i in key.items if i.role == "item"}
    for (arm, kind, slot), sources in tiles.items():
        assert all(tiles[other, kind, slot] == sources for other in key.arms if arm)


def test_the_same_seed_gives_the_same_bytes_in_window_and_command_line(explainer_path, built, tmp_path) -> None:
    _, folder = built
    line = [
        "build", str(explainer_path), "--against-method", "methodB", "--attributes", "3", "--items", "1",
        "--catch", "1", "--tile", "64", "--seed", "5", "--device", "cpu", "--out", str(tmp_path / "line"),
    ]  # fmt: skip
    done = CliRunner().invoke(study_command, line)
    assert done.exit_code == 0, done.output
    assert tree(tmp_path / "line") == tree(folder)


def test_the_window_builds_the_same_bytes(explainer_path, built, tmp_path, stage_of_real_model) -> None:
    _, folder = built
    stage, controller, seen = stage_of_real_model
    arms = (controller.own_arm(), controller.own_arm(method="methodB"))
    controller.build(StudySpec(arms=arms, settings=SETTINGS), tmp_path / "window")
    stage.settle()
    assert [type(u) for u in seen] == [StudyBuilt]
    assert tree(tmp_path / "window") == tree(folder)


@pytest.fixture
def stage_of_real_model(explainer_path, tmp_path):
    """An explorer with the real renderer, driven by hand."""
    from latent_explorer.app.explorer import Explorer

    posted: list = []
    explorer = Explorer(posted.append, data_dir=tmp_path / "d", config_dir=tmp_path / "d")

    class Stage:
        def settle(self) -> None:
            for _ in range(4):
                assert explorer.wait_idle(60)
                while posted:
                    posted.pop(0)()

    stage = Stage()
    explorer.open_path(explainer_path)
    stage.settle()
    controller, seen = StudyController(explorer), []
    controller.updates.on(object, seen.append)
    yield stage, controller, seen
    explorer.close()


def test_the_controller_shows_a_question_and_scores(built, tmp_path, stage_of_real_model) -> None:
    stage, controller, seen = stage_of_real_model
    assert controller.methods() == ["methodA", "methodB"]
    spec = controller.spec(tile=64, attributes=3)
    assert controller.outline(spec).problem == ""
    assert controller.outline(spec).questions == 3 * 3 + 3 + 2
    assert "at least two" in controller.outline(StudySpec(arms=(controller.own_arm(keys=("3max",)),))).problem
    controller.render_question(spec, 1)
    stage.settle()
    assert isinstance(seen[-1], QuestionRendered)
    assert seen[-1].frames[0].shape == (*panel_size("classification", 64)[::-1], 3)
    key, folder = built
    answers = [{"item": i.item, "answer": i.right or "dots", "ms": 2000} for i in key.items if i.role != "practice"]
    found = {"format": "latent-explorer-answers", "version": 1, "study": key.study, "respondent": "r",
             "complete": True, "answers": answers}  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(found))
    controller.score([tmp_path / "a.json"], folder / "key.json", tmp_path / "result", Rules())
    stage.settle()
    assert isinstance(seen[-1], StudyScored)
    assert seen[-1].scored.score.overall.score.accuracy == 1.0
    assert seen[-1].scored.report.is_file()


def test_texts_cannot_break_the_page(explainer_path, tmp_path) -> None:
    evil = '</script><script>alert(1)</script>"&\u2028'
    settings = msgspec.structs.replace(
        SETTINGS, items=1, kinds=("classification",), texts=StudyTexts(title=evil, consent=evil)
    )
    build(explainer_path, tmp_path / "s", settings, arms=("",))
    page = (tmp_path / "s" / "participants" / "index.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in page
    assert page_data(tmp_path / "s")["consent"] == evil


def test_a_folder_with_files_is_left_alone_and_cancel_leaves_nothing(explainer_path, tmp_path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        build(explainer_path, tmp_path / "full")
    arms = open_from_files([ArmSpec(path=str(explainer_path))], "cpu")
    job = build_study(arms, SETTINGS, tmp_path / "gone")
    for _ in range(12):
        next(job)
    job.close()
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_what_a_model_does_not_have_is_said(explainer_path) -> None:
    for spec in (
        ArmSpec(path=str(explainer_path), method="other"),
        ArmSpec(path=str(explainer_path), keys=("999max",)),
    ):
        with pytest.raises(UserError):
            open_from_files([spec], "cpu")


def test_a_model_without_encoded_pictures_shows_seeds(explainer_path, tmp_path) -> None:
    from latent_explorer.models.explainer_file import read_explainer

    explainer = read_explainer(explainer_path)
    explainer.samples = None
    write_explainer(explainer, tmp_path / "seeds.explainer")
    key = build(tmp_path / "seeds.explainer", tmp_path / "s", SETTINGS, arms=("",))
    sources = {t["source"] for i in key.items for t in i.details["tiles"]}
    assert all(re.fullmatch(r"seed \d+", source) for source in sources)


def test_explainers_of_the_same_data_show_the_same_pictures(explainer_path, tmp_path) -> None:
    """Paired if the encoded pictures have the same names; otherwise a notice says that they are not."""
    from dataclasses import replace

    from latent_explorer.models.explainer_file import read_explainer

    first = read_explainer(explainer_path)
    other = make_explainer(samples=30, seed=9)
    other.attribute_sets = (attribute_set(other.classifier_id, "methodC", 4),)
    other.name = "other"
    write_explainer(other, tmp_path / "same.explainer")
    other.samples = replace(other.samples, ids=tuple(f"else {i}" for i in range(30)))
    write_explainer(other, tmp_path / "else.explainer")
    short = msgspec.structs.replace(SETTINGS, kinds=("verbal",), practice=False, attributes=2)
    assert first.model_hash != other.model_hash
    for name, paired in (("same", True), ("else", False)):
        specs = [ArmSpec(path=str(p)) for p in (explainer_path, tmp_path / f"{name}.explainer")]
        job = build_study(open_from_files(specs, "cpu"), short, tmp_path / name)
        notices = [e.text for e in job if isinstance(e, Notice)]
        key = read_key(tmp_path / name / "key.json")
        assert key.paired == paired
        assert any("without pairs" in text for text in notices) != paired
        assert sorted(key.arms) == ["hushhush", "other"]
