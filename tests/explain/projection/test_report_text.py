# SPDX-License-Identifier: MIT
"""Words about a projection: its method, cautions and figures."""

from __future__ import annotations

from fake_projection import make_projected

from latent_explorer.explain.projection.report_text import cautions, method_summary, summary
from latent_explorer.explain.projection_settings import ProjectionSettings


def report(**fields):
    return make_projected(**fields).report


def test_how_it_was_made_says_whether_the_classifier_had_a_say():
    alone = report(space="s", tuned=True, settings=ProjectionSettings(verdict=0.0))
    assert method_summary(alone) == "Style space, from the encoder, 100 steps, then tuned, 6 s."
    with_verdict = report(settings=ProjectionSettings(verdict=0.05))
    assert method_summary(with_verdict).endswith("its agreement is not an independent check.")
    assert method_summary(report(optimised="")) == "From a file of numbers."


def test_nothing_speaks_against_a_faithful_one():
    assert cautions(report()) == []
    (caution,) = cautions(report(cond_assumed=True))
    assert "told equal ones" in caution


def test_figures_in_one_line():
    assert summary(report()).startswith("LPIPS (squeeze) 0.124, PSNR 24.6 dB")
    text = summary(report(optimised="", probs_reconstruction=(0.2, 0.8)))
    assert text == "No photo: the classifier says diseased (0.80) of this latent."
