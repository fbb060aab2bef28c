# SPDX-License-Identifier: MIT
"""Settings of a training: their reasons, and parsing of values."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latent_explorer.common.errors import UserError
from latent_explorer.training.config import SECTIONS, ClassifierTraining, DataConfig, EncoderTraining, TrainConfig
from latent_explorer.training.settings import (
    OPTIONS,
    check_settings,
    parse_settings,
    settings_of,
    train_config,
    train_settings,
    values_of,
)

CONFIGS = (TrainConfig, ClassifierTraining, EncoderTraining)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_setting_says_what_it_is_for(config) -> None:
    """Tooltips and help show the reason."""
    silent = [s.name for s in settings_of(config).values() if not s.reason.endswith(".")]
    assert silent == []


@pytest.mark.parametrize("config", CONFIGS)
def test_every_default_is_allowed_and_survives_being_written(config) -> None:
    for field in msgspec.structs.fields(config):
        if setting := settings_of(config).get(field.name):
            assert setting.parse(setting.text(field.default)) == field.default


def test_headings_begin_at_settings_and_options_are_settings() -> None:
    for config, sections in SECTIONS.items():
        assert sections.keys() <= settings_of(config).keys()
    assert set(OPTIONS) <= train_settings().keys()


def test_only_the_configs_within_it_are_no_settings_of_a_training() -> None:
    fields = {field.name for field in msgspec.structs.fields(TrainConfig)}
    assert fields - train_settings().keys() == {"data", "classifier_training"}


@pytest.mark.parametrize(
    ("text", "number"),
    [("20,000", 20_000), ("20 000", 20_000), ("20k", 20_000), ("2m", 2_000_000),
     ("1.5M", 1_500_000), ("1.500.000", 1_500_000), ("2,5k", 2_500), ("200_000", 200_000)],
)  # fmt: skip
def test_lengths_as_people_write_them(text: str, number: int) -> None:
    assert train_settings()["images"].parse(text) == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("images=", "a whole number, at least 1"),
        ("images=1.5", "a whole number, at least 1"),
        ("images=many", "a whole number, at least 1"),
        ("images=-5", "a whole number, at least 1"),
        ("lr=0", "a number, more than 0"),
        ("lr=nan", "a number, more than 0"),
        ("lr=inf", "a number, more than 0"),
        ("ada_target=nan", "a number"),
        ("cond_resolution=2", "a multiple of 4"),
        ("channels=8,,8", "a whole number, at least 1, or several"),
        ("flip=perhaps", "true or false"),
        ("mode=stylegan3", "stylegan2 or stylex"),
        ("classifier.blur=2", "at least 0, at most 1"),
        ("data=x", "no setting 'data'"),
        ("kl", "NAME=VALUE"),
        ("lppips=1", "lpips (Weight of the perceptual distance"),
    ],
)
def test_what_is_not_allowed_is_said_with_what_is(text: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        parse_settings([text], train_settings())
    assert words in str(error.value)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0))
def test_numbers_come_through_a_command_line_exactly(value: float) -> None:
    setting = train_settings()["kl"]
    assert setting.parse(setting.text(value)) == value


def test_values_from_elsewhere_are_held_to_their_type() -> None:
    known = train_settings()
    assert check_settings({"channels": [8, 8], "kl": 1}, known) == {"channels": (8, 8), "kl": 1.0}
    with pytest.raises(UserError, match=r"images=0 .* at least 1"):
        check_settings({"images": 0}, known)
    with pytest.raises(UserError, match="wrong value"):
        check_settings({"lr": "fast"}, known)


def test_the_classifier_follows_the_training_unless_it_is_told() -> None:
    values = values_of(train_config("x", settings={"resolution": 32}))
    assert values["resolution"] == values["classifier.resolution"] == 32
    told = values_of(train_config("x", settings={"resolution": 32, "classifier.resolution": 16}))
    assert told["classifier.resolution"] == 16
    plain = values_of(train_config("x", settings={"mode": "stylegan2"}))
    assert not any(name.startswith("classifier.") for name in plain)
    assert values_of(TrainConfig(DataConfig("x"))).keys() == plain.keys()
