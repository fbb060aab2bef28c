# SPDX-License-Identifier: MIT
"""The explainers that come with the program, found by name."""

from __future__ import annotations

import pytest

from latent_explorer.app import library
from latent_explorer.common.errors import UserError


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy of the program with three of them."""
    paths = [tmp_path / f"{name}.explainer" for name in ("face-age", "leaf-health", "leaf-shortcut")]
    monkeypatch.setattr(library, "bundled", lambda: paths)
    return paths


def test_the_first_start_opens_the_leaf_explainer_whatever_else_comes_with_it(shipped):
    assert library.bundled_explainer() == shipped[1]
    assert library.bundled_explainer(library.LEAF) == shipped[1]
    assert library.bundled_explainer(library.SHORTCUT) == shipped[2]
    del shipped[1]
    assert library.bundled_explainer() == shipped[0]


def test_what_did_not_come_is_said(shipped):
    with pytest.raises(UserError, match=r"face-gender does not come with this copy.*leaf-health"):
        library.bundled_explainer("face-gender")
    del shipped[:]
    with pytest.raises(UserError, match="No explainer comes"):
        library.bundled_explainer(library.SHORTCUT)
