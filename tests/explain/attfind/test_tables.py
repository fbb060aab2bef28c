# SPDX-License-Identifier: MIT
"""Large effect tables are mapped to a file without a name; a search with one finds what it finds in memory."""

from __future__ import annotations

import numpy as np
import pytest
from colour_explainer import tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import MOVES_FOLDER
from latent_explorer.explain.attfind import tables
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "cache_dir", lambda: tmp_path)
    return tmp_path / MOVES_FOLDER


def test_a_large_table_is_zeros_in_a_file_without_a_name(folder, monkeypatch):
    assert not isinstance(tables.new_table((2, 3)), np.memmap)
    monkeypatch.setattr(tables, "IN_MEMORY", 100)
    table = tables.new_table((2, 3, 5))
    assert isinstance(table, np.memmap)
    assert table.dtype == np.float32
    assert not table.any()
    table[1, 2, 3] = 7
    assert table.sum() == 7
    assert list(folder.iterdir()) == []


def test_a_table_that_fits_nowhere_is_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(tables, "IN_MEMORY", 100)
    monkeypatch.setattr(tables, "ON_DISK", 1000)
    with pytest.raises(UserError, match=r"3 pictures on 1000 classes take .* only two of the classes"):
        tables.new_table((3, 1000))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("settings", [{}, {"effect": "probability", "exhaustive": True}], ids=["race", "every move"])
def test_a_search_in_mapped_tables_finds_the_same(folder, monkeypatch, settings):
    explainer = tiny_explainer(classes=3, n=20)
    found = []
    for in_memory in (tables.IN_MEMORY, 0):
        monkeypatch.setattr(tables, "IN_MEMORY", in_memory)
        result = run_job(attfind(explainer, AttFindSettings(n=20, wanted=3, unstable_effect=50.0, **settings)))
        found.append([(a.target, a.entries[0], round(a.mean_effect, 3)) for a in result.attribute_set.attributes])
        assert isinstance(result.effects, np.memmap) == (in_memory == 0)
    assert found[0] == found[1] != []
    assert list(folder.iterdir()) == []
