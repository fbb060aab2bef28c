# SPDX-License-Identifier: MIT
"""PNG files bring their state and their own pixels back."""

from __future__ import annotations

import base64
import io

import msgspec
import numpy as np
import pytest
from exploration_examples import IMAGE, STATE, bomb
from PIL import Image, PngImagePlugin

from latent_explorer.app.exploration import recipe_png
from latent_explorer.common.errors import UserError


def test_a_png_brings_its_state_and_its_own_pixels_back(tmp_path):
    path = tmp_path / "leaf.png"
    recipe_png.write_png(path, IMAGE, STATE, "leaf-health")
    with Image.open(path) as png:
        assert png.size == (512, 512)
        enlarged = np.asarray(png)
    expected = Image.fromarray(IMAGE).resize((512, 512), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(enlarged, np.asarray(expected))
    recipe = recipe_png.read_recipe(path)
    picture = msgspec.structs.replace(STATE, timelines=())  # timelines are the exploration's
    assert recipe.state == picture
    assert recipe.model_name == "leaf-health"
    np.testing.assert_array_equal(recipe.image, IMAGE)
    assert recipe_png.read_recipe(path).state == picture


def test_large_pictures_are_not_enlarged_and_a_factor_can_be_asked_for(tmp_path):
    large = np.zeros((600, 600, 3), np.uint8)
    path = tmp_path / "large.png"
    recipe_png.write_png(path, large, STATE)
    recipe = recipe_png.read_recipe(path)
    assert recipe.image.shape == large.shape
    recipe_png.write_png(path, IMAGE, STATE, factor=3)
    with Image.open(path) as png:
        assert png.size == (48, 48)


def png_with(text: str | None) -> bytes:
    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_text(recipe_png.KEY, text)
    buffer = io.BytesIO()
    Image.fromarray(IMAGE).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_pictures_without_a_recipe(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(png_with(None))
    assert recipe_png.read_recipe(path) is None
    assert recipe_png.read_recipe(path) is None
    Image.fromarray(IMAGE).save(path, "JPEG")
    assert recipe_png.read_recipe(path) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        ('{"version": 1}', "damaged"),
        ('{"version": 99, "anything": 1}', "newer"),
        ('{"version": 1, "model_name": "m", "state": {"model_hash": "a"}, "pixels": "AAA"}', "damaged"),
        ('{"version": 1, "model_name": "m", "state": {"model_hash": "a"}, "pixels": "AAAA"}', "damaged"),
    ],
)
def test_a_damaged_recipe_is_refused_in_words(tmp_path, text, words):
    path = tmp_path / "x.png"
    path.write_bytes(png_with(text))
    with pytest.raises(UserError, match=words):
        recipe_png.read_recipe(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"hello", png_with("{}")[:300]])
def test_a_damaged_picture_is_refused_in_words(tmp_path, content):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as a picture"):
        recipe_png.read_recipe(path)


def test_a_picture_that_says_it_is_enormous_is_refused_in_words(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(bomb())
    with pytest.raises(UserError, match="cannot be read as a picture"):
        recipe_png.read_recipe(path)
    pixels = base64.b64encode(bomb()).decode()
    text = f'{{"version": 1, "model_name": "m", "state": {{"model_hash": "a"}}, "pixels": "{pixels}"}}'
    path.write_bytes(png_with(text))
    with pytest.raises(UserError, match="damaged"):
        recipe_png.read_recipe(path)
