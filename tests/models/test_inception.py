# SPDX-License-Identifier: MIT
"""Inception for FID: the places in which it differs from torchvision's, and the file that it is read from.

With random weights its features equal torch-fidelity's to 1e-5 of their size; torch-fidelity is no dependency.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.models import inception
from latent_explorer.models.inception import InceptionFeatures, read_inception


@pytest.fixture(scope="module")
def network() -> InceptionFeatures:
    torch.manual_seed(0)
    return InceptionFeatures()


def test_features_are_of_the_last_pool(network: InceptionFeatures) -> None:
    img = torch.rand(1, 3, 32, 32) * 2 - 1
    found = network(img)
    assert found.shape == (1, 2048)
    assert not network.train().network.training


def test_pictures_are_enlarged_as_tensorflow_1_did() -> None:
    weights = inception._resize_weights(64)
    assert torch.allclose(weights.sum(dim=1), torch.ones(299))
    place = torch.arange(299) * 64 / 299  # the first pixel lies on the first, the last beyond the last
    assert torch.allclose(weights @ torch.arange(64.0), place.clamp(max=63), atol=1e-4)


def test_averages_leave_the_border_out_and_the_last_block_takes_a_maximum(network: InceptionFeatures) -> None:
    assert torch.allclose(inception._average(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))
    x = torch.arange(16.0).view(1, 1, 4, 4)
    last, before = network.network.Mixed_7c, network.network.Mixed_7b
    assert (last._pool(x)[0, 0, 0, 0], before._pool(x)[0, 0, 0, 0]) == (5, (0 + 1 + 4 + 5) / 4)


def test_only_the_published_file_is_read(
    network: InceptionFeatures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "inception.pth"
    # As published: batch normalisations without their counters.
    torch.save({k: v for k, v in network.network.state_dict().items() if "num_batches" not in k}, file)
    with pytest.raises(UserError, match="is not the published Inception, so its distance would not be FID"):
        read_inception(file)
    with pytest.raises(UserError, match="cannot be read"):
        read_inception(tmp_path / "missing.pth")
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    img = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(read_inception(file)(img), network(img))
