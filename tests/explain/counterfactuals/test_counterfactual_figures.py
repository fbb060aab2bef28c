# SPDX-License-Identifier: MIT
"""Figures of counterfactuals: answers that are known from how the pictures were made."""

from __future__ import annotations

import math

import pytest
import torch

from latent_explorer.explain.counterfactuals import figures


def corner_probs(img):
    """A classifier of the top left quarter: class 1 is its mean, scaled from [-1, 1]."""
    p = (img[:, :, :4, :4].mean(dim=(1, 2, 3)) + 1) / 2
    return torch.stack([1 - p, p], dim=1)


def test_insertion_goes_from_the_photo_to_the_counterfactual_by_the_size_of_the_change():
    photo = torch.zeros(3, 4, 4)
    made = torch.arange(16.0).view(1, 4, 4).repeat(3, 1, 1)
    steps = figures.insertion_steps(photo, made, steps=4)
    assert torch.equal(steps[0], photo)
    assert torch.equal(steps[-1], made)
    assert [int((step[0] > 0).sum()) for step in steps] == [0, 4, 8, 12, 15]
    assert steps[1][0].flatten()[12:].tolist() == [12, 13, 14, 15]


def test_cout_is_high_where_the_change_is_where_the_classifier_looks():
    photo = -torch.ones(3, 8, 8)
    right = photo.clone()
    right[:, :4, :4] = 1  # changes what is read, and nothing else
    assert figures.cout(photo, right, corner_probs, 0, 1, steps=4) == pytest.approx(0.75)  # 0 to 1 in the first quarter
    everywhere = torch.ones(3, 8, 8)
    everywhere[:, :4, :4] -= 0.01  # what is read changes least, and comes last
    assert figures.cout(photo, everywhere, corner_probs, 0, 1, steps=4) == pytest.approx(-0.75, abs=0.01)
    assert figures.cout(photo, photo, corner_probs, 0, 1) == pytest.approx(-1.0)  # never leaves the source class


def test_cout_of_other_steps_is_nearly_the_same():
    torch.manual_seed(0)
    photo, made = torch.rand(2, 3, 8, 8) * 2 - 1
    found = [figures.cout(photo, made, corner_probs, 0, 1, steps) for steps in (16, 32, 64)]
    assert max(found) - min(found) < 0.02


def test_the_split_frechet_distance_does_not_reward_copies():
    torch.manual_seed(0)
    real = torch.randn(400, 3)
    assert figures.split_frechet(real, real) > 1e-3 > figures.frechet_distance(real, real)
    assert figures.split_frechet(real, real) == pytest.approx(0, abs=0.1)  # halves of one population
    assert figures.split_frechet(real, real + 2) == pytest.approx(12, rel=0.1)  # 3 times 2 squared
    assert figures.split_frechet(real, real + 2) == figures.split_frechet(real, real + 2)
    with pytest.raises(ValueError, match="halved"):
        figures.split_frechet(real[:3], real[:3])


def test_embeddings_are_compared_by_their_angle():
    real = torch.tensor([[1.0, 0.0], [1.0, 0.0], [2.0, 2.0]])
    made = torch.tensor([[5.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert figures.similarities(real, made).tolist() == pytest.approx([1, 0, math.sqrt(0.5)])


def test_changed_attributes_are_counted_at_the_threshold():
    before = torch.tensor([[0.9, 0.1, 0.4], [0.9, 0.1, 0.4]])
    after = torch.tensor([[0.6, 0.6, 0.6], [0.9, 0.2, 0.3]])
    assert figures.changed_attributes(before, after) == 1.0


def test_the_correlation_difference_is_zero_where_changes_go_as_the_data_do():
    asked = torch.tensor([1.0, -1.0, 2.0, -2.0])
    change = torch.stack([asked, -asked, torch.zeros(4)], dim=1)  # one with it, one against it, one not at all
    same = torch.stack([asked, -asked, torch.ones(4)], dim=1)
    assert figures.correlation_difference(change, asked, same, asked) == pytest.approx(0)
    opposite = torch.stack([-asked, -asked, torch.ones(4)], dim=1)
    assert figures.correlation_difference(change, asked, opposite, asked) == pytest.approx(2)


def test_sparsity_is_one_for_one_factor_and_zero_for_all_alike():
    assert figures.sparsity(torch.tensor([[0.0, -3.0, 0.0]])) == 1
    assert figures.sparsity(torch.tensor([[2.0, -2.0, 2.0]])) == 0
    assert figures.sparsity(torch.tensor([[4.0, 1.0, 1.0], [0.0, 0.0, 0.0]])) == pytest.approx(0.75)
    assert math.isnan(figures.sparsity(torch.zeros(2, 2)))


def test_changes_are_split_by_the_mask():
    photos, made = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    made[0, :, 0, 0], made[0, 0, 3, 3] = 1.0, -2.0
    masks = torch.zeros(1, 4, 4, dtype=torch.bool)
    masks[0, :2, :2] = True
    assert figures.mask_changes(photos, made, masks).tolist() == [[3.0, 2.0]]


def test_cout_in_random_order_lies_between_the_best_and_the_worst_order():
    photo, made = torch.zeros(3, 8, 8), torch.zeros(3, 8, 8)
    made[:, 0] = 1.0  # the row that decides
    made[:, 4:] = 0.1

    def ask(img):
        p = img[:, 0, 0].mean(dim=1)  # of the first row
        return torch.stack([1 - p, p], dim=1)

    ordered = figures.cout(photo, made, ask, 0, 1)
    drawn = [figures.cout(photo, made, ask, 0, 1, rng=torch.Generator().manual_seed(i)) for i in range(20)]
    assert ordered > max(drawn)
    assert sum(drawn) / 20 == pytest.approx(0, abs=0.1)  # the probability rises evenly
    again = figures.cout(photo, made, ask, 0, 1, rng=torch.Generator().manual_seed(3))
    assert again == drawn[3]


def test_diversity_is_zero_for_the_same_change_and_one_for_unrelated_ones():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    assert figures.diversity(torch.stack([a, 3 * a])[None]) == pytest.approx(0)
    assert figures.diversity(torch.stack([a, b])[None]) == pytest.approx(1)
    assert figures.diversity(torch.stack([a, a, b])[None]) == pytest.approx(2 / 3)


def test_sigma_l_is_the_mean_distance_of_two_counterfactuals_of_one_photo():
    of_two, of_three = torch.tensor([[[0.0, 0.4], [0.4, 0.0]]]), torch.full((1, 3, 3), 0.2)
    of_three[0].fill_diagonal_(0)
    assert figures.pairwise_means(of_two).tolist() == pytest.approx([0.4])
    assert figures.pairwise_means(of_three).tolist() == pytest.approx([0.2])


def test_minimality_is_zero_for_a_change_smaller_than_all_distances_of_the_data_only_if_its_own_class_is_near():
    near, far = torch.full((1, 5), 0.1), torch.full((1, 5), 9.0)
    d = torch.ones(1)
    assert figures.minimality(d, to_target=far, to_source=near) == pytest.approx(0)
    assert figures.minimality(d, to_target=near, to_source=far) == pytest.approx(1)
    assert figures.minimality(d, to_target=near, to_source=near) == pytest.approx(math.log(0.8 * math.e + 0.2))


def test_relative_changes_are_one_of_the_own_classifier_and_nan_where_that_did_not_move():
    before = torch.zeros(3, 3)
    after = torch.tensor([[2.0, 2.0, 2.0], [1.0, 0.0, -1.0], [1.0, 1.0, 1.0]])
    assert figures.relative_changes(before, after, 0).tolist() == [1.0, 0.0, 0.5]
    assert figures.relative_changes(before, after, 1).isnan().all()
