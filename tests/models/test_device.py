# SPDX-License-Identifier: MIT
"""Choice of a device: names of equal cards, and messages for unknown devices."""

from __future__ import annotations

import pytest
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.models import device
from latent_explorer.models.device import choose_device, devices, return_freed_memory


def test_cards_of_one_make_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = ["H100", "A40", "H100"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_name", cards.__getitem__)
    found = {device.id: device.name for device in devices()}
    assert [found[f"cuda:{i}"] for i in range(3)] == ["H100 (0)", "A40", "H100 (2)"]
    assert str(choose_device()) == str(choose_device("cuda")) == "cuda:0"


def test_a_device_that_there_is_not() -> None:
    with pytest.raises(UserError, match="cpu"):
        choose_device("cuda:7")


def test_freed_memory_can_be_given_back_anywhere() -> None:
    return_freed_memory()


@pytest.mark.parametrize(("cuda", "driver", "said"), [(None, True, True), (None, False, False), ("13.0", True, False)])
def test_a_card_that_this_build_cannot_use(monkeypatch, tmp_path, cuda, driver, said) -> None:
    file = tmp_path / "version"
    if driver:
        file.touch()
    monkeypatch.setattr(device, "NVIDIA_DRIVER", (file,))
    monkeypatch.setattr(torch.version, "cuda", cuda)
    note = devices()[-1].note
    assert ("NVIDIA card" in note) == said
    assert note.count(". ") <= 1
