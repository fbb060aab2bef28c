# SPDX-License-Identifier: MIT
"""Meaning of the folders that pictures lie in: versions, train and test, classes, or a question. No file is opened."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latent_explorer.data.labels import Columns, Question, Reading
from latent_explorer.data.split_words import FILLERS, HUMP, named_side, settled, split_side, words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# Folders in which one download keeps the same pictures in several versions (PlantVillage, FFHQ).
VERSIONS = (
    "color", "colour", "segmented", "grayscale",
    "images1024x1024", "thumbnails128x128", "in-the-wild-images",
)  # fmt: skip
# Folders of pictures whose class is to be found out: no labels, and on no side of the split.
_UNLABELLED = frozenset([
    "pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unlabel", "inference", "submission",
])  # fmt: skip
SHOWN = 4  # names of folders in a question
MAX_LEVELS = 4  # of folders that a question offers

Parts = list[list[str]]


@dataclass(frozen=True)
class FolderReading:
    """What folders say about the pictures in them.

    columns   with `class` where the folders are classes, `split` where some are train and test, and `version`
    split     the column "split" if it can be used: one of its sides is train
    question  how the folders are to be read, where that is in doubt: the columns `folder`, `folder2`, ... offer it
    left_out  pictures in folders for predictions, which are in no column
    """

    columns: Columns
    split: str | None = None
    question: Question | None = None
    left_out: tuple[str, ...] = ()


def read_folders(names: Sequence[str]) -> FolderReading:
    """Read the table that folders imply. Folders around everything are ignored."""
    rows = [(name, unicodedata.normalize("NFC", name).split("/")) for name in names]
    parts, left_out = _without_predictions(rows)
    columns: Columns = {"file": [name for name, _ in rows if name not in left_out]}
    if all(len(p) >= 3 and p[0].lower() in VERSIONS for p in parts):
        columns["version"] = [p[0].lower() for p in parts]
        parts = _unwrapped([p[1:] for p in parts])
    sides, parts = _split_off(parts)
    if sides:
        columns["split"] = settled(sides)
    question = _question(parts)
    if question is not None:
        for reading, level in zip(question.readings, range(MAX_LEVELS), strict=False):
            columns[reading.column] = [p[level].strip() if len(p) > level + 1 else "" for p in parts]
    elif classes := _classes(parts, columns.get("split", ())):
        columns["class"] = classes
    usable = "split" if "train" in columns.get("split", ()) else None
    return FolderReading(columns, usable, question, tuple(sorted(left_out)))


def _without_predictions(rows: Sequence[tuple[str, list[str]]]) -> tuple[Parts, frozenset[str]]:
    """Return the parts without pictures in folders for predictions that lie beside train or test, and their names."""
    parts = _unwrapped([p for _, p in rows])
    tops = {p[0] for p in parts if len(p) > 1}
    doubtful = {top for top in tops if _is_for_predictions(top)}
    if not doubtful or not all(named_side(top) for top in tops - doubtful) or doubtful == tops:
        return parts, frozenset()
    out = frozenset(name for (name, _), p in zip(rows, parts, strict=True) if len(p) > 1 and p[0] in doubtful)
    return [p for p in parts if len(p) == 1 or p[0] not in doubtful], out


def _is_for_predictions(name: str) -> bool:
    return not _UNLABELLED.isdisjoint(words_of(name))


def _split_off(parts: Parts) -> tuple[list[str], Parts]:
    """Return the side of each picture, or [] if the folders name none, and the parts without it."""
    if not parts or any(len(p) < 2 for p in parts):
        return [], parts
    meanings = _meanings({p[0] for p in parts})
    if meanings is not None:
        sides = [meanings[p[0]][0] for p in parts]
        rest = [[meanings[p[0]][1], *p[1:]] if meanings[p[0]][1] else p[1:] for p in parts]
        return sides, _unwrapped(_branches_unwrapped(rest, [p[0] for p in parts]))
    if all(len(p) > 2 for p in parts):  # class/train/1.png
        below = _meanings({p[1] for p in parts})
        if below is not None and not any(rest for _, rest in below.values()):
            sides = [below[p[1]][0] for p in parts]
            if "train" in sides:
                return sides, [[p[0], *p[2:]] for p in parts]
    return [], parts


def _meanings(folders: Iterable[str]) -> Mapping[str, tuple[str, str]] | None:
    """Return side and class ("" for none) of each of these sibling folders; None if they are no sides of a split.

    "train", "test_set" and "val2017" are sides; "cats_train" and "trainA" beside "dogs_train" and "testB" are both.
    """
    found = {folder: named_side(folder) for folder in folders}
    named = {folder: meaning for folder, meaning in found.items() if meaning is not None}
    if len(named) < len(found):
        return None
    shared = frozenset.intersection(*(frozenset(rest) for _, rest in named.values()))
    rests = {folder: " ".join(w for w in rest if w not in shared) for folder, (_, rest) in named.items()}
    by_side: dict[str, list[str]] = defaultdict(list)
    for folder, (side, _) in named.items():
        by_side[side].append(rests[folder])
    counts = Counter(rest for rests_of in by_side.values() for rest in set(rests_of))
    repeated = len(by_side) == 1 or sum(n > 1 for n in counts.values()) > len(counts) / 2
    distinct = all(len(set(rests_of)) == len(rests_of) for rests_of in by_side.values())
    if "train" in by_side and repeated and distinct and "" not in counts and len(counts) > 1:
        return {folder: (side, _rest_of(folder, rests[folder])) for folder, (side, _) in named.items()}
    if any(rest and not rest.isdigit() for rest in rests.values()):
        return None
    return {folder: (side, "") for folder, (side, _) in named.items()}  # parts of one side: train1, train2


def _rest_of(folder: str, rest: str) -> str:
    """Return the class in a folder's name, as it is spelt there where its words follow each other."""
    words = r"[\W_]*".join(map(re.escape, rest.split()))
    found = re.search(rf"(?i)(?<![^\W_]){words}(?![^\W_])", " ".join(HUMP.split(folder)))
    return found.group() if found else rest


def _branches_unwrapped(parts: Parts, tops: Sequence[str]) -> Parts:
    """Remove, in each side by itself, folders around all its pictures that say nothing: seg_train/seg_train/cats."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, top in enumerate(tops):
        rows[top].append(i)
    out = list(parts)
    for top, mine in rows.items():
        while all(len(out[i]) > 1 for i in mine) and len({out[i][0] for i in mine}) == 1:
            folder = out[mine[0]][0]
            words = set(words_of(folder))
            if folder != top and not words <= FILLERS and not split_side(folder):
                break
            for i in mine:
                out[i] = out[i][1:]
    return out


def _classes(parts: Parts, sides: Sequence[str]) -> list[str]:
    """Return the class of each picture, or [] if the folders are no classes.

    Pictures without a folder have no class ("") if they are all of a side of the split; else the folders are none.
    """
    loose = [len(p) < 2 for p in parts]
    if any(loose) and (not sides or len(set(zip(sides, loose, strict=True))) > len(set(sides))):
        return []
    classes = ["" if is_loose else p[0].strip() for p, is_loose in zip(parts, loose, strict=True)]
    if len(set(classes) - {""}) < 2:
        return []
    return _one_spelling(classes, sides) if sides else classes


def _one_spelling(classes: list[str], sides: Sequence[str]) -> list[str]:
    """Give classes one spelling that differ in capitals only, and on different sides: Train/Cats, Test/cats."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for pair in set(zip(sides, classes, strict=True)):
        spellings[pair[1].casefold()].add(pair[1])
    pairs = Counter((side, name.casefold()) for side, name in set(zip(sides, classes, strict=True)))
    apart = {name for (_, name), n in pairs.items() if n > 1}  # one side has both: they are two classes
    return [name if (key := name.casefold()) in apart else min(spellings[key]) for name in classes]


def _question(parts: Parts) -> Question | None:
    """Ask how folders are to be read if those in several folders have the same names: a/cats, a/dogs, b/cats, ..."""
    if any(len(p) < 2 for p in parts):
        return None
    below: dict[str, set[str]] = defaultdict(set)
    for p in parts:
        if len(p) > 2:
            below[p[0]].add(p[1].casefold())
    tops = {p[0] for p in parts}
    counts = Counter(name for names in below.values() for name in names)
    repeated = [name for name, n in counts.items() if n > 1]
    text = _half_a_split(tops) if counts else ""
    if not text and (len(tops) < 2 or len(counts) < 2 or len(repeated) < len(counts) / 2):
        return None
    text = text or "Folders inside several folders have the same names, so the classes may be one or the other"
    depth = min(MAX_LEVELS, max(map(len, parts)) - 1)
    readings = []
    for level in range(depth):
        folders = sorted({p[level] for p in parts if len(p) > level + 1})
        more = f" and {len(folders) - SHOWN} more" if len(folders) > SHOWN else ""
        readings.append(Reading("folder" if level == 0 else f"folder{level + 1}", ", ".join(folders[:SHOWN]) + more))
    return Question(text, tuple(readings))


def _half_a_split(folders: Collection[str]) -> str:
    """Return why folders are in doubt of which some are sides of a split, train among them, and others not; or ""."""
    sides = {folder: side for folder in folders if (side := split_side(folder))}
    others = sorted(set(folders) - sides.keys())
    if "train" not in sides.values() or len(set(sides.values())) < 2 or not others:
        return ""
    split, rest = (", ".join(names[:SHOWN]) for names in (sorted(sides), others))
    return (
        f"{split} are called like the sides of a split and {rest} beside them not (give a folder that "
        "holds only what belongs together), so the classes may be one or the other"
    )


def _unwrapped(parts: Parts) -> Parts:
    """Remove the top folders that all have in common, except those of one side of a split."""
    if not parts:
        return parts
    first, last, most = min(parts), max(parts), min(map(len, parts)) - 2
    depth = 0
    while depth < most and first[depth] == last[depth] and not split_side(first[depth]):
        depth += 1
    return [p[depth:] for p in parts] if depth else parts
