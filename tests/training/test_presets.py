# SPDX-License-Identifier: MIT
"""Presets: valid settings, with the source of their figures."""

from __future__ import annotations

import msgspec
import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.training import presets
from latent_explorer.training.config import ClassifierTraining, DataConfig, TrainConfig
from latent_explorer.training.distributed import check_batch_divisible
from latent_explorer.training.settings import check_widths

DATA = DataConfig("pictures")


@pytest.mark.parametrize("key", presets.PRESETS)
def test_a_preset_is_within_all_ranges(key: str) -> None:
    config = presets.apply(key, TrainConfig(DATA))
    assert msgspec.convert(msgspec.to_builtins(config), TrainConfig) == config
    check_widths(config)
    check_batch_divisible(config, 1)
    assert config.images > config.adversarial_start + config.adversarial_ramp
    training = ClassifierTraining(DATA, **presets.preset(key).classifier)
    assert msgspec.convert(msgspec.to_builtins(training), ClassifierTraining) == training


@pytest.mark.parametrize("key", presets.PRESETS)
def test_a_preset_explains_itself(key: str) -> None:
    preset = presets.preset(key)
    assert preset.key == key
    assert preset.title
    assert preset.description.endswith(".")
    assert preset.source
    assert bool(preset.differs) == key.startswith("published")


def test_a_misspelt_preset_is_guessed() -> None:
    with pytest.raises(UserError, match="Did you mean quick-look"):
        presets.preset("quicklook")
