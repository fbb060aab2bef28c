# SPDX-License-Identifier: MIT
"""The filter by realism: coordinates that a discriminator finds unreal are left out, and only those."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from colour_explainer import CHANNELS, tiny_explainer
from known_explainers import SpotDiscriminator, known_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.models.architecture import TrunkConfig
from latent_explorer.models.discriminator import Discriminator

N = 60


@pytest.fixture(scope="module")
def known():
    """Two causes; to the discriminator a picture is real if the first stands near its mean."""
    explainer, roles = known_explainer("two", n=N)
    discriminator = SpotDiscriminator(explainer.classifier.network, roles.causes[0])
    return replace(explainer, discriminator=discriminator), roles


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
def test_a_cause_that_makes_pictures_unreal_is_left_out(known, exhaustive, tmp_path):
    explainer, roles = known
    kept, settings = KeptMoves(tmp_path), AttFindSettings(n=N, wanted=2, exhaustive=exhaustive)
    plain = run_job(attfind(explainer, settings, kept=kept))
    assert {pick.style_index for pick in plain.ranked[0]} == set(roles.causes)
    events = []
    filtered = run_job(
        attfind(explainer, AttFindSettings(n=N, wanted=2, exhaustive=exhaustive, realism=5)), events.append
    )
    for target in (0, 1):
        assert filtered.ranked[target][0].style_index == roles.causes[1]
        assert roles.causes[0] not in {pick.style_index for pick in filtered.ranked[target]}
    assert filtered.attribute_set.settings["realism"] == 5
    done = [e.done / e.total for e in events if isinstance(e, Progress)]
    assert exhaustive or done == sorted(done)
    [told] = [e.text for e in events if isinstance(e, Notice) and "unreal" in e.text]
    assert str(roles.causes[0]) in told
    again = run_job(attfind(explainer, settings, kept=kept))  # what is left out is not kept as an effect of 0
    assert {pick.style_index for pick in again.ranked[0]} == set(roles.causes)


def test_nothing_is_left_out_that_no_picture_is_less_real_than(known):
    explainer, roles = known
    discriminator = SpotDiscriminator(explainer.classifier.network, roles.shadow)  # which no cause moves
    job = attfind(replace(explainer, discriminator=discriminator), AttFindSettings(n=N, wanted=2, realism=20))
    assert {pick.style_index for pick in run_job(job).ranked[0]} == set(roles.causes)


def test_a_discriminator_with_statistics_over_batches_and_one_output_a_class():
    explainer = tiny_explainer(n=12)
    torch.manual_seed(0)
    config = TrunkConfig(CHANNELS, outputs=2, hidden=16, minibatch_stddev=True)
    explainer = replace(explainer, discriminator=Discriminator(config))
    before = {name: tensor.clone() for name, tensor in explainer.discriminator.state_dict().items()}
    found = run_job(attfind(explainer, AttFindSettings(n=12, wanted=2, realism=1.0)))
    assert found.attribute_set.settings["realism"] == 1.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in explainer.discriminator.state_dict().items())


@pytest.mark.parametrize(
    ("realism", "outputs", "reason"), [(5, 0, "no discriminator"), (5, 3, "told 3"), (100, 1, "100")]
)
def test_what_cannot_be_filtered_is_a_sentence(realism, outputs, reason):
    explainer = tiny_explainer(n=12)
    if outputs:
        explainer = replace(explainer, discriminator=Discriminator(TrunkConfig(CHANNELS, outputs=outputs, hidden=16)))
    with pytest.raises(UserError, match=reason):
        run_job(attfind(explainer, AttFindSettings(n=12, realism=realism)))
