# SPDX-License-Identifier: MIT
"""Which methods find the true causes of a verdict, and which do not by their nature."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from known_explainers import CASES, known_explainer, planted_in_w, recall, three_classes, with_outlier

from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, stylespace
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import SearchSettings

N = 60
MANY = 400  # pictures for the channels of Wu et al., which render few: a tenth of them are exemplars
MONOTONE = ("one", "two", "saturating", "spread over five", "companions", "area")
SCORES = ("signal", "difference")


@functools.cache
def made(case, n=N):
    return known_explainer(case, n=n)


@functools.cache
def searched(case, exhaustive=True):
    """Search for as many attributes as recall is measured in."""
    explainer, roles = made(case)
    return run_job(attfind(explainer, AttFindSettings(n=N, wanted=len(roles.causes) + 2, exhaustive=exhaustive)))


def numbers(picks):
    return [pick.style_index for pick in picks]


def channels(case, target, score):
    """Return the channels of Wu et al. towards a class, best first."""
    found = run_job(stylespace(made(case, MANY)[0], StyleSpaceSettings(n=MANY, score=score)))
    return [a.entries[0].style_index for a in found.attributes if a.target == target]


def logits_and_styles(case):
    explainer, _ = made(case)
    synthesis, ws = explainer.generator.synthesis, explainer.samples.ws
    with torch.no_grad():
        return explainer.classifier.logits(synthesis(ws))[:, 1].numpy(), synthesis.join(synthesis.styles(ws)).numpy()


@pytest.mark.parametrize("case", CASES)
def test_the_answers_are_what_they_are_said_to_be(case):
    """Both classes are there, causes have the largest effects, and followers and decoy have none."""
    explainer, roles = made(case)
    share = float((explainer.samples.probs.argmax(dim=1) == 1).float().mean())
    assert 0.3 < share < 0.7
    largest = np.abs(searched(case).effects).max(axis=(0, 1, 3))
    idle = [roles.shadow, *roles.companions] + ([] if CASES[case].area else [roles.area])
    assert largest[idle].max() < 1e-4
    rest = np.delete(largest, [*roles.causes, *idle])
    assert largest[list(roles.causes)].min() > 3 * rest.max() > 0


def test_the_area_changes_the_picture_most_and_the_shadow_tells_most_of_the_class():
    explainer, roles = made("spread over five")
    synthesis, ws = explainer.generator.synthesis, explainer.samples.ws
    with torch.no_grad():
        styles = synthesis.styles(ws[:1])
        s = synthesis.join(styles)
        moved = s + torch.diag(synthesis.std)
        change = (synthesis.render(synthesis.replace(styles, moved)) - synthesis.render(styles)).square().sum((1, 2, 3))
    assert int(change.argmax()) == roles.area
    assert change[roles.area] > 10 * change.sort().values[-2]
    logits, s = logits_and_styles("spread over five")
    correlations = [abs(np.corrcoef(logits, column)[0, 1]) for column in s.T]
    assert int(np.argmax(correlations)) == roles.shadow


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
@pytest.mark.parametrize("case", MONOTONE)
def test_attfind_lists_the_causes_before_all_else(case, exhaustive):
    """It moves one coordinate at a time and asks the classifier, so what only varies with the class counts nothing.

    In "saturating" half of the pictures have no gradient at all, which the race must see through.
    """
    _, roles = made(case)
    result = searched(case, exhaustive)
    for target in (0, 1):
        found = numbers(result.ranked[target])
        assert set(found[: len(roles.causes)]) == set(roles.causes)
        assert not {roles.shadow, *roles.companions} & set(found)


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
@pytest.mark.parametrize("case", ["saturating", "spread over five"])
def test_attfind_lists_the_causes_first_by_probability_too(case, exhaustive):
    explainer, roles = made(case)
    settings = AttFindSettings(n=N, wanted=len(roles.causes), effect="probability", exhaustive=exhaustive)
    result = run_job(attfind(explainer, settings))
    for target in (0, 1):
        assert set(numbers(result.ranked[target])) == set(roles.causes)


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
@pytest.mark.parametrize(("pair", "used"), [((0, 1), (0,)), ((0, 2), (0, 1))])
def test_a_pair_names_what_decides_between_its_two_classes(pair, used, exhaustive):
    """The second cause raises the third class alone: between the first two it decides nothing."""
    explainer, roles = three_classes(n=N)
    settings = AttFindSettings(n=N, wanted=3, pair=pair, exhaustive=exhaustive)
    result = run_job(attfind(explainer, settings))
    causes = {roles.causes[i] for i in used}
    for target in (0, 1):
        strong = [pick.style_index for pick in result.ranked[target] if pick.mean_effect > 0.1]
        assert set(strong) == causes


def test_against_the_rest_each_class_has_its_own_cause():
    explainer, roles = three_classes(n=N)
    result = run_job(attfind(explainer, AttFindSettings(n=N, wanted=1)))
    assert [result.ranked[target][0].style_index for target in (1, 2)] == list(roles.causes)


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
def test_percentiles_take_the_word_from_one_outlier(exhaustive):
    """A weaker cause reaches further than the stronger one in a single picture, which decides its range."""
    explainer, roles = known_explainer("one", n=N)
    weaker = roles.shadow  # a coordinate that does nothing yet
    explainer.classifier.network.leak[weaker] = 0.85
    explainer = with_outlier(explainer, weaker, 10)
    first = {}
    for percentiles in (None, (5, 95)):
        settings = AttFindSettings(n=N, wanted=2, percentiles=percentiles, exhaustive=exhaustive)
        found = run_job(attfind(explainer, settings)).ranked[1]
        assert set(numbers(found)) == {roles.causes[0], weaker}
        first[percentiles] = found[0].style_index
    assert first == {None: weaker, (5, 95): roles.causes[0]}


def test_the_race_need_not_render_every_move():
    result = searched("spread over five", exhaustive=False)
    assert result.rendered.mean() < 0.5


def test_attfind_finds_a_cause_with_two_ends_only_towards_the_class_of_the_ends():
    """No move to an end leads to the middle, so the other class is out of its reach, at kappa 1."""
    _, roles = made("either end")
    rankings = searched("either end").rankings
    assert rankings[1].picks[0].style_index == roles.causes[0]
    assert roles.causes[0] not in numbers(rankings[0].picks)


def test_attfinds_merged_list_loses_causes_that_only_act_together():
    """The search of each class finds both; the list that is shown of two classes is ordered by means over all pictures.

    There what raises half of the pictures and lowers the others cancels.
    """
    _, roles = made("only together")
    result = searched("only together")
    for target in (0, 1):
        assert set(numbers(result.rankings[target].picks)[:2]) == set(roles.causes)
        assert result.ranked[target][0].style_index not in roles.causes


@pytest.mark.parametrize("score", SCORES)
def test_stylespace_channels_name_a_cause_that_tells_all(score):
    """One cause and its shadow vary with the logit, nothing else nearly as much: both are among the first three."""
    _, roles = made("one")
    for target in (0, 1):
        assert {roles.causes[0], roles.shadow} <= set(channels("one", target, score)[:3])


@pytest.mark.parametrize("score", SCORES)
def test_stylespace_channels_name_what_varies_with_the_cause(score):
    """Expected of a correlation: seven that do nothing vary as the cause does, so two of the first three are idle."""
    _, roles = made("companions")
    for target in (0, 1):
        first = channels("companions", target, score)[:3]
        assert len({roles.shadow, *roles.companions} & set(first)) >= 2


@pytest.mark.parametrize("score", SCORES)
def test_stylespace_channels_put_a_shadow_before_five_causes(score):
    """Expected of a correlation: the shadow varies as the sum of five, each of them by a fifth of its variance only."""
    _, roles = made("spread over five")
    for target in (0, 1):
        found = channels("spread over five", target, score)
        assert found[0] == roles.shadow
        assert recall(found, roles.causes) < 1


def test_a_boundary_follows_a_cause_in_w():
    """The classifier is linear in w, so what separates its classes is the direction that it reads."""
    explainer, truth = planted_in_w(n=MANY)
    [found] = run_job(find_directions(explainer, SearchSettings(method="boundary", n=MANY, held_out=0)))
    vector = found.direction.shift(explainer.generator.num_ws)[0]
    assert vector @ truth / np.linalg.norm(vector) > 0.8  # the sign, too: it leads to the second class
    others = np.random.default_rng(0).standard_normal((100, len(truth)))
    assert np.abs(others @ truth / np.linalg.norm(others, axis=1)).max() < 0.6
