# SPDX-License-Identifier: MIT
"""Settings survive versions, damage and other files: where explainers are looked for."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from latent_explorer.app import library, settings
from latent_explorer.app.settings import Settings


def test_settings_come_back_and_keep_what_they_do_not_know(tmp_path):
    path = tmp_path / "config" / "settings.json"
    assert settings.load(path) == Settings()
    stored = Settings(theme="dark", device="cpu", window_geometry="AdnQ").with_recent(tmp_path / "a")
    settings.save(stored, path)
    assert settings.load(path) == stored
    plain = json.loads(path.read_text())
    assert plain["version"] == settings.VERSION
    path.write_text(json.dumps(plain | {"from_the_future": {"a": 1}}))
    loaded = settings.load(path)
    assert loaded.theme == "dark"
    settings.save(msgspec.structs.replace(loaded, theme="light"), path)
    assert json.loads(path.read_text())["from_the_future"] == {"a": 1}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b'{"theme": "purple"}', b'{"recent": 5}', b'{"version": []}']
)
def test_broken_settings_are_kept_aside(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert settings.load(path) == Settings()
    assert not path.exists()
    assert (tmp_path / "settings.json.broken").read_bytes() == content


def test_broken_settings_in_a_folder_that_cannot_be_written_do_not_stop_the_start(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    path.write_bytes(b"{")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert settings.load(path) == Settings()


def test_old_settings_are_migrated_step_by_step(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    path.write_text('{"version": 1, "style": "dark"}')
    monkeypatch.setattr(settings, "VERSION", 3)
    monkeypatch.setattr(settings, "MIGRATIONS", {1: lambda s: {"look": s["style"]}, 2: lambda s: {"theme": s["look"]}})
    assert settings.load(path).theme == "dark"


def test_recent_files_are_few_newest_first_and_each_once(tmp_path):
    kept = Settings()
    for i in (*range(12), 5):
        kept = kept.with_recent(tmp_path / f"{i}.explainer")
    assert len(kept.recent) == settings.MAX_RECENT
    assert kept.recent[:2] == (str(tmp_path / "5.explainer"), str(tmp_path / "11.explainer"))
    assert kept.last_folder == str(tmp_path)


def test_candidates_are_the_hints_then_recent_explainers_each_once(tmp_path):
    for name in ("a.explainer", "b.explainer", "c.exploration"):
        (tmp_path / name).touch()
    a, b, c = (tmp_path / n for n in ("a.explainer", "b.explainer", "c.exploration"))
    recent = [str(c), str(b), str(a), str(tmp_path / "gone.explainer")]
    found = library.candidates(recent, a, tmp_path / "never.explainer")
    assert found[:2] == [a, b]
    assert set(found[2:]) <= {p.resolve() for p in library.bundled()}


def test_settings_of_a_newer_version_keep_what_is_known(tmp_path):
    path = tmp_path / "settings.json"
    newer = {
        "version": settings.VERSION + 1,
        "theme": "sepia",  # a value that this program does not know
        "device": "cpu",
        "recent": {"files": ["a"]},
        "export": {"suffix": ".avif", "top": 3, "sheet": "carousel", "animation": {"fps": 25.0, "size": "large"}},
        "from_the_future": [1, 2],
    }
    path.write_text(json.dumps(newer))
    loaded = settings.load(path)
    assert not list(tmp_path.glob("*.broken"))
    assert (loaded.theme, loaded.device, loaded.recent) == ("system", "cpu", ())
    assert (loaded.export.suffix, loaded.export.top, loaded.export.sheet) == (".avif", 3, "counterfactual")
    assert (loaded.export.animation.fps, loaded.export.animation.size) == (25.0, 0)
    settings.save(msgspec.structs.replace(loaded, device="auto"), path)
    again = json.loads(path.read_text())
    assert again["version"] == settings.VERSION + 1
    assert (again["theme"], again["recent"], again["from_the_future"]) == ("sepia", {"files": ["a"]}, [1, 2])
    assert (again["export"]["sheet"], again["export"]["animation"]["size"]) == ("carousel", "large")
    assert again["export"]["top"] == 3
    assert settings.load(path) == msgspec.structs.replace(loaded, device="auto")
    settings.save(msgspec.structs.replace(settings.load(path), theme="dark"), path)  # chosen here: it counts
    assert json.loads(path.read_text())["theme"] == "dark"


@pytest.mark.parametrize("content", ['{"version": 2}', '{"version": 99, "export": 5, "unknown": 7, "theme": null}'])
def test_odd_settings_of_a_newer_version_are_the_defaults(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    loaded = settings.load(path)
    assert msgspec.structs.replace(loaded, unknown={}) == Settings()
    settings.save(loaded, path)
    assert json.loads(path.read_text())["version"] == json.loads(content)["version"]
