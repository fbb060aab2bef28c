# SPDX-License-Identifier: MIT
"""Notes in explainers: writing, reading of foreign files, and the command `name`."""

from __future__ import annotations

from pathlib import Path

import pytest

from latent_explorer.cli import root as root_module
from latent_explorer.common.errors import UserError
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.summary import MAX_NOTE, note_of, with_note


def test_a_note_goes_in_and_out_beside_the_rest() -> None:
    noted = with_note({"licence": "CC0"}, "  Watch the ground.\n\nThen ask again. ")
    assert noted == {"licence": "CC0", "note": "Watch the ground. Then ask again."}
    assert note_of(noted) == noted["note"]
    assert with_note(noted, " ") == {"licence": "CC0"}
    assert note_of({}) == ""


def test_a_note_that_is_too_long_is_not_written() -> None:
    assert len(note_of(with_note({}, "x" * MAX_NOTE))) == MAX_NOTE
    with pytest.raises(UserError, match="at most 600 characters, this one has 601"):
        with_note({}, "x" * (MAX_NOTE + 1))


@pytest.mark.parametrize(
    ("found", "read"),
    [
        (7, ""),
        (["a", "b"], ""),
        (None, ""),
        ("y" * 100_000, "y" * MAX_NOTE),
        ("all \N{RIGHT-TO-LEFT OVERRIDE}well\x00\x1b[2J", "all well [2J"),
        ("<b>text</b>", "<b>text</b>"),
    ],
)
def test_what_a_file_from_elsewhere_holds_is_cut_and_cleaned(found: object, read: str) -> None:
    assert note_of({"note": found}) == read


def test_the_command_leaves_a_note_and_takes_it_away(
    tiny_explainer: Explainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.explainer", tmp_path / "b.explainer"
    write_explainer(tiny_explainer, first)
    said = "Drag the first slider."
    command = ["name", str(first), "--note", said, "--licence", "CC0", "--out", str(second)]
    assert root_module.main(command) == 0
    noted = read_explainer(second)
    assert noted.summary().note == said
    assert noted.provenance["licence"] == "CC0"
    assert noted.attribute_sets == tiny_explainer.attribute_sets
    assert root_module.main(["info", str(second)]) == 0
    assert f"note         {said}" in capsys.readouterr().out
    command = ["name", str(second), "--note", "", "--licence", "MIT", "--out", str(first)]
    assert root_module.main(command) == 0
    assert read_explainer(first).provenance == tiny_explainer.provenance


def test_a_command_that_names_nothing_is_refused(
    tiny_explainer: Explainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.explainer"
    write_explainer(tiny_explainer, file)
    assert root_module.main(["name", str(file), "--out", str(tmp_path / "b.explainer")]) == 1
    assert "nothing to name" in capsys.readouterr().err
    assert not (tmp_path / "b.explainer").exists()
