# SPDX-License-Identifier: MIT
"""Table 2: methods side by side, with a control."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from click.testing import CliRunner
from colour_explainer import tiny_explainer as random_explainer

from latent_explorer.cli.root import root
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report.methods import METHODS, MethodRow, compare_methods
from latent_explorer.models.explainer_file import write_explainer


def test_every_method_is_measured_in_every_run_on_the_same_number_of_pictures():
    rows = run_job(compare_methods([random_explainer(n=30)], n=24, runs=2))
    assert [row.method for row in rows] == list(METHODS)
    assert {row.n for row in rows} == {24}
    assert all(len(row.rates) == 2 and all(0 <= rate <= 1 for rate in row.rates) for row in rows)


def test_runs_that_share_all_pictures_are_warned_of():
    events = []
    run_job(compare_methods([random_explainer(n=20)], n=20, runs=2), events.append)
    assert sum("every run uses all" in e.text for e in events if isinstance(e, Notice)) == 1


def test_the_standard_error_is_that_of_the_mean_of_the_runs():
    row = MethodRow("x", "AttFind", (0.2, 0.4, 0.6), 10)
    assert row.mean == pytest.approx(0.4)
    assert row.standard_error == pytest.approx(0.2 / math.sqrt(3))
    assert MethodRow("x", "AttFind", (0.2,), 10).to_dict()["standard_error"] is None


def test_an_explainer_without_pictures_is_a_sentence():
    explainer = random_explainer(n=3)
    explainer.samples = None
    with pytest.raises(UserError, match="holds no pictures"):
        run_job(compare_methods([explainer]))


def plain_generator():
    """Return the explainer of a training without classes: a generator alone."""
    explainer = random_explainer(n=3)
    return replace(explainer, name="plain", classifiers={}, conditioned_on=None, samples=None, attribute_sets=())


def test_a_plain_generator_is_asked_the_classifier_of_the_others_about_pictures_that_it_generates():
    events = []
    told = random_explainer(n=24)
    rows = run_job(compare_methods([plain_generator(), told], n=20, runs=1), events.append)
    assert [row.model for row in rows] == ["plain"] * len(METHODS) + [told.name] * len(METHODS)
    assert {row.n for row in rows} == {20}
    assert any("pictures that it generates" in e.text for e in events if isinstance(e, Notice))


def test_a_plain_generator_alone_is_a_sentence():
    with pytest.raises(UserError, match="none was given beside it"):
        run_job(compare_methods([plain_generator()], n=20))


def test_the_commands_print_and_write(tmp_path, tiny_explainer):
    path = tmp_path / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    out = tmp_path / "table.json"
    arguments = ["replicate", "methods", str(path), "--n", "20", "--runs", "1", "--out", str(out)]
    result = CliRunner().invoke(root, arguments)
    assert result.exit_code == 0, result.output
    assert "random coordinates" in result.output
    assert len(json.loads(out.read_text())["rows"]) == len(METHODS)
    found = CliRunner().invoke(root, ["stylespace", str(path), "--n", "30", "--wanted", "2", "--score", "difference"])
    assert found.exit_code == 0, found.output
    assert "towards" in found.output
