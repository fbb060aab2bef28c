# SPDX-License-Identifier: MIT
"""Search texts for style coordinates."""

from __future__ import annotations

import pytest

from latent_explorer.models.architecture import stylegan2_layout
from latent_explorer.ui.attributes.add_slider import find_styles

LAYOUT = stylegan2_layout((32, 32, 24, 16, 16))  # 64 px, nine convolutions


def at(layer: str, channel: int) -> int:
    return LAYOUT.index(layer, channel)


@pytest.mark.parametrize("text", ["214", " 214 ", "style 214", "Style 214", "no 214"])
def test_a_number_alone_is_a_style(text):
    assert find_styles(LAYOUT, text) == [214]


@pytest.mark.parametrize("text", ["b16.conv1 20", "B16.CONV1, 20", "20 b16.conv1"])
def test_a_layer_and_a_number_is_a_channel(text):
    assert find_styles(LAYOUT, text) == [at("b16.conv1", 20)]


@pytest.mark.parametrize("text", ["64 px", "64px", "b64"])
def test_a_resolution_is_all_of_its_layers(text):
    found = find_styles(LAYOUT, text)
    assert {LAYOUT.at(i)[0].name for i in found} == {"b64.conv0", "b64.conv1"}
    assert len(found) == 32


def test_a_resolution_and_a_number_is_that_channel_in_each_layer():
    assert find_styles(LAYOUT, "16 px 3") == [at("b16.conv0", 3), at("b16.conv1", 3)]


def test_a_name_that_is_still_being_typed():
    assert find_styles(LAYOUT, "b16.co") == find_styles(LAYOUT, "b16")


def test_a_kind_of_layer():
    assert all(LAYOUT.at(i)[0].name.endswith("conv0") for i in find_styles(LAYOUT, "conv0"))


def test_channel_is_a_word():
    assert find_styles(LAYOUT, "channel 31")[0] == 31
    assert len(find_styles(LAYOUT, "channel 31")) == 4  # the layers that have 32 channels


def test_a_chosen_layer_narrows():
    assert find_styles(LAYOUT, "", "b8.conv0") == [at("b8.conv0", c) for c in range(32)]
    assert find_styles(LAYOUT, "5", "b8.conv0") == [at("b8.conv0", 5)]


def test_nothing_typed_is_everything():
    assert find_styles(LAYOUT, "") == list(range(LAYOUT.num_styles))


@pytest.mark.parametrize("text", ["leaf", "9999", "b16.conv1 999", "128 px", "b1", "3 4"])
def test_what_fits_nothing(text):
    assert find_styles(LAYOUT, text) == []
