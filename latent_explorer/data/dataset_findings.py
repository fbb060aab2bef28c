# SPDX-License-Identifier: MIT
"""What is said of a data set as a whole: labels, split, classes, amount. One plain sentence a finding; no reading here.

What is said of its pictures (copies, sizes, kinds) lives in `data.image_findings`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from latent_explorer.common.format import size_text
from latent_explorer.data.dataset import ImageDataset
from latent_explorer.data.image_facts import ImageFacts
from latent_explorer.data.labels import SPLITS
from latent_explorer.data.loading import SHOWN, too_many_unreadable
from latent_explorer.data.summary import suggested_group, suggested_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Severity = Literal["good", "note", "warning", "error"]

VERY_FEW, FEW = 500, 2000  # pictures; below, a generator repeats them unless it is helped
UNEVEN, VERY_UNEVEN = 2.0, 5.0  # largest class to smallest
LISTED_CLASSES, MANY_CLASSES = 6, 20


@dataclass(frozen=True)
class Finding:
    """`names` are a few of the pictures it is about, with what is wrong of each where they differ."""

    severity: Severity
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetInspection:
    """The data set and what was found of each of its pictures, in the order of its names."""

    data: ImageDataset
    facts: list[ImageFacts]
    resolution: int

    def rows(self, is_so: Callable[[ImageFacts], bool]) -> list[int]:
        """The readable pictures of which something is so."""
        return [i for i, fact in enumerate(self.facts) if not fact.problem and is_so(fact)]

    def names(self, rows: Sequence[int]) -> tuple[str, ...]:
        """A few names; none where it is about all pictures anyway."""
        if len(rows) == len(self.data):
            return ()
        return tuple(self.data.names[i] for i in rows[:SHOWN])


def count(n: int, one: str = "picture", many: str = "") -> str:
    """ "1 picture", "7,204 pictures"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def find_unreadable(inspection: DatasetInspection) -> Iterator[Finding]:
    broken = [i for i, fact in enumerate(inspection.facts) if fact.problem]
    total = len(inspection.facts)
    if not broken:
        yield Finding("good", f"All {count(total)} can be read.")
        return
    names = tuple(f"{inspection.data.names[i]} ({inspection.facts[i].problem})" for i in broken[:SHOWN])
    if too_many_unreadable(len(broken), total):
        yield Finding(
            "error",
            f"{len(broken):,} of {count(total)} cannot be read, more than a tenth: download or copy them again.",
            names,
        )
        return
    verb = "is" if len(broken) == 1 else "are"
    text = f"{len(broken):,} of {count(total)} cannot be read and {verb} left out of a training."
    yield Finding("warning", text, names)


def describe_listing(inspection: DatasetInspection) -> Iterator[Finding]:
    listing = inspection.data.listing
    yield Finding("note", f"{count(len(inspection.data))} chosen ({listing.kind}).")
    for names, text in (
        (listing.unlisted, "in the folder that the labels do not mention, left out."),
        (listing.missing, "that the labels mention, but whose file is not there."),
    ):
        if names:
            shown = tuple(names[:SHOWN])
            yield Finding("note", f"There {are(len(names))} {count(len(names))} {text}", shown)
    n = inspection.data.about.get("without_label", 0)
    if n:
        yield Finding("note", f"{count(n)} {have(n)} no label and {are(n)} left out.")
    other = inspection.data.source.other
    if other:
        kinds = ", ".join(suffix or "no ending" for suffix, _ in other.most_common(SHOWN))
        yield Finding("note", f"{count(sum(other.values()), 'file')} of other kinds ({kinds}) were not looked at.")
    versions = sorted(set(inspection.data.columns.get("version", ())))
    if len(versions) > 1:
        one = " ".join(listing.where) or f"version={versions[0]}"
        text = f"Every picture is there in {len(versions)} versions ({', '.join(versions)}): take one, by {one} under Only (--where)."
        yield Finding("warning", text)


def sides(inspection: DatasetInspection) -> Iterator[Finding]:
    """How the pictures fall into train, val and test, and whether that suffices."""
    data = inspection.data
    sound = np.array([not fact.problem for fact in inspection.facts], dtype=bool)
    counts = [int((sound & (data.sides == k)).sum()) for k in range(len(SPLITS))]
    sizes = ", ".join(f"{n:,} {side}" for n, side in zip(counts, SPLITS, strict=True))
    group, split = data.about["options"]["group"], data.about["options"]["split"]
    how = f"by the column '{split}'" if split else f"by groups of '{group}'" if group else "by file"
    filled = data.about.get("split_by_hash", ())
    extra = f"; the column has no {' and no '.join(filled)}, so a tenth of train is kept for it" if filled else ""
    for side, n in zip(SPLITS, counts, strict=True):
        if n < 2:
            use = "to train a classifier" if side == "test" else "to train"
            yield Finding(
                "warning" if side == "test" else "error",
                f"The split leaves {count(n)} for {side}, too few {use}: add pictures or split in another way.",
            )
    yield Finding("note", f"Split {how}: {sizes}{extra}.")
    other = suggested_split(data.columns)
    if other and not split:
        yield Finding("note", f"The data brings a split of its own; take it with '{other}' as Split (--split).")
    together = suggested_group(data.columns)
    if together and not group:
        yield from _torn_groups(data, together)


def _torn_groups(data: ImageDataset, key: str) -> Iterator[Finding]:
    """Whether pictures that belong together stand on several sides, which makes the figures of val and test too good."""
    pairs = {pair for pair in zip(data.columns[key], data.sides.tolist(), strict=True) if pair[0]}
    torn = len(pairs) - len({group for group, _ in pairs})
    if not torn:
        return
    instead = " in place of Split (--split)" if data.about["options"]["split"] else ""
    yield Finding(
        "warning",
        f"The column '{key}' says which pictures belong together, and the split parts some of them; "
        f"with '{key}' as Group (--group){instead} they stay on one side.",
    )


def check_balance(inspection: DatasetInspection) -> Iterator[Finding]:
    data = inspection.data
    if data.labels is None:
        yield from _loose(data.names)
        yield Finding(
            "note", "There are no labels: enough to explain a classifier that you have, but none can be trained here."
        )
        return
    classes = class_counts(data)
    if len(classes) < 2:
        only = data.class_names[0]
        text = f"All pictures are of one class ({only}): no classifier can be trained to tell it from others."
        yield Finding("warning", text)
        return
    yield _evenness(classes)
    if len(classes) > MANY_CLASSES:
        yield Finding(
            "warning", f"{len(classes)} classes are hard to explain at once: choose some under Classes (--classes)."
        )
    for side in SPLITS:
        there = set(data.labels[data.indices(side)].tolist())
        absent = [name for k, name in enumerate(data.class_names) if k not in there]
        if absent and there:
            text = f"{side} has no picture of {count(len(absent), 'class', 'classes')}, so nothing can be said of them there."
            yield Finding("warning", text, tuple(absent[:SHOWN]))


def _loose(names: Sequence[str]) -> Iterator[Finding]:
    """Pictures beside class folders, because of which those are none."""
    loose = [name for name in names if "/" not in name]
    if loose and len({name.partition("/")[0] for name in names} - set(loose)) > 1:
        lie = "lies" if len(loose) == 1 else "lie"
        text = f"{count(len(loose))} {lie} beside the folders, which are no classes therefore: move or delete what is loose."
        yield Finding("warning", text, tuple(loose[:SHOWN]))


def _evenness(classes: Sequence[tuple[str, int]]) -> Finding:
    """How many pictures each class has, and whether that is even enough."""
    ordered = sorted(classes, key=lambda pair: -pair[1])
    (top, most), (bottom, least) = ordered[0], ordered[-1]
    if len(classes) <= LISTED_CLASSES:
        text = "Classes: " + ", ".join(f"{name} {n:,}" for name, n in classes)
    else:
        text = f"There are {len(classes)} classes, from {bottom} ({least:,}) to {top} ({most:,})"
    ratio = most / max(least, 1)
    if ratio <= UNEVEN:
        return Finding("good", f"{text}: well balanced.")
    times = f"'{top}' has {ratio:.{0 if ratio >= 10 else 1}f} times as many as '{bottom}'"
    if ratio <= VERY_UNEVEN:
        return Finding("note", f"{text}: {times}.")
    return Finding("warning", f"{text}: {times}; look at the accuracy of each class, not at the mean.")


def class_counts(data: ImageDataset) -> tuple[tuple[str, int], ...]:
    """Name and number of pictures of each class, in the order of the classes."""
    if data.labels is None:
        return ()
    counts = np.bincount(data.labels, minlength=len(data.class_names)).tolist()
    return tuple(zip(data.class_names, counts, strict=True))


def check_amount(inspection: DatasetInspection) -> Iterator[Finding]:
    n = len(inspection.rows(lambda _: True))
    help_text = "leave mirroring on (flip) unless left and right matter, use adaptive augmentation (ada_target)"
    if n < VERY_FEW:
        yield Finding(
            "warning",
            f"{count(n)} {are(n)} very few: expect blurred pictures that repeat them; {help_text}, and go on from an existing explainer (--init) if one fits.",
        )
    elif n < FEW:
        yield Finding("note", f"{count(n)} are few: fine detail will be missing; {help_text}.")
    else:
        yield Finding("good", f"{count(n)} are enough to begin with.")


def check_memory(inspection: DatasetInspection) -> Iterator[Finding]:
    needed = len(inspection.data) * inspection.resolution**2 * 3
    installed = _installed_memory()
    text = f"At {inspection.resolution} px the pictures take {size_text(needed)} of memory"
    if installed and needed > installed / 2:
        yield Finding("warning", f"{text}, and this machine has {size_text(installed)}: take fewer, or a smaller size.")
    else:
        yield Finding("good", f"{text}.")


def _installed_memory() -> int | None:
    """Bytes of memory of this machine, where the system says so."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def are(n: int) -> str:
    return "is" if n == 1 else "are"


def have(n: int) -> str:
    return "has" if n == 1 else "have"
