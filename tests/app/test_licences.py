# SPDX-License-Identifier: MIT
"""Licences of all parts: from this environment, and from the index of the installed program."""

from __future__ import annotations

import json

import pytest

from latent_explorer.app import licences
from latent_explorer.common.paths import resources_dir, source_root


def by_name() -> dict[str, licences.Part]:
    return {part.name.lower().replace("_", "-"): part for part in licences.parts()}


def test_the_program_comes_first_with_its_own_licence():
    first = licences.parts()[0]
    root = source_root()
    assert first.name == "Latent Explorer"
    assert root is not None
    assert first.text() == (root / "LICENSE").read_text(encoding="utf-8")


def test_what_it_needs_is_listed_with_texts_and_what_tests_need_is_not():
    found = by_name()
    assert {"torch", "numpy", "pyside6-essentials", "shiboken6", "lpips", "inter", "phosphor icons"} <= set(found)
    assert "sympy" in found, "what PyTorch needs in turn"
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & set(found)
    assert "Redistribution" in found["torch"].text()
    assert "SIL OPEN FONT LICENSE" in found["inter"].text()
    assert all(part.version and part.licence and "\n" not in part.licence for part in found.values())


def test_the_installed_program_goes_by_its_index(tmp_path, monkeypatch):
    folder = tmp_path / "licences"
    folder.mkdir()
    entry = {"name": "zlib1g", "version": "1.2", "licence": "see its text", "file": "zlib1g.txt"}
    (folder / "index.json").write_text(json.dumps([entry]), encoding="utf-8")
    (folder / "zlib1g.txt").write_text("zlib's terms", encoding="utf-8")
    monkeypatch.setattr(licences, "resources_dir", lambda: tmp_path)
    found = by_name()
    assert set(found) == {"latent explorer", "zlib1g", "inter", "phosphor icons"}
    assert found["zlib1g"].text() == "zlib's terms"
    assert "MIT" in found["latent explorer"].text(), "a text that is missing is said to be"


@pytest.mark.parametrize("name", ["LICENSE.txt", "fonts/OFL.txt", "icons/phosphor/LICENSE.txt"])
def test_own_texts_are_there(name):
    assert (resources_dir() / name).is_file()
