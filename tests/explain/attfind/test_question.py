# SPDX-License-Identifier: MIT
"""What is asked about a picture: two classes alone, and changes of probabilities instead of logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import analyse, attfind
from latent_explorer.explain.attfind.question import Question
from latent_explorer.explain.attfind.result import Subject
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.models.architecture import stylegan2_layout


def subject_of(answers):
    layout = stylegan2_layout((3,))
    return Subject("id", tuple(range(answers.shape[1])), answers, np.zeros((2, 3), np.float32), "none", layout)


def table_of_sure_and_unsure():
    """Return answers of ten pictures of class 1, half of them sure, and effects that raise class 0.

    Style 0 raises sure pictures by 4 logits, which turns none of them; style 1 raises unsure ones by 2, which turns
    all; style 2 does nothing.
    """
    half = np.repeat([4.0, 0.5], 5).astype(np.float32)
    answers = np.stack([-half, half], axis=1)
    effects = np.zeros((10, 2, 3, 2), np.float32)
    effects[:5, 1, 0] = 3, -3
    effects[5:, 1, 1] = 1, -1
    return answers, effects


def test_logits_and_probabilities_rank_differently_what_turns_no_verdict():
    answers, effects = table_of_sure_and_unsure()
    options = {"exhaustive": True, "wanted": 2, "unstable_effect": 100.0}
    lists = {}
    for effect in ("logit", "probability"):
        found = analyse(effects, subject_of(answers), AttFindSettings(effect=effect, **options))
        lists[effect] = [a.entries[0].style_index for a in found.attribute_set.attributes if a.target == 0]
        assert found.attribute_set.attributes[0].mean_effect in (1.5, 0.5)  # logits, whichever is ranked
    assert lists == {"logit": [0, 1], "probability": [1, 0]}


def test_ranked_probabilities_are_those_of_the_softmax():
    answers, effects = table_of_sure_and_unsure()
    ranked = Question("probability").ranked(answers, effects)
    after = 1 / (1 + np.exp(2 * (0.5 - 1.0)))
    np.testing.assert_allclose(ranked[9, 1, 1, 0], after - 1 / (1 + np.exp(1.0)), rtol=1e-5)
    np.testing.assert_allclose(ranked.sum(axis=-1), 0, atol=1e-6)
    assert Question().ranked(answers, effects) is effects


def test_answers_of_a_pair_are_half_its_log_odds():
    logits = torch.tensor([[1.0, 7.0, 4.0], [0.0, 0.0, 2.0]])
    answers = Question(pair=(2, 0)).answers(logits)
    assert answers.tolist() == [[1.5, -1.5], [1.0, -1.0]]
    assert Question().answers(logits) is logits


@pytest.mark.parametrize("pair", [(1, 1), (0, 3), (-1, 0)])
def test_what_is_no_pair(pair):
    with pytest.raises(UserError, match="two different classes out of 3"):
        Question(pair=pair).check(("a", "b", "c"))


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_pair_is_searched_on_its_own_pictures(exhaustive):
    explainer = tiny_explainer(classes=3, n=30)
    events = []
    settings = AttFindSettings(n=30, wanted=4, pair=(2, 0), exhaustive=exhaustive)
    result = run_job(attfind(explainer, settings), events.append)
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    with torch.no_grad():
        img = synthesis(samples.ws, samples.cond, synthesis.noise_const())
        verdicts = explainer.classifier.logits(img).argmax(dim=1)
    expected = int(((verdicts == 2) | (verdicts == 0)).sum())
    found = result.attribute_set
    assert found.n == len(result.effects) == expected < 30
    assert any(f"{expected} of 30 pictures are of the two" in e.text for e in events if isinstance(e, Notice))
    assert {a.target for a in found.attributes} == {0, 2}
    assert found.pair == (2, 0)
    assert found.settings["tau"] == 1.0  # as of two classes
    np.testing.assert_allclose(result.effects[..., 0], -result.effects[..., 1], atol=1e-5)


def test_a_pair_that_no_picture_shows_is_a_sentence():
    explainer = tiny_explainer(classes=3, n=6)
    with torch.no_grad():
        explainer.generator.synthesis.layer("b16.torgb").bias[1] += 100
    with pytest.raises(UserError, match="None of the 6 pictures is a or c"):
        run_job(attfind(explainer, AttFindSettings(n=6, pair=(0, 2))))
