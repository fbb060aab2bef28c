# SPDX-License-Identifier: MIT
"""Square crops of pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from latent_explorer.data.crop import (
    MIN_SIZE,
    Crop,
    bounding_square,
    center_square,
    clamp_crop,
    crop_from_pixels,
    crop_image,
    crop_to_pixels,
)
from latent_explorer.data.images import read_image

RNG = np.random.default_rng(0)


def picture(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("shape", [(40, 40), (41, 100), (101, 33), (16, 16), (7, 300)])
def test_the_middle_is_what_read_image_takes_bit_for_bit(shape):
    pixels = picture(*shape)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    expected = read_image(buffer.getvalue(), 16)
    np.testing.assert_array_equal(crop_image(pixels, center_square(*shape), 16), expected)


def test_at_its_own_size_it_is_the_pixels_themselves():
    pixels = picture(40, 60)
    np.testing.assert_array_equal(crop_image(pixels, Crop(10 / 60, 5 / 40, 0.5)), pixels[5:25, 10:30])


def test_what_lies_outside_is_black_and_the_whole_picture_is_kept():
    pixels = picture(20, 50) | 1
    square = crop_image(pixels, bounding_square(20, 50))
    assert square.shape == (50, 50, 3)
    np.testing.assert_array_equal(square[15:35], pixels)
    assert not square[:15].any()
    assert not square[35:].any()
    assert crop_image(pixels, Crop(-3.0, -3.0, 0.5), 8).max() == 0  # nowhere near it


@given(
    st.floats(-50, 50),
    st.floats(-50, 50),
    st.one_of(st.floats(1e-6, 500), st.just(float("inf")), st.just(float("nan"))),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_whatever_a_mouse_does_a_square_comes_out(left, top, size, height, width):
    crop = clamp_crop(Crop(left, top, size), height, width)
    assert crop.size >= MIN_SIZE
    assert crop_image(np.zeros((height, width, 3), np.uint8), crop, 4).shape == (4, 4, 3)
    x, y, side = crop_to_pixels(crop, height, width)
    assert 1 <= side <= max(height, width)
    assert -side <= x <= width
    assert -side <= y <= height
    assert clamp_crop(crop, height, width) == crop


def test_pixels_and_fractions_say_the_same():
    crop = crop_from_pixels(12, 7, 30, 40, 100)
    assert crop_to_pixels(crop, 40, 100) == (12, 7, 30)
