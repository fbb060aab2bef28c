# SPDX-License-Identifier: MIT
"""Files of projections: round trips, and refusal of damaged files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fake_projection import make_projected
from safetensors.numpy import load, save

from latent_explorer.common.errors import UserError
from latent_explorer.explain.projected import ProjectedPicture, read_projected, to_bytes, write_projected


@pytest.fixture
def picture() -> ProjectedPicture:
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    return replace(
        make_projected(space="s"),
        styles=(numbers(8), numbers(4)),
        noise=(numbers(4, 4), numbers(8, 8)),
        delta={"synthesis.b4.conv1.bias": numbers(4).astype(np.float16)},
    )


def test_a_file_gives_back_what_was_written(picture: ProjectedPicture, tmp_path: Path) -> None:
    write_projected(tmp_path / "leaf.projection", picture)
    back = read_projected(tmp_path / "leaf.projection")
    assert back.report == picture.report
    assert back.latent_id == picture.latent_id
    assert len(picture.latent_id) == 16
    assert to_bytes(back) == to_bytes(picture)
    for name in ("ws", "target", "image", "cond"):
        np.testing.assert_array_equal(getattr(back, name), getattr(picture, name))
    assert [list(a) for a in back.styles or ()] == [list(a) for a in picture.styles or ()]


def test_what_belongs_to_no_latent_may_be_missing(picture: ProjectedPicture) -> None:
    bare = replace(picture, cond=None, styles=None, noise=None, delta={})
    back = read_projected(to_bytes(bare))
    assert (back.cond, back.styles, back.noise, back.delta) == (None, None, None, {})


def test_the_id_is_that_of_the_arrays_and_the_model(picture: ProjectedPicture) -> None:
    renamed = replace(picture, report=msgspec.structs.replace(picture.report, name="other"))
    assert renamed.latent_id == picture.latent_id
    other_model = msgspec.structs.replace(picture.report, model_hash="00" * 32)
    assert replace(picture, report=other_model).latent_id != picture.latent_id
    assert replace(picture, ws=picture.ws + 1e-6).latent_id != picture.latent_id


@pytest.mark.parametrize("keep", [0, 7, 8, 100, -1])
def test_a_part_of_a_file_is_refused(picture: ProjectedPicture, keep: int) -> None:
    with pytest.raises(UserError, match=r"leaf\.projection (is empty|cannot be read as a projection)"):
        read_projected(to_bytes(picture)[:keep], "leaf.projection")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a.update(ws=a["ws"][0]),
        lambda a: a.update(ws=a["ws"].astype(np.float64)),
        lambda a: a.update(ws=np.full_like(a["ws"], np.nan)),
        lambda a: a.update(target=a["target"][:8]),
        lambda a: a.update(image=a["image"][:, :, :1]),
        lambda a: a.update({"noise.000": a["noise.000"][0]}),
        lambda a: a.update({"styles.005": a["styles.000"]}),
        lambda a: a.update({"delta.x": np.ones(3, np.float32)}),
        lambda a: a.update(more=a["ws"]),
        lambda a: a.pop("target"),
    ],
)
def test_arrays_of_no_projection_are_refused(picture: ProjectedPicture, spoil) -> None:
    content = to_bytes(picture)
    arrays = {k: v.copy() for k, v in load(content).items()}
    spoil(arrays)
    length = int.from_bytes(content[:8], "little")
    header = msgspec.json.decode(content[8 : 8 + length])["__metadata__"]
    with pytest.raises(UserError, match=r"does not match its checksum|does not fit together"):
        read_projected(save(arrays, header))
    ((key, text),) = header.items()
    earlier = {name: value for name, value in msgspec.json.decode(text).items() if name != "sha256"}
    with pytest.raises(UserError, match="does not fit together"):
        read_projected(save(arrays, {key: msgspec.json.encode(earlier).decode()}))


def test_a_projection_of_an_earlier_version_has_no_digest_and_opens(picture: ProjectedPicture) -> None:
    content = to_bytes(picture)
    length = int.from_bytes(content[:8], "little")
    ((key, text),) = msgspec.json.decode(content[8 : 8 + length])["__metadata__"].items()
    earlier = {name: value for name, value in msgspec.json.decode(text).items() if name != "sha256"}
    again = read_projected(save(load(content), {key: msgspec.json.encode(earlier).decode()}))
    assert again.latent_id == picture.latent_id


def test_every_flipped_bit_of_a_projection_is_noticed(picture: ProjectedPicture) -> None:
    content = to_bytes(picture)
    for at in range(8, len(content), max(1, len(content) // 60)):
        with pytest.raises(UserError):
            read_projected(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])


def test_words_of_no_projection_are_refused(picture: ProjectedPicture) -> None:
    arrays = load(to_bytes(picture))
    key = "latent-explorer-projection"
    with pytest.raises(UserError, match="newer version"):
        read_projected(save(arrays, {key: '{"version": 2, "report": {"of": "then"}}'}))
    with pytest.raises(UserError, match="does not fit together"):
        read_projected(save(arrays, {key: '{"version": 1, "report": {}}'}))
    with pytest.raises(UserError, match="something else"):
        read_projected(save(arrays, {}))


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read_projected(tmp_path / "none.projection")
