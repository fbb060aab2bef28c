# SPDX-License-Identifier: MIT
"""Random numbers of a training depend on (seed, step, purpose, sample) alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from latent_explorer.models.processes import World
from latent_explorer.training.batches import BatchStream
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.randomness import Purpose, StepRandom, stream


def test_a_sample_gets_the_same_numbers_in_whatever_company() -> None:
    whole = StepRandom(3, 7).normal(Purpose.NOISE, (5, 2), range(6))
    assert whole.shape == (6, 5, 2)
    for rank in range(2):
        share = StepRandom(3, 7).normal(Purpose.NOISE, (5, 2), range(rank, 6, 2))
        assert torch.equal(share, whole[rank::2])
    again = StepRandom(3, 7).uniform(Purpose.HEARD, (3,), [4])
    assert torch.equal(again, StepRandom(3, 7).uniform(Purpose.HEARD, (3,), range(6))[4:5])


def test_every_word_of_the_counter_and_the_seed_make_another_stream() -> None:
    places = itertools.product((0, 1), (0, 5), (Purpose.NOISE, Purpose.LATENT), (0, 9))
    first = {stream(*place).integers(1 << 62) for place in places}
    assert len(first) == 16
    assert stream(-1, 0, Purpose.NOISE).random() == stream((1 << 64) - 1, 0, Purpose.NOISE).random()


def test_a_step_without_samples_has_nothing_to_draw() -> None:
    assert StepRandom(0, 0).normal(Purpose.LATENT, (4,), range(0)).shape == (0, 4)
    assert StepRandom(0, 0).normal(Purpose.ALIGN_LATENT, (4, 2)).shape == (4, 2)


def test_numbers_are_distributed_as_they_should() -> None:
    draws = StepRandom(1, 2)
    normal = draws.normal(Purpose.NOISE, (64,), range(64))
    assert float(normal.mean()) == pytest.approx(0, abs=0.05)
    assert float(normal.std()) == pytest.approx(1, abs=0.05)
    uniform = draws.uniform(Purpose.HEARD, (64,), range(64))
    assert 0 <= float(uniform.min()) < float(uniform.max()) < 1
    assert sorted(draws.permutation(Purpose.PARTNERS, 9).tolist()) == list(range(9))


def _stream(world: World, rows: np.ndarray | None = None) -> BatchStream:
    pixels = np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(4 * 4 * 3, axis=1)
    pixels = pixels.reshape(10, 4, 4, 3)
    config = TrainConfig(DataConfig(""), batch=4, flip=False)
    return BatchStream(pixels, None, config, world, rows=rows)


def _values(stream_: BatchStream, images: int) -> list[int]:
    real = stream_.batch(images, StepRandom(0, images // 4)).real
    return [round(float(x) * 127.5 + 127.5) for x in real[:, 0, 0, 0]]


def test_every_picture_comes_once_an_epoch_and_processes_share_without_overlap() -> None:
    alone = _stream(World())
    seen = [value for images in range(0, 40, 4) for value in _values(alone, images)]
    epochs = [seen[k : k + 10] for k in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    parts = [_values(_stream(World(rank, 2)), 8) for rank in range(2)]
    assert [x for pair in zip(*parts, strict=True) for x in pair] == seen[8:12]


def test_a_stream_takes_its_rows_alone() -> None:
    rows = np.array([1, 2, 5, 9])
    some = _stream(World(), rows)
    for images in (0, 4, 8):
        assert sorted(_values(some, images)) == rows.tolist()


def test_a_stream_can_be_entered_anywhere() -> None:
    straight = _stream(World())
    for images in range(0, 24, 4):
        expected = _values(straight, images)
    assert _values(_stream(World()), 20) == expected
