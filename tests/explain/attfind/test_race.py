# SPDX-License-Identifier: MIT
"""The race finds the list of the whole effect table from few of its entries: on tables whose effects are known."""

from __future__ import annotations

import numpy as np
import pytest

from latent_explorer.explain.attfind.greedy import Pick, search_all
from latent_explorer.explain.attfind.race import FEW, EffectTable, Race

N, STYLES, WANTED = 120, 150, 6


def planted_table(seed=0, classes=2, gradients_see=True):
    """Return effects, predictions and classes: styles 10 to 15 matter, and the more the smaller their number."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 0.01, (N, 2, STYLES, classes))
    verdicts = rng.integers(0, classes, N)
    for place, style_index in enumerate(range(10, 10 + WANTED)):
        size = (1.5 - 0.22 * place) * rng.uniform(0.5, 1.5, N)
        target = style_index % classes
        effects[:, 1, style_index, target] += size
        effects[:, 0, style_index, target] -= size
        effects[:, :, style_index, (target + 1) % classes] -= effects[:, :, style_index, target]
    predicted = 0.4 * effects + rng.normal(0, 0.05, effects.shape)
    if not gradients_see:
        predicted = rng.normal(0, 0.05, effects.shape)
    return effects.astype(np.float32), predicted.astype(np.float32), verdicts


def run_race(effects, predicted, verdicts, seed=0, rendered=None):
    """Return the lists that the race finds, and how many moves it rendered."""
    count = 0

    def render(moves):
        nonlocal count
        count += len(moves)
        yield from ()
        return effects[tuple(moves.T)]

    def search(table):
        return search_all(table, verdicts, WANTED, 1.0)

    def job():
        yield from race.start()
        while not (yield from race.round()):
            pass
        while (yield from race.show(search(race.estimate()).ranked)):
            pass

    at_end = np.zeros(effects.shape[:3], dtype=bool) if rendered is None else rendered
    race = Race(EffectTable(predicted.copy(), at_end), verdicts, render, search, seed=seed)
    for _ in job():
        pass
    return race, search(race.estimate()), search(effects), count


def as_job(value):
    yield from ()
    return value


def moves_of(picks):
    return [(pick.direction, pick.style_index) for pick in picks]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [2, 3])
def test_the_race_finds_what_the_whole_table_gives_from_a_fraction_of_it(seed, classes):
    race, found, whole, count = run_race(*planted_table(seed, classes), seed)
    for target in range(classes):
        strong = [pick for pick in whole.ranked[target] if 10 <= pick.style_index < 10 + WANTED]
        assert strong
        assert set(moves_of(strong)) <= set(moves_of(found.ranked[target]))
    assert count < 0.35 * race.table.rendered.size
    assert count == race.table.rendered.sum()


def test_what_gradients_do_not_see_is_found_by_the_pictures_drawn_at_random():
    _, found, whole, count = run_race(*planted_table(gradients_see=False))
    assert set(range(10, 10 + WANTED)) <= {p.style_index for p in found.ranked[0]} | {
        p.style_index for p in found.rankings[1].picks
    }
    assert moves_of(found.ranked[0])[:3] == moves_of(whole.ranked[0])[:3]
    assert count < 0.5 * 2 * N * STYLES


def test_the_figures_of_the_list_are_exact_and_the_rest_is_marked():
    effects, predicted, verdicts = planted_table()
    race, found, _, _ = run_race(effects, predicted, verdicts)
    estimate, rendered = race.estimate(), race.table.rendered
    for target, picks in found.ranked.items():
        for pick in picks:
            assert rendered[verdicts != target, pick.direction, pick.style_index].all()
    np.testing.assert_array_equal(estimate[rendered], effects[rendered])
    assert not rendered.all()
    assert 0 < race.agreement <= 1


def test_the_estimate_is_nearer_to_the_effects_than_the_prediction():
    effects, predicted, verdicts = planted_table()
    race, *_ = run_race(effects, predicted, verdicts)
    unseen = ~race.table.rendered
    errors = [np.square(table[unseen] - effects[unseen]).mean() for table in (race.estimate(), predicted)]
    assert errors[0] < errors[1]


def test_moves_that_go_nowhere_are_not_rendered():
    effects, predicted, verdicts = planted_table()
    at_end = np.zeros(effects.shape[:3], dtype=bool)
    at_end[0] = True
    race, *_, count = run_race(effects, predicted, verdicts, rendered=at_end)
    assert count == race.table.rendered[1:].sum()
    np.testing.assert_array_equal(race.estimate()[0], 0)


@pytest.mark.parametrize("classes", [2, 3])
def test_pictures_of_one_class_only_end_the_race(classes):
    effects, predicted, _ = planted_table(classes=classes)
    _, found, _, _ = run_race(effects, predicted, np.zeros(N, dtype=int))
    assert found.rankings[0].stop == "no pictures"
    assert found.ranked[classes - 1] != ()


def test_the_same_seed_gives_the_same_race():
    first, second = (run_race(*planted_table(), seed=4) for _ in range(2))
    np.testing.assert_array_equal(first[0].table.rendered, second[0].table.rendered)


def test_unstable_pictures_are_found_by_moves_drawn_at_random():
    effects, predicted, verdicts = planted_table()
    unstable = np.array([3, 50, 80])
    effects[unstable] += np.random.default_rng(1).normal(0, 3, effects[unstable].shape)
    race, _, _, count = run_race(effects, predicted, verdicts)
    assert set(np.flatnonzero(race.unstable)) == set(unstable)
    assert count < 0.75 * race.table.rendered.size


def test_unstable_pictures_that_are_predicted_are_found_though_few_of_their_moves_are_drawn():
    """Of 20 moves of a picture that are drawn, none is among the twentieth with a large effect in every third case."""
    rng = np.random.default_rng(0)
    effects = rng.normal(0, 0.01, (N, 2, 10 * N // 2, 2)).astype(np.float32)
    unstable = np.arange(3)
    effects[unstable] += 3 * (rng.random(effects[unstable].shape[:3]) < 0.05)[..., None]
    for seed in range(5):
        table = EffectTable(effects + 0.01, np.zeros(effects.shape[:3], dtype=bool))
        race = Race(table, np.arange(N) % 2, lambda moves: as_job(effects[tuple(moves.T)]), None, seed=seed)
        for _ in race.start():
            pass
        assert set(np.flatnonzero(race.unstable)) == set(unstable)


def test_the_interval_of_what_is_partly_rendered_holds_the_mean_and_is_wider_than_that_of_all():
    covered, widths = 0, []
    for seed in range(20):
        effects, predicted, verdicts = planted_table(seed)
        rendered = np.zeros(effects.shape[:3], dtype=bool)
        rows = np.flatnonzero(verdicts != 0)
        table = EffectTable(predicted.copy(), rendered)
        some = np.random.default_rng(seed).choice(rows, 8, replace=False)
        moves = np.stack([some, np.ones(8, dtype=int), np.full(8, 10)], axis=1)
        table.add(moves, effects[tuple(moves.T)])
        race = Race(table, verdicts, None, None)
        mean = float(effects[rows, 1, 10, 0].mean())
        low, high = race.interval(Pick(10, 1, 0, 1, mean_effect=mean))
        centre = float(predicted[rows, 1, 10, 0].mean() + (effects - predicted)[some, 1, 10, 0].mean())
        covered += abs(mean - centre) <= min(centre - low, high - centre)
        widths.append(high - low)
        assert race.interval(Pick(11, 1, 0, 1)) is None
    assert covered >= 17
    assert min(widths) > 2 * effects[rows, 1, 10, 0].std() / np.sqrt(len(rows))


def test_the_interval_counts_unstable_pictures_as_the_list_does():
    """They are rendered as wild as they are, and count as 0."""
    effects, predicted, verdicts = planted_table()
    rows = np.flatnonzero(verdicts != 0)
    some = np.random.default_rng(0).permutation(rows)[:30]
    effects[some[:10]] += 50
    table = EffectTable(predicted.copy(), np.zeros(effects.shape[:3], dtype=bool))
    moves = np.stack([some, np.ones(30, dtype=int), np.full(30, 10)], axis=1)
    table.add(moves, effects[tuple(moves.T)])
    race = Race(table, verdicts, None, None)
    race.unstable[some[:10]] = True
    mean = float(np.where(race.unstable, 0, effects[:, 1, 10, 0])[rows].mean())
    low, high = race.interval(Pick(10, 1, 0, 1, mean_effect=mean))
    assert low < mean < high < mean + 0.5


def test_moves_that_go_nowhere_say_nothing_of_how_far_predictions_err():
    classes = np.zeros(10, dtype=int)
    at_end = np.zeros((10, 2, 4), dtype=bool)
    at_end[0] = True
    table = EffectTable(np.zeros((10, 2, 4, 2), np.float32), at_end)
    moves = np.argwhere(np.arange(10)[:, None, None] * np.ones((1, 2, 4)) == 1)
    table.add(moves, np.ones((len(moves), 2), np.float32))
    # Its column has the errors 0 and 1, and STRANGERS = 2 others of 1.
    np.testing.assert_allclose(Race(table, classes, None, None).estimate()[2:], 0.75)


def test_more_pictures_of_a_column_are_drawn_from_the_whole_file():
    """Files are often sorted by class: the first that are missing would all be of one."""
    verdicts = np.repeat([0, 1, 2], 40)
    asked = []
    for seed in range(10):
        table = EffectTable(np.zeros((120, 2, 2, 3), np.float32), np.zeros((120, 2, 2), dtype=bool))
        asked.append(Race(table, verdicts, None, None, seed=seed)._more(1, 0, np.arange(40, 120))[:, 0])
    assert [len(rows) for rows in asked] == [FEW] * 10
    assert 0.25 < (verdicts[np.concatenate(asked)] == 2).mean() < 0.75


def test_where_nothing_helps_all_agree_on_an_empty_list():
    shape = N, 2, STYLES, 2
    race, found, _, _ = run_race(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.arange(N) % 2)
    assert found.ranked == {0: (), 1: ()}
    assert race.agreement == 1
