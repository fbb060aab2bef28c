# SPDX-License-Identifier: MIT
"""Explorations come back as they were; broken ones are refused in words."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
import zipfile
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from exploration_examples import EXPLORATION, IMAGE, STATE, bomb
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration.document import Document
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import BlendBase, PictureRecipe, SeedBase
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline


def test_an_exploration_comes_back_as_it_was(tmp_path):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    again = exploration_file.read(path)
    assert again.state == STATE
    assert again.document == EXPLORATION.document
    assert (again.model_name, again.model_path) == ("leaf-health", "/models/leaf.explainer")
    np.testing.assert_array_equal(again.thumbnail, IMAGE)
    first = path.read_bytes()
    exploration_file.write(path, EXPLORATION)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def rewritten(path, **members: bytes | None) -> None:
    """Return the file with members replaced, added or (None) removed; `about` stands for about.json."""
    with zipfile.ZipFile(path) as archive:
        content = {n: archive.read(n) for n in archive.namelist()}
    for name, data in members.items():
        member = name.replace("_", ".")
        content.pop(member, None)
        if data is not None:
            content[member] = data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def about(**fields) -> bytes:
    known = {"format": exploration_file.FORMAT, "version": 1, "model_hash": "a" * 64}
    return json.dumps(known | fields).encode()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"about_json": None}, "not an exploration"),
        ({"about_json": about(format="something else")}, "not an exploration"),
        ({"about_json": about(version=4)}, "newer Latent Explorer"),
        ({"about_json": about(model_hash="b" * 64)}, "different models"),
        ({"about_json": b"{"}, "damaged"),
        ({"about_json": b"\xff\xfe"}, "damaged"),
        ({"state_json": None}, "state.json is missing"),
        ({"state_json": b'{"model_hash": 5}'}, "damaged"),
        ({"state_json": b"[" * 100000}, "damaged"),
        ({"notes_json": b'{"names": 3}'}, "damaged"),
        ({"state_json": b" " * (exploration_file.MAX_MEMBER + 1)}, "larger than"),
    ],
)
def test_a_wrong_exploration_is_refused_in_words(tmp_path, members, words):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    rewritten(path, **members)
    with pytest.raises(UserError, match=words) as caught:
        exploration_file.read(path)
    assert "x.exploration" in str(caught.value)


def test_what_may_be_missing_may_be_missing(tmp_path):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    rewritten(path, notes_json=None, thumbnail_png=b"no picture", extra_json=b"{}")
    again = exploration_file.read(path)
    assert again.document == Document()
    assert again.thumbnail is None
    assert again.state == STATE


def test_a_thumbnail_that_says_it_is_enormous_is_left_out(tmp_path):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    rewritten(path, thumbnail_png=bomb())
    assert exploration_file.read(path).thumbnail is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello" * 100, b"PK\x05\x06" + b"\0" * 18])
def test_other_files_are_no_explorations(tmp_path, content):
    path = tmp_path / "x.exploration"
    path.write_bytes(content)
    with pytest.raises(UserError, match="exploration"):
        exploration_file.read(path)
    with pytest.raises(UserError, match="not found"):
        exploration_file.read(tmp_path / "none.exploration")
    with pytest.raises(UserError):
        exploration_file.read(tmp_path)


@pytest.fixture(scope="module")
def exploration_bytes(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("x") / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    return path.read_bytes()


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_exploration_is_read_or_refused_but_never_breaks(tmp_path, exploration_bytes, data):
    content = bytearray(exploration_bytes)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path / "x.exploration"
    path.write_bytes(bytes(content[:cut]) if data.draw(st.booleans()) else bytes(content))
    with contextlib.suppress(UserError):
        exploration_file.read(path)


def test_an_exploration_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    before = path.read_bytes()

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(UserError, match="No space left"):
        exploration_file.write(path, EXPLORATION)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match="cannot be written"):
        exploration_file.write(tmp_path / "none" / "x.exploration", EXPLORATION)


def test_a_thousand_projections_come_back(tmp_path):
    path = tmp_path / "x.exploration"
    latents = {f"{i:016x}": bytes([i % 256]) * 20 for i in range(1200)}
    exploration_file.write(path, replace(EXPLORATION, latents=latents))
    assert exploration_file.read(path).latents == latents


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    before = path.read_bytes()
    monkeypatch.setattr(exploration_file, "MAX_LATENTS", 100)
    monkeypatch.setattr(exploration_file, "MAX_LATENT", 60)
    deep = SeedBase(0)
    for _ in range(9):
        deep = BlendBase(deep, SeedBase(1), 0.5)
    frames = tuple(Keyframe(i / 10, PictureRecipe(SeedBase(i))) for i in range(2001))
    wrong = {
        "Shorten the notes": {"document": Document(notes="n" * (exploration_file.MAX_MEMBER + 1))},
        "nested too deeply": {"state": msgspec.structs.replace(STATE, base=deep)},
        "keyframes": {"state": msgspec.structs.replace(STATE, timelines=(Timeline("t", frames),))},
        "same name": {"state": msgspec.structs.replace(STATE, timelines=(Timeline("t"), Timeline("t")))},
        "read again": {"state": msgspec.structs.replace(STATE, truncation_psi=float("nan"))},
        "projected pictures; an": {"latents": {f"{i:016x}": b"" for i in range(4001)}},
        "projected pictures take": {"latents": {"a" * 16: bytes(61)}},
        "together|take": {"latents": {c * 16: bytes(40) for c in "abc"}},
    }
    for words, parts in wrong.items():
        with pytest.raises(UserError, match=words) as caught:
            exploration_file.write(path, replace(EXPLORATION, **parts))
        assert "was not written" in str(caught.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_part_that_does_not_match_its_digest_is_noticed(tmp_path):
    """Also where the container's own checksum was made to fit."""
    path = tmp_path / "x.exploration"
    exploration_file.write(path, replace(EXPLORATION, latents={"a" * 16: b"sound"}))
    with zipfile.ZipFile(path) as archive:
        state, sealed = archive.read("state.json"), archive.read("about.json")
    rewritten(path, state_json=state.replace(b'"truncation_psi":0.7', b'"truncation_psi":0.9'))
    with pytest.raises(UserError, match="checksum"):
        exploration_file.read(path)
    about = {name: value for name, value in json.loads(sealed).items() if name != "sha256"}
    rewritten(path, about_json=json.dumps(about).encode())
    assert exploration_file.read(path).state.truncation_psi == 0.9, "earlier files have no digests"


def test_a_small_file_never_takes_much_memory(tmp_path):
    path = tmp_path / "x.exploration"
    exploration_file.write(path, EXPLORATION)
    bombs = [b'{"notes":"' + b"n" * (30 << 20) + b'"}', b'{"names":{"a":' + b"[0," * 100_000, b"[" + b"{}," * 5_000_000]
    bombs.append(b'{"pins":[' + b'"",' * 3_000_000 + b'""]}')
    for bomb_text in bombs:
        rewritten(path, notes_json=bomb_text)
        tracemalloc.start()
        with contextlib.suppress(UserError):
            exploration_file.read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 110 << 20
