# SPDX-License-Identifier: MIT
"""Hostile files of every kind: nothing in them runs, memory is bounded by the file, one sentence says what it is."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
import hostile_models
from hostile_models import ATTACKS
from hostile_pickles import canary

from latent_explorer.common.errors import UserError
from latent_explorer.models.importers.generators.assemble import check_settings

MEMORY = 64 << 20  # bytes beside twice the file
# Those that take a second or more each: benchmarks/hostile_files.py asks them, too.
LONG = (
    "tuple of 390,000 items", "390,000 dictionaries", "memo keys of 2^32", "lists 100,000 deep", "modules 15,000 deep",
    "dictionaries 60,000 deep", "30,000 objects that share a state of 30,000", "60,000 tensors with a prefix each",
    "the same, each with an item of its own", "50,000 objects with 50,000 shared keywords",
    "a name of a million letters, 50,000 times", "tensors that share 26 MB, 2.5 GB together",
    "256 MB of zeros, compressed",
    "a thousand networks named as its own", ".exploration: 30 MB of brackets, compressed",
    "a name of a million letters, 100,000 classes",
    "tensors that overlap, 2.5 GB together", "512 MB of zeros, compressed", "one pickle of numbers, read 8,000 times",
    "arrays that share their bytes, 2.5 GB together",
    "TorchScript: 200,001 members", "TorchScript: 256 MB of zeros as source", "config.json: 400,000 classes",
    "torch.export: 256 MB of zeros as weights", "torch.export: 100,000 tensors over 24 bytes",
    "torch.export: 15 MB of brackets, compressed", "4 arrays of 31 MB of zeros, compressed",
    "200,000 variables", "60 MB of blocks of 100 kB", "zip: 512 MB of zeros as numbers", "5,001 files",
    "effects: 160 MB in records of 40 kB", "4,000 names of 1,000 letters", "one number as 19,999 variables",
    "a graph of 1,400,000 kinds of operations", "latents: 200,000 of them", "effects: 2,000,000 features",
    "99,999 objects", "a graph of objects 100,000 deep", "160,000 children of one object",
)  # fmt: skip
TAKEN = (  # whole: what lies is not needed
    "a folder that leads to itself", "zip: `../../` in the names", "effects: 160 MB in records of 40 kB",
    *(name for name in ATTACKS["lucidrains"] if "config.json" in name or "learning rate" in name),
    ".explainer: provenance 100 levels deep",
)  # fmt: skip
CASES = [
    pytest.param(kind, name, id=f"{kind}: {name}", marks=[pytest.mark.slow] if name in LONG else [])
    for kind, attacks in ATTACKS.items()
    for name in attacks
]


def peak() -> int:
    """Return the peak of this process's memory in bytes; 0 where the system does not say it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) << 10 if found else 0


def begin() -> int:
    """Let the peak start anew, and return it."""
    with contextlib.suppress(OSError):  # without it the peak is that of the process, and less is noticed
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    """Import what readers import when they are first needed: half of the memory that a file may take."""
    importlib.import_module("hostile_prepared")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
@pytest.mark.parametrize(("kind", "name"), CASES)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of the making of TorchScript
def test_a_hostile_file_is_one_sentence(tmp_path: Path, kind: str, name: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    path = ATTACKS[kind][name](folder)
    size = hostile_models.size_of(path)
    before = begin()
    sentence = hostile_models.answer(path)
    assert peak() - before < 2 * size + MEMORY
    assert not canary(folder).exists()
    assert re.search(r"\bx\.|model|network|/dev/zero", sentence) or (name in TAKEN and not sentence)
    assert sentence.count("\n") == 0
    assert len(sentence) < 1000


@pytest.mark.parametrize("name", ["resample_filter", "activation", "normalize_latents"])
def test_settings_that_share_lists_are_refused_at_once(name: str) -> None:
    """As text, or as an array, they have two to the power of their depth items."""
    shared: object = 1.0
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(UserError, match="works in another way"):
        check_settings({name: shared}, "x")
