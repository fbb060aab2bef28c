# SPDX-License-Identifier: MIT
"""What is said of the pictures of a data set: copies, sizes, colours and kinds. One plain sentence a finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from latent_explorer.data.dataset_findings import DatasetInspection, Finding, Severity, are, count, have
from latent_explorer.data.loading import SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from latent_explorer.data.image_facts import ImageFacts

FAR_FROM_SQUARE = 1.5  # longer side to shorter: a third and more is cut away


def find_duplicates(inspection: DatasetInspection) -> Iterator[Finding]:
    """Equal pictures, and those of them that make the figures of val and test too good."""
    data, facts = inspection.data, inspection.facts
    equal: dict[bytes, list[int]] = defaultdict(list)
    for i in inspection.rows(lambda _: True):
        equal[facts[i].content].append(i)
    sets = [rows for rows in equal.values() if len(rows) > 1]
    if not sets:
        pixels_compared = all(fact.pixels_compared or fact.problem for fact in facts)
        how = "" if pixels_compared else " (large JPEG pictures were compared by their bytes)"
        yield Finding("good", f"No picture is there twice{how}.")
        return
    extra = sum(len(rows) - 1 for rows in sets)
    recoded = sum(len({facts[i].file for i in rows}) - 1 for rows in sets)
    what = "is an exact copy of another" if extra == 1 else "are exact copies of others"
    other = f", {recoded:,} of them in another file format or saved anew" if recoded else ""
    yield Finding("note", f"{count(extra)} {what}{other}.", _equal(inspection, sets))
    torn = [rows for rows in sets if len(set(data.sides[rows].tolist())) > 1]
    if torn:
        verb = "stands" if len(torn) == 1 else "stand"
        text = f"{count(len(torn))} {verb} on different sides of the split at once, so the figures on val and test will be too good"
        yield Finding("warning", f"{text}: {_remedy(inspection)}.", _equal(inspection, torn))
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
            f"{count(len(tiny))} {are(len(tiny))} smaller than {target} px and will be enlarged, which makes them soft.",
            inspection.names(tiny),
        )
    oblong = inspection.rows(lambda fact: _longness(fact) > FAR_FROM_SQUARE)
    if oblong:
        most = max(1 - 1 / _longness(inspection.facts[i]) for i in oblong)
        verb = "is" if len(oblong) == 1 else "are"
        yield Finding(
            "note",
            f"{count(len(oblong))} {verb} far from square: only the middle square is used, and up to {most:.0%} of a picture is cut off.",
            inspection.names(oblong),
        )


def _longness(fact: ImageFacts) -> float:
    return max(fact.width, fact.height) / min(fact.width, fact.height)


def kinds(inspection: DatasetInspection) -> Iterator[Finding]:
    """Colours, transparency, camera rotation and animations: nothing to mend, but good to know."""
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
        (lambda fact: fact.high_bit_depth, "with 16 bits a channel: brought to 8."),
        (lambda fact: fact.transparent, "with transparent parts, which become black."),
        (lambda fact: fact.rotated, "marked as rotated by the camera: turned upright."),
        (lambda fact: fact.animated, "animated or of several pages: the first is used."),
    )  # fmt: skip
    for is_so, text in kinds:
        rows = inspection.rows(is_so)
        if rows:
            yield Finding("note", f"{count(len(rows))} {text}", inspection.names(rows))
