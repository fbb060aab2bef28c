# SPDX-License-Identifier: MIT
"""Data check, as a job: inspects every picture of a data set and reports findings of one plain sentence each."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.data.dataset import SHOWN, ImageDataset, too_many_unreadable
from latent_explorer.data.image_facts import ImageFacts, inspect_image
from latent_explorer.data.labels import EMPTY
from latent_explorer.data.split_words import SPLITS
from latent_explorer.data.summary import suggested_group, suggested_split
from latent_explorer.data.threads import installed_memory, map_in_threads, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from latent_explorer.common.events import Event

Severity = Literal["good", "note", "warning", "error"]

VERY_FEW, FEW = 500, 2000  # pictures; with fewer, a generator repeats them unless it is helped
UNEVEN, VERY_UNEVEN = 2.0, 5.0  # largest class to smallest
LISTED_CLASSES, MANY_CLASSES = 6, 20
FLAT, DARK = 8, 40  # of 255: between the darkest and the brightest pixel; the brightest pixel
# Negatives: a correlation with the usual picture at 8 x 8 px below NEGATIVE, and another brightness along the edges. Of
# 7,204 leaves on black these limits flag none, and nine in ten of their negatives (measured).
MIN_ALIKE, ALIKE, NEGATIVE, OTHER_EDGE = 10, 0.5, -0.6, 120
FEW_UNMATCHED = 0.1  # rows without a picture, or pictures without a row, to pictures with both
FAR_FROM_SQUARE = 1.5  # longer side to shorter: at least a third is cut off


@dataclass(frozen=True)
class Finding:
    """Finding of the check. `names` are a few of its pictures, each with its problem where these differ."""

    severity: Severity
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetInspection:
    """Data set with the facts on each of its pictures, in the order of its names."""

    data: ImageDataset
    facts: list[ImageFacts]
    resolution: int

    def rows(self, applies: Callable[[ImageFacts], bool]) -> list[int]:
        """Return the rows of the readable pictures for which `applies` holds."""
        return [i for i, fact in enumerate(self.facts) if not fact.problem and applies(fact)]

    def names(self, rows: Sequence[int]) -> tuple[str, ...]:
        """Return a few names of these rows; none if the rows are all pictures."""
        if len(rows) == len(self.data):
            return ()
        return tuple(self.data.names[i] for i in rows[:SHOWN])


@dataclass(frozen=True)
class DataReport:
    """Result of the check. `classes` are (name, pictures) in class order, empty without labels that are clear."""

    findings: tuple[Finding, ...]
    pictures: int  # that can be read
    unreadable: tuple[str, ...]
    classes: tuple[tuple[str, int], ...]
    kind: str
    resolution: int

    @property
    def can_train(self) -> bool:
        """True if no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


def check(data: ImageDataset, resolution: int = 64) -> Generator[Event, None, DataReport]:
    """Inspect every picture; yields Progress every few hundredths of a second.

    resolution  px a side of the planned training, against which sizes are judged
    """

    def look(row: int) -> ImageFacts:
        name = data.names[row]
        try:
            raw = data.source.read(name)
        except UserError as error:
            return ImageFacts(_reason(error))
        return inspect_image(raw, name, data.ranges)

    facts = yield from map_in_threads(look, len(data), "Looking at the pictures")
    inspection = DatasetInspection(data, facts, resolution)
    findings = yield from run_in_thread(
        lambda: tuple(finding for part in _PARTS for finding in part(inspection)), "Comparing the pictures"
    )
    return DataReport(
        findings=findings,
        pictures=sum(not fact.problem for fact in facts),
        unreadable=tuple(name for name, fact in zip(data.names, facts, strict=True) if fact.problem),
        classes=() if data.question else data.class_counts(),
        kind=data.listing.kind,
        resolution=resolution,
    )


def _reason(error: UserError) -> str:
    """Return why the bytes of a picture cannot be read, in a few words."""
    cause = error.__cause__
    if isinstance(cause, NotImplementedError):
        return "packed in a way that is not read here"
    if isinstance(cause, OSError):
        return f"cannot be opened: {cause.strerror or cause}"
    return "larger than any picture" if cause is None else "damaged in the zip file"


def count(n: int, one: str = "picture", many: str = "") -> str:
    """Return a number with its noun: "1 picture", "7,204 pictures"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def are(n: int) -> str:
    return "is" if n == 1 else "are"


def have(n: int) -> str:
    return "has" if n == 1 else "have"


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
    text = f"{len(broken):,} of {count(total)} cannot be read and {are(len(broken))} left out of a training."
    yield Finding("warning", text, names)


def describe_listing(inspection: DatasetInspection) -> Iterator[Finding]:
    listing = inspection.data.listing
    yield Finding("note", f"{count(len(inspection.data))} chosen ({listing.kind}).")
    for note in listing.notes:
        yield Finding("warning", note)
    for names, text in (
        (listing.unlisted, "in the folder that the labels do not mention, left out."),
        (listing.missing, "that the labels mention, but whose file was not found."),
    ):
        if names:
            shown = tuple(names[:SHOWN])
            many = len(names) > FEW_UNMATCHED * len(inspection.data)
            sentence = f"There {are(len(names))} {count(len(names))} {text}"
            yield Finding("warning" if many and listing.table else "note", sentence, shown)
    n = inspection.data.about.get("without_label", 0)
    if n:
        more = f"; {EMPTY}=NAME among the Classes (--classes) makes a class of them" if listing.table else ""
        yield Finding(
            "warning" if listing.table else "note", f"{count(n)} {have(n)} no label and {are(n)} left out{more}."
        )
    other = inspection.data.source.other
    if other:
        kinds = ", ".join(suffix or "no ending" for suffix, _ in other.most_common(SHOWN))
        yield Finding("note", f"{count(sum(other.values()), 'file')} of other kinds ({kinds}) were not looked at.")
    versions = sorted(set(inspection.data.columns.get("version", ())))
    if len(versions) > 1:
        one = " ".join(listing.where) or f"version={versions[0]}"
        text = (
            f"Every picture comes in {len(versions)} versions ({', '.join(versions)}): "
            f"take one, by {one} under Only (--where)."
        )
        yield Finding("warning", text)


def sides(inspection: DatasetInspection) -> Iterator[Finding]:
    """Report the number of pictures in train, val and test, and whether these suffice."""
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
    """Report pictures that belong together on several sides: they make the figures of val and test too good."""
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
    if data.question:
        yield Finding("warning", data.question)
    if data.labels is None:
        if data.question:
            return
        yield from _loose(data.names)
        yield Finding(
            "note", "There are no labels: enough to explain a classifier that you have, but none can be trained here."
        )
        return
    classes = data.class_counts()
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
        present = set(data.labels[data.indices(side)].tolist())
        absent = [name for k, name in enumerate(data.class_names) if k not in present]
        if absent and present:
            text = (
                f"{side} has no picture of {count(len(absent), 'class', 'classes')}, "
                "so nothing can be said of them there."
            )
            yield Finding("warning", text, tuple(absent[:SHOWN]))


def _loose(names: Sequence[str]) -> Iterator[Finding]:
    """Report pictures beside folders, which keep these from being class folders."""
    loose = [name for name in names if "/" not in name]
    if loose and len({name.partition("/")[0] for name in names} - set(loose)) > 1:
        text = (
            f"{count(len(loose))} {are(len(loose))} beside the folders, which therefore are not classes: "
            "move or delete what is loose."
        )
        yield Finding("warning", text, tuple(loose[:SHOWN]))


def _evenness(classes: Sequence[tuple[str, int]]) -> Finding:
    """Report the number of pictures of each class, and whether these are even enough."""
    ordered = sorted(classes, key=lambda pair: -pair[1])
    (top, largest), (bottom, smallest) = ordered[0], ordered[-1]
    if len(classes) <= LISTED_CLASSES:
        text = "Classes: " + ", ".join(f"{name} {n:,}" for name, n in classes)
    else:
        text = f"There are {len(classes)} classes, from {bottom} ({smallest:,}) to {top} ({largest:,})"
    ratio = largest / max(smallest, 1)
    if ratio <= UNEVEN:
        return Finding("good", f"{text}: well balanced.")
    times = f"'{top}' has {ratio:.{0 if ratio >= 10 else 1}f} times as many as '{bottom}'"
    if ratio <= VERY_UNEVEN:
        return Finding("note", f"{text}: {times}.")
    return Finding("warning", f"{text}: {times}; look at the accuracy of each class, not at the mean.")


def find_duplicates(inspection: DatasetInspection) -> Iterator[Finding]:
    """Report equal pictures, and those of them that make the figures of val and test too good."""
    data, facts = inspection.data, inspection.facts
    equal: dict[bytes, list[int]] = defaultdict(list)
    for i in inspection.rows(lambda _: True):
        equal[facts[i].content].append(i)
    sets = [rows for rows in equal.values() if len(rows) > 1]
    if not sets:
        pixels_compared = all(fact.pixels_compared or fact.problem for fact in facts)
        how = "" if pixels_compared else " (large JPEG pictures were compared by their bytes)"
        yield Finding("good", f"No picture occurs twice{how}.")
        return
    extra = sum(len(rows) - 1 for rows in sets)
    recoded = sum(len({facts[i].file for i in rows}) - 1 for rows in sets)
    what = "is an exact copy of another" if extra == 1 else "are exact copies of others"
    other = f", {recoded:,} of them in another file format or saved anew" if recoded else ""
    yield Finding("note", f"{count(extra)} {what}{other}.", _equal(inspection, sets))
    torn = [rows for rows in sets if len(set(data.sides[rows].tolist())) > 1]
    if torn:
        text = (
            f"{count(len(torn))} {are(len(torn))} on different sides of the split at once, "
            f"so the figures on val and test will be too good: {_remedy(inspection)}."
        )
        yield Finding("warning", text, _equal(inspection, torn))
    labels = data.labels
    doubtful = [] if labels is None else [r for r in sets if len(set(labels[r].tolist())) > 1]
    if doubtful:
        text = f"{count(len(doubtful))} {have(len(doubtful))} copies in another class: one of the labels is wrong."
        yield Finding("warning", text, _equal(inspection, doubtful))


def _remedy(inspection: DatasetInspection) -> str:
    group = inspection.data.about["options"]["group"]
    if group:
        return f"correct the column '{group}', or delete the copies"
    return "delete the copies, or give them one value in a column of labels.csv and name it as Group (--group)"


def _equal(inspection: DatasetInspection, sets: list[list[int]]) -> tuple[str, ...]:
    return tuple(" = ".join(inspection.names(rows[:3])) for rows in sets[:SHOWN])


def check_sizes(inspection: DatasetInspection) -> Iterator[Finding]:
    sound = [inspection.facts[i] for i in inspection.rows(lambda _: True)]
    if not sound:
        return
    ordered = sorted(sound, key=lambda fact: fact.width * fact.height)
    small, middle, large = (f"{f.width} x {f.height}" for f in (ordered[0], ordered[len(ordered) // 2], ordered[-1]))
    if small == large:
        yield Finding("good", f"All pictures are {small} px.")
    else:
        yield Finding("note", f"The smallest picture is {small} px, the middle one {middle}, the largest {large}.")
    target = inspection.resolution
    tiny = inspection.rows(lambda fact: min(fact.width, fact.height) < target)
    if tiny:
        severity: Severity = "warning" if len(tiny) > len(sound) / 5 else "note"
        yield Finding(
            severity,
            f"{count(len(tiny))} {are(len(tiny))} smaller than {target} px and will be enlarged, "
            "which makes them soft.",
            inspection.names(tiny),
        )
    oblong = inspection.rows(lambda fact: _longness(fact) > FAR_FROM_SQUARE)
    if oblong:
        cropped = max(1 - 1 / _longness(inspection.facts[i]) for i in oblong)
        yield Finding(
            "note",
            f"{count(len(oblong))} {are(len(oblong))} far from square: only the middle square is used, "
            f"and up to {cropped:.0%} of a picture is cut off.",
            inspection.names(oblong),
        )


def _longness(fact: ImageFacts) -> float:
    return max(fact.width, fact.height) / min(fact.width, fact.height)


def kinds(inspection: DatasetInspection) -> Iterator[Finding]:
    """Report colours, transparency, camera rotation and animations: notes, nothing to correct."""
    modes = Counter(fact.mode for fact in inspection.facts if not fact.problem)
    grey = sum(modes[mode] for mode in ("1", "L", "LA"))
    total = sum(modes.values())
    if grey:
        mixed = f", the other {total - grey:,} in colour: a classifier may go by that" if grey < total else ""
        yield Finding(
            "warning" if mixed and inspection.data.labels is not None else "note",
            f"{count(grey)} {are(grey)} grey{mixed}.",
        )
    kinds: tuple[tuple[Callable[[ImageFacts], bool], str], ...] = (
        (lambda fact: fact.mode == "CMYK", "for printing (CMYK): turned into RGB, so colours may differ a little."),
        (lambda fact: fact.mode in ("P", "PA"), "with a palette: turned into RGB."),
        (lambda fact: fact.high_bit_depth, "of more than 8 bits per channel (16 bits, floats, signed): brought to 8."),
        (lambda fact: bool(fact.profile), "with colours of their own (a profile): turned into sRGB."),
        (lambda fact: fact.transparent, "with transparent parts, which become black."),
        (lambda fact: fact.rotated, "marked as rotated by the camera: turned upright."),
        (lambda fact: fact.animated, "animated or of several pages: the first is used."),
    )  # fmt: skip
    for applies, text in kinds:
        rows = inspection.rows(applies)
        if rows:
            yield Finding("note", f"{count(len(rows))} {text}", inspection.names(rows))


def check_light(inspection: DatasetInspection) -> Iterator[Finding]:
    """Report pictures that are nearly black, nearly white, of one shade, or negatives of the others."""
    rows = inspection.rows(lambda fact: bool(fact.thumb))
    facts = inspection.facts
    flat = [i for i in rows if facts[i].brightest - facts[i].darkest < FLAT]
    dark = [i for i in rows if i not in set(flat) and facts[i].brightest < DARK]
    bright = [i for i in rows if i not in set(flat) and facts[i].darkest > 255 - DARK]
    for found, text in (
        (flat, "of one shade, so nothing can be learned from them: export them over the whole range."),
        (dark, f"nearly black, with nothing above {DARK} of 255: brighten them, or export them over the whole range."),
        (bright, f"nearly white, with nothing below {255 - DARK} of 255: export them over the whole range."),
        (_negatives(inspection, rows), "bright where most others are dark, and the reverse: they may be inverted."),
    ):  # fmt: skip
        if found:
            yield Finding("warning", f"{count(len(found))} {are(len(found))} {text}", inspection.names(found))


def _negatives(inspection: DatasetInspection, rows: Sequence[int]) -> list[int]:
    """Return the pictures that look like negatives of most others; none where pictures have little in common."""
    if len(rows) < MIN_ALIKE:
        return []
    thumbs = np.array([np.frombuffer(inspection.facts[i].thumb, np.uint8) for i in rows], dtype=np.float64)
    side = int(thumbs.shape[1] ** 0.5)
    edge = np.ones((side, side), dtype=bool)
    edge[1:-1, 1:-1] = False
    edges = thumbs[:, edge.ravel()].mean(axis=1)
    usual = np.median(thumbs, axis=0)
    parts, usual = thumbs - thumbs.mean(axis=1, keepdims=True), usual - usual.mean()
    lengths = np.linalg.norm(parts, axis=1) * np.linalg.norm(usual)
    alike = np.divide(parts @ usual, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    if np.median(alike) < ALIKE:
        return []
    found = (alike < NEGATIVE) & (np.abs(edges - np.median(edges)) > OTHER_EDGE)
    return [row for row, negative in zip(rows, found, strict=True) if negative]


def check_amount(inspection: DatasetInspection) -> Iterator[Finding]:
    n = len(inspection.rows(lambda _: True))
    help_text = "leave mirroring on (flip) unless left and right matter, use adaptive augmentation (ada_target)"
    if n < VERY_FEW:
        yield Finding(
            "warning",
            f"{count(n)} {are(n)} very few: expect blurred pictures that repeat them; {help_text}, "
            "and go on from an existing explainer (--init) if one fits.",
        )
    elif n < FEW:
        yield Finding("note", f"{count(n)} are few: fine detail will be missing; {help_text}.")
    else:
        yield Finding("good", f"{count(n)} are enough to begin with.")


def check_memory(inspection: DatasetInspection) -> Iterator[Finding]:
    needed = len(inspection.data) * inspection.resolution**2 * 3
    installed = installed_memory()
    text = f"At {inspection.resolution} px the pictures take {size_text(needed)} of memory"
    if installed and needed > installed / 2:
        yield Finding("warning", f"{text}, and this machine has {size_text(installed)}: take fewer, or a smaller size.")
    else:
        yield Finding("good", f"{text}.")


# In the order of their importance to a reader.
_PARTS = (
    find_unreadable,
    describe_listing,
    sides,
    check_balance,
    find_duplicates,
    check_sizes,
    kinds,
    check_light,
    check_amount,
    check_memory,
)
