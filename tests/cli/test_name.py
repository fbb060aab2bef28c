# SPDX-License-Identifier: MIT
"""Naming attributes from the command line."""

from __future__ import annotations

import pytest

from latent_explorer.app.exploration.document import rename_attributes
from latent_explorer.cli.edit import parse_names
from latent_explorer.common.errors import UserError
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet


def test_each_end_of_a_coordinate_has_its_own_name() -> None:
    attributes = (Attribute("", 0, (AttributeEntry(214, "max"),)), Attribute("old", 1, (AttributeEntry(214, "min"),)))
    sets = (AttributeSet("id", "test", 1, 1.0, "", attributes),)
    (named,) = rename_attributes(sets, parse_names(["214max=brown spots"]))
    assert [a.name for a in named.attributes] == ["brown spots", "old"]
    with pytest.raises(UserError, match="no attribute 7max"):
        rename_attributes(sets, parse_names(["214max=brown spots", "7max=nothing"]))


@pytest.mark.parametrize("text", ["214max", "=spots", "214max= "])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="KEY=NAME"):
        parse_names([text])
