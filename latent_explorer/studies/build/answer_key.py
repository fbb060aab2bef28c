# SPDX-License-Identifier: MIT
"""The hidden key of a study: its questions and their right answers.

Read as JSON, as this program writes it, or as a CSV that the user writes for a survey made elsewhere: one row per
question with the columns `column` (of the export) or `item`, `kind` and `right`, and where known `arm`, `attribute`,
`distractor`, `role`, `slot` and `choices` (their number, 2 by default).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.csv_table import read_records, read_table
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_output
from latent_explorer.studies.build.plan import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

FORMAT, VERSION = "latent-explorer-study-key", 1
MAX_KEY_BYTES = 16 * 2**20


class KeyItem(msgspec.Struct, frozen=True, kw_only=True):
    """Question and its answer."""

    item: str  # identity, as answers name it
    kind: Kind
    role: Role = "item"
    arm: str = ""
    attribute: str = ""
    distractor: str = ""
    right: str = ""  # "1" or "2" in our studies; whatever the export holds (such as "A") in others
    slot: int = -1  # questions of several arms with one slot show the same sources
    column: str = ""  # of a survey service's export
    change: float = -1.0  # mean absolute change of the pictures, grey levels; -1: not known
    details: dict[str, Any] = {}  # sources and style coordinates, from which the pictures can be made again


class _Head(msgspec.Struct, frozen=True):
    """The part of the file that is the same in all versions; read first."""

    format: str = ""
    version: int = 0


class StudyKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a study that is hidden from participants."""

    format: str = FORMAT
    version: int = VERSION
    study: str  # identity, as answers name it; empty in a key written by hand
    items: tuple[KeyItem, ...]
    arms: tuple[str, ...] = ()
    paired: bool = False
    language: str = "en"  # of verbal answers, for the stemmer
    chance: float = 0.5  # of a right answer by guessing
    made_with: dict[str, Any] = {}  # models, classes, settings

    def check(self) -> StudyKey:
        """Return the key itself; raises UserError if it cannot be used for scoring."""
        unset = [i.item for i in self.items if i.kind == "classification" and not i.right.strip()][:1]
        problems = {
            "it holds no questions": not self.items,
            "two of its questions have the same name": len({i.item for i in self.items}) < len(self.items),
            "its chance is not a probability": not 0 < self.chance < 1,
            f"it does not say what is right for {''.join(unset)} (write it, or remove what is not a question)": unset,
        }
        for problem, applies in problems.items():
            if applies:
                raise UserError(f"The key cannot be used: {problem}. Correct the key file.")
        return self


def write_key(path: Path, key: StudyKey) -> None:
    """Write the key as indented JSON, atomically. UserError if it could not be read again."""
    data = msgspec.json.format(msgspec.json.encode(key), indent=1) + b"\n"
    try:
        guarded_json.decode(data, StudyKey, max_bytes=MAX_KEY_BYTES)
    except DamagedData as error:
        raise UserError(f"{path.name} was not written: {error}. Ask fewer questions.") from error
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)


def read_key(path: Path) -> StudyKey:
    """Read a key from JSON or CSV. Raises UserError that says what is wrong with the file."""
    try:
        data = read_bytes(path, MAX_KEY_BYTES)
    except DamagedData as error:
        raise UserError(f"{path.name} cannot be read as a key: {error}. Choose the key file.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Choose the key file.") from error
    if not data.strip():
        raise unreadable(path.name, "key", "", empty=True)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return _from_table(path, data)
    try:
        head = guarded_json.decode(data, _Head)
        if head.format != FORMAT:
            raise UserError(
                f"{path.name} is not the key of a study. It is called key.json and stands beside the participants' "
                "folder."
            )
        if head.version > VERSION:
            raise UserError(f"{path.name} was written by a newer version of this program.")
        return guarded_json.decode(data, StudyKey).check()
    except DamagedData as error:
        raise UserError(f"{path.name} cannot be read as a key ({error}).") from error


def _from_table(path: Path, data: bytes) -> StudyKey:
    """Read a key written by hand, one row per question."""
    heads, records = read_records(read_table(data, path.name))
    if "right" not in heads or not {"item", "column"} & set(heads):
        raise UserError(
            f"{path.name} is not a key: its first line must name the columns, among them `right` and `column` or "
            "`item`. `study columns EXPORT --out key.csv` drafts one for an export."
        )
    items, choices = [], set()
    for number, cell in enumerate(records, start=2):
        if any(cell.values()):
            items.append(_item_of(cell, number, path.name))
            choices.add(cell.get("choices", ""))
    arms = tuple(dict.fromkeys(i.arm for i in items if i.arm))
    return StudyKey(
        study="",
        items=tuple(items),
        arms=arms,
        paired=_shares_slots(items),
        chance=1 / _choices(choices - {""}, path.name),
    ).check()


def _choices(counts: Collection[str], name: str) -> int:
    """Return the number of choices, which must be one for all questions because the tests need one chance level."""
    if not counts:
        return 2
    count = next(iter(counts))
    if len(counts) > 1 or not count.isdecimal() or not 2 <= int(count) <= 8:
        raise UserError(
            f"{name} must give one number of choices for all questions, 2 to 8. Score others by keys of their own."
        )
    return int(count)


def _shares_slots(items: Sequence[KeyItem]) -> bool:
    """Return True if questions of different arms have the same slot, so that they show the same sources."""
    slots = {(i.arm, i.slot) for i in items if i.slot >= 0}
    return len({slot for _, slot in slots}) < len(slots)


def _item_of(cell: dict[str, str], number: int, name: str) -> KeyItem:
    # If no kind is given, a question with a right answer is a choice.
    kind = cell.get("kind") or ("classification" if cell.get("right") else "verbal")
    slot = cell.get("slot", "")
    fields = {
        "item": cell.get("item") or cell.get("column", ""),
        "column": cell.get("column", ""),
        "kind": kind,
        "role": cell.get("role") or "item",
        "slot": int(slot) if slot.isdecimal() else -1,
        **{field: cell.get(field, "") for field in ("arm", "attribute", "distractor", "right")},
    }
    try:
        return msgspec.convert(fields, KeyItem)
    except msgspec.ValidationError as error:
        raise UserError(f"Line {number} of {name} cannot be used ({error}).") from error
