# SPDX-License-Identifier: MIT
"""Broken picture files, with flipped bits or cut off, soon end in a UserError or a picture and nothing else."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.image_facts import inspect_image
from latent_explorer.data.images import read_image

SECONDS = 5.0  # for one broken file; most take milliseconds


def _samples() -> dict[str, bytes]:
    """Pictures with texture, in the variants whose decoders differ."""
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)) for _ in range(3)]
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: dict[str, tuple[str, dict[str, object]]] = {
        "jpg": ("JPEG", {"exif": exif}),
        "progressive jpg": ("JPEG", {"progressive": True, "optimize": True}),
        "png": ("PNG", {"exif": exif}),
        "gif": ("GIF", {}),
        "animated gif": ("GIF", {"save_all": True, "append_images": frames[1:]}),
        "webp": ("WEBP", {"exif": exif}),
        "lossless webp": ("WEBP", {"lossless": True}),
        "animated webp": ("WEBP", {"save_all": True, "append_images": frames[1:]}),
    }
    samples = {}
    for name, (kind, options) in variants.items():
        out = io.BytesIO()
        frames[0].save(out, kind, **options)
        samples[name] = out.getvalue()
    return samples


SAMPLES = _samples()


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    """Draw a sample with up to eight flipped bits, half of them in its header, and perhaps without its end."""
    raw = bytearray(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))])
    reach = draw(st.sampled_from([min(64, len(raw)), len(raw)]))
    for bit in draw(st.lists(st.integers(0, reach * 8 - 1), max_size=8)):
        raw[bit // 8] ^= 1 << bit % 8
    if draw(st.booleans()):
        del raw[draw(st.integers(0, len(raw))) :]
    return bytes(raw)


def survives(raw: bytes) -> None:
    started = time.thread_time()  # not wall-clock time: the machine may be busy
    try:
        assert read_image(raw, 8, name="x.img").shape == (8, 8, 3)
        readable = True
    except UserError as error:
        assert str(error).startswith("x.img")  # noqa: PT017 - no third outcome is allowed
        readable = False
    assert (not inspect_image(raw, "x.img").problem) == readable
    assert time.thread_time() - started < SECONDS


@pytest.mark.timeout(60)
@settings(max_examples=300, deadline=None)
@given(broken_files())
def test_broken_files_end_in_a_sentence(raw: bytes) -> None:
    survives(raw)


@pytest.mark.slow  # the same for minutes
@pytest.mark.timeout(900)
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_files())
def test_many_broken_files_end_in_a_sentence(raw: bytes) -> None:
    survives(raw)


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_every_length_of_a_file(kind: str) -> None:
    raw = SAMPLES[kind]
    for end in {0, 1, *range(2, len(raw), max(1, len(raw) // 60))}:
        survives(raw[:end])


def huge(kind: str) -> bytes:
    """Return a sample whose header claims more pixels than fit in memory."""
    raw = bytearray(SAMPLES[kind])
    if kind == "jpg":
        at = raw.index(b"\xff\xc0") + 5
        struct.pack_into(">HH", raw, at, 65500, 65500)
    elif kind == "png":
        struct.pack_into(">II", raw, 16, 2**30, 2**30)
    elif kind == "gif":
        struct.pack_into("<HH", raw, 6, 65535, 65535)
    else:
        canvas = (16384 - 1) | (16384 - 1) << 14
        at = raw.index(b"VP8L") + 9
        struct.pack_into("<I", raw, at, canvas)
    return bytes(raw)


@pytest.mark.parametrize("kind", ["jpg", "png", "gif", "lossless webp"])
def test_huge_dimensions_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"x\.img"):
        read_image(huge(kind), 8, name="x.img")
    assert inspect_image(huge(kind), "x.img").problem


def test_a_folder_of_broken_files_can_be_opened_and_zipped(tmp_path: Path) -> None:
    """List broken pictures like others: listing opens none, and only reading fails."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for kind, raw in SAMPLES.items():
            archive.writestr(f"{kind}.{kind.split()[-1]}", raw[:100])
    data = open_dataset(tmp_path / "a.zip")
    assert len(data) == len(SAMPLES)
    for row in range(len(data)):
        with pytest.raises(UserError):
            data.decode(row, 8)
    data.close()
