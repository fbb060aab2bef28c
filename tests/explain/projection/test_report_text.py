# SPDX-License-Identifier: MIT
"""Words about a projection: its method, cautions and figures."""

from __future__ import annotations

import msgspec
import pytest
from fake_projection import make_projected

from latent_explorer.explain.projected import ProjectionReport
from latent_explorer.explain.projection.report_text import cautions, checks, method_summary, summary
from latent_explorer.explain.projection_settings import ProjectionSettings


def report(**fields):
    return make_projected(**fields).report


def test_how_it_was_made_says_whether_the_classifier_had_a_say():
    alone = report(space="s", tuned=True, settings=ProjectionSettings(verdict=0.0))
    assert method_summary(alone) == "Style space, from the encoder, 100 steps, then tuned, 6 s."
    with_verdict = report(settings=ProjectionSettings(verdict=0.05))
    assert method_summary(with_verdict).endswith("The classifier was part of the search.")
    assert method_summary(report(optimised="")) == "From a file of numbers."


def test_nothing_speaks_against_a_faithful_one():
    assert cautions(report()) == []
    assert [(check.name, check.passed, check.severity) for check in checks(report())] == [
        ("class", True, "good"),
        ("detail", True, "good"),
        ("domain", True, "good"),
    ]
    plain = checks(report(detail_kept=0.0, detail_area=0.001))[1]
    assert (plain.passed, plain.text) == (True, "No colour stands out in the photo that could be lost.")
    assert checks(report(optimised="")) == []  # a latent from a file of numbers


@pytest.mark.parametrize(
    ("name", "passed", "words", "fields"),
    [
        ("class", False, "without the classifier's word it is diseased (0.80)", {"probs_unasked": (0.2, 0.8)}),
        ("class", False, "changes the class", {"agreement": False, "probs_reconstruction": (0.3, 0.7)}),
        ("class", None, "That is no check", {"probs_unasked": ()}),
        ("detail", False, "shows 31 %", {"detail_kept": 0.31}),
        ("detail", None, "not measured", {"detail_kept": None}),
        ("domain", False, "outside this generator's domain", {"in_domain": False}),
    ],
)
def test_no_tick_when_one_of_the_three_fails_or_is_not_known(name, passed, words, fields):
    found = {check.name: check for check in checks(report(**fields))}
    assert (found[name].passed, words in found[name].text) == (passed, True)
    assert "good" not in {check.severity for check in found.values()}
    assert [check.name for check in found.values() if check.severity == "warning"] == (
        [name] if passed is False else []
    )
    assert (found[name].text in cautions(report(**fields))) == (passed is False)


def test_an_older_file_has_not_measured_what_is_new():
    old = msgspec.json.decode(msgspec.json.encode(report()))
    for field in ("probs_unasked", "detail_kept", "detail_area"):
        del old[field]
    del old["settings"]["check"]
    read = msgspec.convert(old, ProjectionReport)
    assert [check.passed for check in checks(read)] == [None, None, True]
    assert {check.severity for check in checks(read)} == {"note"}


def test_an_assumed_condition_is_said():
    (caution,) = cautions(report(cond_assumed=True))
    assert "given equal ones" in caution


def test_figures_in_one_line():
    assert summary(report()).startswith("LPIPS (squeeze) 0.124, PSNR 24.6 dB")
    text = summary(report(optimised="", probs_reconstruction=(0.2, 0.8)))
    assert text == "No photo: the classifier says diseased (0.80) of this latent."
