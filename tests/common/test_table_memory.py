# SPDX-License-Identifier: MIT
"""Tables take a small multiple of their size in memory, whatever their cells are."""

from __future__ import annotations

import tracemalloc

from latent_explorer.common.csv_table import read_table
from latent_explorer.data.labels import read_labels


def peak_ratio(read, data: bytes) -> float:
    tracemalloc.start()
    try:
        read(data, "x.csv")
        return tracemalloc.get_traced_memory()[1] / len(data)
    finally:
        tracemalloc.stop()


def test_labels_of_many_pictures():
    """File names are strings of their own, and each costs 57 bytes: what remains is below that."""
    data = b"file,class\n" + b"".join(b"images/%06d.png,1\n" % i for i in range(20_000))
    assert peak_ratio(read_labels, data) < 14
    wide = b"file" + b"".join(b",c%d" % i for i in range(40)) + b"\n"
    wide += b"".join(b"%d.png" % i + b",1" * 40 + b"\n" for i in range(2000))
    assert peak_ratio(read_labels, wide) < 12


def test_surveys_of_many_questions():
    heads = b",".join(b"q%d" % i for i in range(50))
    data = b"\n".join([heads] + [b",".join([b"%d" % (10 + i % 10)] * 50) for i in range(1500)])
    assert peak_ratio(read_table, data) < 8
