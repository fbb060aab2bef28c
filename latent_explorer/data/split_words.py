# SPDX-License-Identifier: MIT
"""Words for the sides of a split, as people name folders and write columns: "train", "test_set", "val2017", "dev"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPLITS = ("train", "val", "test")
BY_HASH = "hash"  # in place of the name of a split column
EVALUATION = "evaluation"  # val beside a test set, else test
_SIDES = {
    "train": ("train", "training", "trn", "trainval"),
    "val": ("val", "valid", "validation", "validate", "validating", "dev", "devel", "development"),
    "test": ("test", "testing", "tst", "holdout", "heldout"),
    EVALUATION: ("eval", "evaluation", "evaluate"),
}
_SIDE_OF = {word: side for side, words in _SIDES.items() for word in words}
# Words that say nothing about what is in a folder.
FILLERS = frozenset([
    "set", "sets", "data", "dataset", "datasets", "image", "images", "img", "imgs", "picture", "pictures", "pic",
    "pics", "photo", "photos", "folder", "dir", "split", "subset", "part", "sample", "samples", "example", "examples",
    "jpg", "jpeg", "png", "tif", "tiff", "all", "the", "of", "for",
])  # fmt: skip
_GLUED = re.compile(rf"({'|'.join(sorted(_SIDE_OF, key=len, reverse=True))})({'|'.join(sorted(FILLERS))})")
# Where a word begins by a capital: trainA.
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"\d+|[^\W\d_]+")


def split_side(word: str) -> str:
    """Return the side that one word of a split column means: train, val, test or "evaluation"; "" for other words."""
    found = named_side(word)
    return found[0] if found and not found[1] else ""


def words_of(name: str) -> list[str]:
    """Return the words in a folder's name, in small letters: "trainA_images" -> train, a, images."""
    return [word.lower() for word in _WORD.findall(HUMP.sub(" ", name))]


def named_side(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the side that a folder's name contains, and its other words that say something; None without a side."""
    text = re.sub(r"(?i)(hold|held)[-_ ]?out", "holdout ", name)
    words = [word for token in words_of(text) for word in _unglued(token)]
    at = [i for i, word in enumerate(words) if word in _SIDE_OF]
    if len(at) == 2 and {_SIDE_OF[words[i]] for i in at} == {"train", "val"}:
        del words[at[1]]  # "train_val" is what is trained on
        at = at[:1]
    if len(at) != 1:
        return None
    return _SIDE_OF[words[at[0]]], tuple(w for i, w in enumerate(words) if i != at[0] and w not in FILLERS)


def _unglued(word: str) -> tuple[str, ...]:
    found = _GLUED.fullmatch(word)
    return found.groups() if found else (word,)


def settled(sides: Sequence[str]) -> list[str]:
    """Decide what "evaluation" means: val beside a test set, else test."""
    means = "val" if "test" in sides and "val" not in sides else "test"
    return [means if side == EVALUATION else side for side in sides]


def side_indices(words: Iterable[str]) -> list[int] | None:
    """Return the index into SPLITS of each word of a split column; None if one is no such word."""
    words = list(words)
    meanings = {word: split_side(word) for word in set(words)}
    if not all(meanings.values()):
        return None
    return [SPLITS.index(side) for side in settled([meanings[word] for word in words])]
