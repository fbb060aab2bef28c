# SPDX-License-Identifier: MIT
"""Pictures of 10 to 64 bits, signed, floats, planes and tiles look as they were meant; others are named."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tiff_files import png16, tiff

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.data.check import check
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.deep_pixels import guess_range
from latent_explorer.data.image_facts import inspect_image
from latent_explorer.data.images import read_image

H, W = 40, 56
Y, X = np.mgrid[:H, :W]
GREY = (X * 255 // (W - 1)).astype(np.uint8)
COLOUR = np.stack([GREY, (Y * 255 // (H - 1)).astype(np.uint8), 255 - GREY], -1)


def same(raw: bytes, meant: np.ndarray, tolerance: int = 1) -> None:
    meant = meant if meant.ndim == 3 else np.repeat(meant[:, :, None], 3, axis=2)
    got = read_image(raw, name="x.tif")
    assert got.shape == meant.shape
    assert np.abs(got.astype(int) - meant).max() <= tolerance
    facts = inspect_image(raw, "x.tif")
    assert (facts.problem, facts.width, facts.height) == ("", meant.shape[1], meant.shape[0])


def scaled(meant: np.ndarray, low: float, high: float, dtype: str) -> np.ndarray:
    values = low + meant / 255 * (high - low)
    return (values if dtype.startswith("f") else np.rint(values)).astype(dtype)


RANGES = {
    "8 bits in 16": (0, 255, "u2"),
    "10 bits in 16": (0, 1023, "u2"),
    "12 bits in 16": (0, 4095, "u2"),
    "14 bits in 16": (0, 16383, "u2"),
    "16 bits": (0, 65535, "u2"),
    "12 bits in 32": (0, 4095, "u4"),
    "32 bits": (0, 2**32 - 1, "u4"),
    "signed 8": (-128, 127, "i1"),
    "signed 16": (-32768, 32767, "i2"),
    "Hounsfield": (-1024, 3071, "i2"),
    "signed without negatives": (0, 32767, "i2"),
    "signed 32": (-(2**31), 2**31 - 1, "i4"),
    "float": (0, 1, "f4"),
    "float -1 to 1": (-1, 1, "f4"),
    "float of bytes": (0, 255, "f4"),
    "float of 16 bits": (0, 65535, "f4"),
    "half": (0, 1, "f2"),
    "double": (0, 1, "f8"),
    "temperatures": (-40, 60, "f4"),
}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("meant", [GREY, COLOUR], ids=["grey", "colour"])
def test_every_type_of_number_looks_as_it_was_meant(name: str, order: str, meant: np.ndarray) -> None:
    low, high, dtype = RANGES[name]
    same(tiff(scaled(meant, low, high, dtype), order=order), meant)


@pytest.mark.parametrize("name", ["12 bits in 16", "16 bits", "signed 8", "32 bits", "float", "half"])
def test_white_is_zero(name: str) -> None:
    low, high, dtype = RANGES[name]
    same(tiff(scaled(GREY, low, high, dtype), colours=0), 255 - GREY)
    same(tiff(GREY, colours=0), 255 - GREY)


LAYOUTS = {
    "planes": {"planes": True},
    "strips": {"rows": 7},
    "planes in strips": {"planes": True, "rows": 9},
    "tiles": {"tile": 16},
    "tiles in planes": {"tile": 32, "planes": True},
    "deflate": {"deflate": True, "rows": 8},
    "deflate in planes": {"deflate": True, "rows": 11, "planes": True},
    "deflate in tiles": {"deflate": True, "tile": 16},
    "BigTIFF": {"big": True, "rows": 9},
    "BigTIFF in tiles": {"big": True, "tile": 16, "deflate": True},
    "predictor": {"deflate": True, "rows": 13, "predictor": 2},
    "predictor in tiles": {"deflate": True, "tile": 16, "predictor": 2, "planes": True},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["12 bits in 16", "16 bits", "signed 8", "float"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_layout(layout: str, name: str, order: str) -> None:
    low, high, dtype = RANGES[name]
    if dtype == "f4" and LAYOUTS[layout].get("predictor"):
        pytest.skip("floats have a predictor of their own")
    for meant in (GREY, COLOUR):
        same(tiff(scaled(meant, low, high, dtype), order=order, **LAYOUTS[layout]), meant)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_predictor_of_floats(dtype: str, order: str) -> None:
    same(tiff(scaled(COLOUR, 0, 1, dtype), deflate=True, predictor=3, rows=9, order=order), COLOUR)


def test_planes_of_bytes_as_before() -> None:
    same(tiff(COLOUR, planes=True), COLOUR)


@pytest.mark.parametrize("high", [255, 1023, 4095, 16383, 65535])
def test_png_of_16_bits(high: int) -> None:
    same(png16(scaled(GREY, 0, high, "u2")), GREY)
    same(png16(scaled(COLOUR, 0, high, "u2")), COLOUR)


def test_transparency_of_16_bits_lies_on_black() -> None:
    alpha = np.where(X < W // 2, 65535, 0).astype(np.uint16)
    shown = np.where((X < W // 2)[:, :, None], COLOUR, 0)
    values = np.dstack([scaled(COLOUR, 0, 65535, "u2"), alpha])
    same(png16(values), shown)
    same(tiff(values, extra=(2,)), shown)
    same(tiff(np.dstack([scaled(GREY, 0, 65535, "u2"), alpha]), extra=(2,), colours=1), shown[:, :, :1].repeat(3, 2))


@pytest.mark.parametrize("turn", range(1, 9))
def test_camera_rotation_of_16_bits(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    out = io.BytesIO()
    Image.fromarray(COLOUR).save(out, "PNG", exif=exif)
    same(tiff(scaled(COLOUR, 0, 4095, "u2"), turn=turn), read_image(out.getvalue()))


def test_the_range_that_a_file_tells_is_taken() -> None:
    dark = scaled(GREY, 0, 500, "u2")
    same(tiff(dark, tags={280: ("H", [0]), 281: ("H", [4095])}), np.rint(GREY * (500 / 4095)))
    floats = scaled(GREY, 0, 0.002, "f4")
    same(tiff(floats, tags={340: ("f", [0.0]), 341: ("f", [0.002])}), GREY)


def test_values_that_are_no_numbers_are_black() -> None:
    values = scaled(GREY, 0, 1, "f4")
    values[0, 0], values[0, 1], values[0, 2] = np.nan, -np.inf, np.inf
    got = read_image(tiff(values))
    assert got[0, :3, 0].tolist() == [0, 0, 255]
    assert read_image(tiff(np.full((4, 4), np.nan, np.float32))).max() == 0


def test_channels_that_nothing_names_are_refused() -> None:
    for values in (np.zeros((8, 8, 5), np.uint16), np.zeros((8, 8, 2), np.uint16), np.zeros((8, 8, 5), np.uint8)):
        raw = tiff(values, colours=1)
        with pytest.raises(UserError, match=r"x\.tif has [25] channels"):
            read_image(raw, name="x.tif")
        assert "of several channels" in inspect_image(raw, "x.tif").problem
    same(tiff(np.dstack([scaled(COLOUR, 0, 65535, "u2"), np.zeros((H, W), np.uint16)]), extra=(0,)), COLOUR)  # infrared


def test_damaged_and_hostile_files_end_in_a_sentence() -> None:
    raw = tiff(scaled(COLOUR, 0, 4095, "u2"), deflate=True, rows=9)
    rng = np.random.default_rng(0)
    for at in [*range(4, 260, 3), *rng.integers(0, len(raw), 60).tolist()]:
        broken = bytearray(raw)
        broken[at] ^= 0xFF
        for data in (bytes(broken), raw[:at]):
            problem = inspect_image(data, "x.tif").problem
            try:
                assert read_image(data, 8, name="x.tif").shape == (8, 8, 3)
            except UserError as error:
                assert str(error).startswith("x.tif")  # noqa: PT017
                assert problem
            else:
                assert not problem


def test_a_bomb_of_channels_is_refused() -> None:
    raw = tiff(scaled(COLOUR, 0, 4095, "u2"), tags={256: ("I", [9000]), 257: ("I", [8000]), 277: ("H", [60_000])})
    with pytest.raises(UserError, match=r"x\.tif would unpack to more than"):
        read_image(raw, name="x.tif")


def test_a_set_has_one_range_so_that_dark_pictures_stay_dark(tmp_path: Path) -> None:
    for i, high in enumerate([4095, 4000, 900, 200] * 3):
        (tmp_path / f"{i}.tif").write_bytes(tiff(scaled(GREY, 0, high, "u2")))
        (tmp_path / f"{i}.png").write_bytes(png16(scaled(COLOUR, 0, high, "u2")))
    data = open_dataset(tmp_path)
    tops = {name: int(data.decode(row, 40).max()) for row, name in enumerate(data.names)}
    for i, high in enumerate([4095, 4000, 900, 200]):
        for ending in ("tif", "png"):
            assert tops[f"{i}.{ending}"] == pytest.approx(tops[f"0.{ending}"] * high / 4095, abs=2)
    assert tops["0.tif"] > 200
    part = data.without([row for row, name in enumerate(data.names) if name not in ("2.tif", "3.tif")])
    assert part.decode(0, 40).max() == tops["2.tif"]
    facts = run_job(check(data, 8)).findings
    assert any("more than 8 bits per channel" in finding.text for finding in facts)


@pytest.mark.parametrize(
    ("kind", "low", "high", "meant"),
    [
        ("u", 0, 4095, (0, 4095)),
        ("u", 0, 4096, (0, 16383)),
        ("f", 0.0, 1.05, (0, 1)),
        ("f", -0.05, 0.9, (0, 1)),
        ("f", -0.9, 0.9, (-1, 1)),
        ("f", 0.0, 3000.0, (0, 4095)),
        ("i", -1000, 2000, (-1000, 2000)),
    ],
)
def test_ranges_that_values_suggest(kind: str, low: float, high: float, meant: tuple[float, float]) -> None:
    assert guess_range(kind, low, high) == meant


def spots(i: int, ground: int = 0) -> np.ndarray:
    """A bright disc on black, somewhere near the middle."""
    y, x = 20 + i % 5, 28 + i % 7
    return np.where((Y - y) ** 2 + (X - x) ** 2 < 120, 200 - i, ground).astype(np.uint8)


def test_dark_flat_bright_and_inverted_pictures_are_found(tmp_path: Path) -> None:
    for i in range(30):
        Image.fromarray(spots(i)).save(tmp_path / f"{i:02d}.png")
    clean = run_job(check(open_dataset(tmp_path), 8)).findings
    assert not any(word in f.text for f in clean for word in ("nearly", "one shade", "inverted"))
    Image.fromarray(spots(1) // 8).save(tmp_path / "dark.png")
    Image.fromarray(250 - spots(2) // 9).save(tmp_path / "bright.png")
    Image.new("L", (W, H), 90).save(tmp_path / "flat.png")
    for i in range(3):
        Image.fromarray(255 - spots(i)).save(tmp_path / f"negative{i}.png")
    found = {f.text: f.names for f in run_job(check(open_dataset(tmp_path), 8)).findings if f.severity == "warning"}

    def named(word: str) -> tuple[str, ...]:
        return next(names for text, names in found.items() if word in text)

    assert named("nearly black") == ("dark.png",)
    assert named("nearly white") == ("bright.png",)
    assert named("one shade") == ("flat.png",)
    assert set(named("inverted")) >= {"negative0.png", "negative1.png", "negative2.png"}


def test_photographs_without_a_common_ground_are_never_called_inverted(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for i in range(60):
        coarse = rng.integers(0, 256, (4, 4), np.uint8)
        Image.fromarray(coarse).resize((W, H), Image.Resampling.BICUBIC).save(tmp_path / f"{i}.png")
    assert not any("inverted" in f.text for f in run_job(check(open_dataset(tmp_path), 8)).findings)


def wide_profile() -> bytes:
    """A profile with the primaries of Display P3, as bytes: that of sRGB with other colorants and name."""
    base = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colorants = {
        b"rXYZ": (0.51512, 0.2412, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.1571, 0.06657, 0.78407),
    }
    count = struct.unpack_from(">I", base, 128)[0]
    for i in range(count):
        tag, at, _size = struct.unpack_from(">4sII", base, 132 + 12 * i)
        if tag in colorants:
            struct.pack_into(">3i", base, at + 8, *(round(v * 65536) for v in colorants[tag]))
    return bytes(base.replace("sRGB built-in".encode("utf-16-be"), "P3 by a test.".encode("utf-16-be")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_colours_of_a_wide_gamut_are_converted_and_mentioned(tmp_path: Path, kind: str) -> None:
    picture = Image.new("RGB", (16, 16), (100, 200, 100))
    out = io.BytesIO()
    picture.save(out, kind, icc_profile=wide_profile())
    got = read_image(out.getvalue())[8, 8].astype(int)
    plain = io.BytesIO()
    picture.save(plain, kind)
    before = read_image(plain.getvalue())[8, 8].astype(int)
    assert got[0] < before[0] - 10  # the same green needs less red in sRGB, which is smaller
    assert inspect_image(out.getvalue(), "x").profile == "P3 by a test."
    (tmp_path / f"x.{kind.lower()}").write_bytes(out.getvalue())
    (tmp_path / "y.png").write_bytes(out.getvalue())
    assert any("colours of their own" in f.text for f in run_job(check(open_dataset(tmp_path), 8)).findings)


def test_srgb_and_damaged_profiles_change_nothing() -> None:
    picture = Image.fromarray(COLOUR)
    for profile in (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        b"no profile",
        wide_profile()[:150],
    ):
        out = io.BytesIO()
        picture.save(out, "PNG", icc_profile=profile)
        np.testing.assert_array_equal(read_image(out.getvalue()), COLOUR)


def test_transparency_stays_with_a_profile() -> None:
    picture = Image.fromarray(np.dstack([COLOUR, np.where(X < 20, 255, 0).astype(np.uint8)]))
    out = io.BytesIO()
    picture.save(out, "PNG", icc_profile=wide_profile())
    got = read_image(out.getvalue())
    assert got[:, 20:].max() == 0
    assert got[:, :20].max() > 100
