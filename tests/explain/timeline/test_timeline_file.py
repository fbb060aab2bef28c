# SPDX-License-Identifier: MIT
"""Timeline files: round trips, and refusal of damaged and foreign ones."""

from __future__ import annotations

import json

import msgspec
import pytest
from exploration_examples import AGE
from hypothesis import given
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import (
    BlendBase,
    BlendEndBase,
    DirectionShift,
    MixBase,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline.file import FORMAT, TimelineFile, read_timeline, write_timeline
from latent_explorer.explain.timeline.timeline import Curve, Keyframe, Timeline, frames

EVERYTHING = Timeline(
    "all of it",
    (
        Keyframe(0.0, PictureRecipe(SeedBase(1), 0.7, 3, Noise("seed", 4), (0.5, 0.5)), "hold"),
        Keyframe(0.5, PictureRecipe(MixBase(SeedBase(1), SampleBase(2), 0, 1)), "linear"),
        Keyframe(
            1.0,
            PictureRecipe(
                BlendBase(BlendEndBase(ProjectedBase("p"), 0.5, 2, (1.0, 0.0)), SeedBase(3), 0.25, "z"),
                noise=Noise("blend", a=Noise("maps", maps_id="p"), b=Noise("none"), amount=0.5),
                edits=(DirectionShift(AGE, 1.0), StyleShift(3, "min", -0.5, "sigma")),
            ),
            Curve(0.1, 0.2, 0.3, 0.4),
        ),
    ),
    "z-slerp",
    12.5,
    loop=True,
    closing_seconds=2.0,
    noise=Noise("seed", 9),
    classifier_id="c",
)


def written(path, change=lambda held: None):
    """Write a valid file and change its JSON."""
    write_timeline(path, EVERYTHING, "model")
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    return path


def test_a_timeline_comes_back_as_it_was(tmp_path):
    write_timeline(tmp_path / "t.json", EVERYTHING, "model")
    held = read_timeline(tmp_path / "t.json")
    assert held.timeline == EVERYTHING
    assert held.model_hash == "model"
    assert frames(held.timeline) == frames(EVERYTHING)


def test_a_person_can_write_one_by_hand(tmp_path):
    path = tmp_path / "t.json"
    keyframes = [{"seconds": t, "recipe": {"base": {"type": "seed", "seed": t}}} for t in (2, 0)]
    path.write_text(json.dumps({"format": FORMAT, "version": 1, "timeline": {"name": "mine", "keyframes": keyframes}}))
    held = read_timeline(path).timeline
    assert [k.seconds for k in held.keyframes] == [0.0, 2.0]
    assert held.keyframes[0].easing == "smooth"


def deep(levels: int) -> dict:
    base: dict = {"type": "seed", "seed": 1}
    for _ in range(levels):
        base = {"type": "blend", "a": base, "b": {"type": "seed", "seed": 2}, "amount": 0.5}
    return base


def deep_noise(levels: int) -> dict:
    noise: dict = {"kind": "const"}
    for _ in range(levels):
        noise = {"kind": "blend", "a": noise, "b": {"kind": "none"}, "amount": 0.5}
    return noise


@pytest.mark.parametrize(
    ("where", "value", "word"),
    [
        (("timeline", "fps"), 24, "frame rate"),
        (("timeline", "fps"), 0, "frame rate"),
        (("timeline", "name"), "x" * 300, "name"),
        (("timeline", "keyframes", 0, "seconds"), -1, "outside"),
        (("timeline", "keyframes", 0, "seconds"), 1e9, "outside"),
        (("timeline", "closing_seconds"), 1e9, "outside"),
        (("timeline", "keyframes", 2, "easing", "x1"), 2, "curve"),
        (("timeline", "keyframes", 0, "easing"), "bouncy", "damaged"),
        (("timeline", "keyframes", 0, "recipe", "base"), deep(9), "nested"),
        (("timeline", "keyframes", 0, "recipe", "base"), deep(400), "nested|damaged"),
        (("timeline", "keyframes", 0, "recipe", "noise"), deep_noise(400), "nested|damaged"),
        (("timeline", "noise"), deep_noise(10), "nested"),
        (("timeline", "keyframes", 0, "recipe", "base"), {**deep(1), "amount": 3}, "blend"),
        (("timeline", "noise"), {**deep_noise(1), "amount": -1}, "blend"),
        (("timeline", "keyframes"), 5, "damaged"),
        (("timeline",), None, "damaged"),
        (("version",), 9, "newer"),
        (("format",), "something else", "write_timeline"),
        (("timeline", "keyframes"), [{"seconds": 0, "recipe": {"base": deep(0)}}] * 2001, "2000"),
    ],
)
def test_whatever_is_wrong_is_said_in_a_sentence(tmp_path, where, value, word):
    def change(held):
        for key in where[:-1]:
            held = held[key]
        held[where[-1]] = value

    with pytest.raises(UserError, match=word):
        read_timeline(written(tmp_path / "t.json", change))


def test_numbers_that_are_none_are_refused(tmp_path):
    path = written(tmp_path / "t.json")
    path.write_text(path.read_text().replace("0.7", "NaN"))
    with pytest.raises(UserError):
        read_timeline(path)
    path.write_text(path.read_text().replace("NaN", "1e999"))
    with pytest.raises(UserError):
        read_timeline(path)


def test_huge_missing_and_foreign_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("latent_explorer.explain.timeline.file.MAX_FILE", 10)
    with pytest.raises(UserError, match="larger"):
        read_timeline(written(tmp_path / "t.json"))
    monkeypatch.undo()
    with pytest.raises(UserError, match="cannot be read"):
        read_timeline(tmp_path / "none.json")
    with pytest.raises(UserError, match="a folder"):
        read_timeline(tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        write_timeline(written(tmp_path / "t.json") / "t.json", EVERYTHING)


@given(st.binary(max_size=200))
def test_bytes_never_do_more_than_be_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("f") / "t.json"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_timeline(path)


@given(st.data())
def test_damaged_files_are_refused_or_sound(tmp_path_factory, data):
    text = msgspec.json.encode(TimelineFile(format=FORMAT, version=2, timeline=EVERYTHING))
    at = data.draw(st.integers(0, len(text) - 1))
    path = tmp_path_factory.mktemp("f") / "t.json"
    path.write_bytes(text[:at] + data.draw(st.binary(max_size=3)) + text[at + 1 :])
    try:
        held = read_timeline(path)
    except UserError:
        return
    frames(held.timeline)
