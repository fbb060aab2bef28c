# SPDX-License-Identifier: MIT
"""Numbers, durations, sizes and names as people read them."""

from __future__ import annotations

import pytest

from latent_explorer.common.format import duration_text, free_name, number_text, signed_text, size_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (40, "40 s"),
        (89.4, "89 s"),
        (200, "3 min"),
        (1100, "18 min"),
        (4800, "80 min"),
        (9000, "2.5 h"),
        (7200, "2 h"),
        (86_400 * 1.5, "1.5 days"),
        (86_400 * 3, "3 days"),
        (86_400 * 365, "365 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 kB"),
        (640_000, "640 kB"),
        (999_999, "1.0 MB"),
        (2_100_000, "2.1 MB"),
        (99_960_000, "100 MB"),
        (210_000_000, "210 MB"),
        (999_900_000, "1.0 GB"),
        (41e9, "41.0 GB"),
        (1.5e12, "1500 GB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("value", "number", "signed"),
    [(0.5, "0.50", "+0.50"), (-0.5, "\u22120.50", "\u22120.50"), (-0.001, "0.00", "0.00"), (0.004, "0.00", "0.00")],
)  # fmt: skip
def test_numbers(value: float, number: str, signed: str) -> None:
    assert number_text(value) == number
    assert signed_text(value) == signed
    assert signed_text(1, 0) == "+1"


def test_free_names() -> None:
    taken = {"walk", "walk 2"}
    assert free_name("sweep", taken.__contains__) == "sweep"
    assert free_name("walk", taken.__contains__) == "walk 3"
