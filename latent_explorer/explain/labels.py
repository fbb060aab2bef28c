# SPDX-License-Identifier: MIT
"""A person's labels of pictures, as values and as CSV files: what a boundary of your own is fitted to. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from latent_explorer.common.csv_table import read_records, read_table, table_bytes
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.format import shortened
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.recipe import Count, SampleBase, SeedBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Kind = Literal["yes-no", "rating"]
SKIPPED = -1
RATINGS = (1, 2, 3, 4, 5)
MAX_LABELS = 20_000  # of a set
MAX_NAME = 200  # characters
_MAX_BYTES = 4 << 20
_MODEL, _NAME = "# model_hash: ", "# attribute: "
_SKIP_WORDS = ("", "-1", "skip", "skipped")
_HEADS = ("picture", "{kind}", "truncation_psi", "truncation_cutoff", "chosen")


class Label(msgspec.Struct, frozen=True):
    """What a person said of one picture, unedited, as it was shown."""

    base: SeedBase | SampleBase
    value: Annotated[int, msgspec.Meta(ge=SKIPPED, le=5)]  # 1 has it, 0 has it not, or a rating 1 to 5; -1 skipped
    truncation_psi: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 1.0
    truncation_cutoff: Count | None = None
    sought: bool = False  # chosen because the boundary was least sure of it, and not drawn at random

    @property
    def picture(self) -> tuple[SeedBase | SampleBase, float, int | None]:
        """What was shown: labels of the same picture have equal ones."""
        return self.base, self.truncation_psi, self.truncation_cutoff


class LabelSet(msgspec.Struct, frozen=True):
    """The labels of one attribute. A picture has one label at most, the last one given."""

    name: Annotated[str, msgspec.Meta(max_length=MAX_NAME)] = ""
    kind: Kind = "yes-no"
    labels: Annotated[tuple[Label, ...], msgspec.Meta(max_length=MAX_LABELS)] = ()

    def with_label(self, label: Label) -> LabelSet:
        """Return a copy with one more label, in the place of an earlier one of that picture."""
        kept = tuple(each for each in self.labels if each.picture != label.picture)
        return msgspec.structs.replace(self, labels=(*kept, label))

    def count(self, value: int) -> int:
        """Return how many pictures have this label."""
        return sum(label.value == value for label in self.labels)

    @property
    def given(self) -> tuple[Label, ...]:
        """The labels that are not skipped."""
        return tuple(label for label in self.labels if label.value != SKIPPED)


def label_problem(labels: LabelSet, samples: int) -> str:
    """Return why a set does not fit a model with so many pictures; empty if it does. It completes "... labels "."""
    allowed = (SKIPPED, 0, 1) if labels.kind == "yes-no" else (SKIPPED, *RATINGS)
    if any(label.value not in allowed for label in labels.labels):
        return f"hold a value that is none of {', '.join(map(str, allowed))}"
    if any(isinstance(label.base, SampleBase) and label.base.index >= samples for label in labels.labels):
        return f"name a picture of the file that is not among its {samples:,}"
    return ""


def write_labels(path: Path, labels: LabelSet, model_hash: str) -> None:
    """Write labels as CSV: two lines `# fact: value`, then a row for each picture. UserError if that is impossible."""
    kind = "label" if labels.kind == "yes-no" else "rating"
    rows = [
        (
            f"seed {label.base.seed}" if isinstance(label.base, SeedBase) else f"sample {label.base.index}",
            label.value,
            label.truncation_psi,
            "" if label.truncation_cutoff is None else label.truncation_cutoff,
            "unsure" if label.sought else "drawn",
        )
        for label in labels.labels
    ]
    heads = [head.format(kind=kind) for head in _HEADS]
    with atomic_output(path) as temporary:
        name = " ".join(labels.name.split())
        temporary.write_bytes(table_bytes([_MODEL + model_hash], [(_NAME + name,), heads, *rows]))


def read_labels(path: Path, model_hash: str, sample_ids: Sequence[str] = ()) -> LabelSet:
    """Read labels from a CSV with the columns `picture` and `label` (1, 0, -1) or `rating` (1 to 5, -1).

    `picture` is "seed 12", "sample 3" or one of `sample_ids`; `truncation_psi` (1), `truncation_cutoff` and `chosen`
    (drawn, unsure) may be left out, and so may the lines `# model_hash:` and `# attribute:`.

    UserError, in a sentence, for anything else, and for labels of another model.
    """
    try:
        table = read_table(read_bytes(path, _MAX_BYTES), path.name, max_rows=MAX_LABELS + 100)
    except DamagedData as error:
        raise UserError(f"{path.name} holds no labels: {error}. Choose a CSV of labels.") from error
    except OSError as error:
        raise UserError(f"{path.name} cannot be read ({error.strerror or error}). Check the file.") from error
    facts = [row[0].strip() for row in table if row and row[0].lstrip().startswith("#")]
    rows = [(line, row) for line, row in zip(table.lines, table, strict=True) if row and any(map(str.strip, row))]
    rows = [(line, row) for line, row in rows if not row[0].lstrip().startswith("#")]
    theirs = next((fact.removeprefix(_MODEL) for fact in facts if fact.startswith(_MODEL)), "")
    if theirs and model_hash and theirs != model_hash:
        raise UserError(f"The labels in {path.name} are of another model. Open the explainer that was labelled.")
    heads, records = read_records([row for _, row in rows])
    kind: Kind = "rating" if "rating" in heads else "yes-no"
    column = "rating" if kind == "rating" else "label"
    if "picture" not in heads or column not in heads:
        raise UserError(f"{path.name} needs the columns picture and label (1 or 0), or picture and rating (1 to 5).")
    numbers = {name: index for index, name in reversed(list(enumerate(sample_ids)))}
    labels: dict[tuple[object, ...], Label] = {}
    for (line, _), record in zip(rows[1:], records, strict=True):
        try:
            label = _label(record, column, numbers)
        except ValueError as error:
            raise UserError(f"{path.name}, line {line}: {error}.") from error
        labels[label.picture] = label
    name = next((fact.removeprefix(_NAME) for fact in facts if fact.startswith(_NAME)), path.stem)
    found = LabelSet(name[:MAX_NAME], kind, tuple(labels.values()))
    if len(labels) > MAX_LABELS:
        raise UserError(f"{path.name} holds more than {MAX_LABELS:,} labels.")
    if problem := label_problem(found, len(sample_ids)):
        raise UserError(f"The labels in {path.name} {problem}.")
    return found


def _label(record: dict[str, str], column: str, numbers: dict[str, int]) -> Label:
    """Return the label of a row. ValueError, as words, for anything else."""
    text = record.get(column, "").lower()
    value = SKIPPED if text in _SKIP_WORDS else _number(text, column)
    psi = record.get("truncation_psi") or "1"
    try:
        fields = {
            "base": msgspec.to_builtins(_base(record.get("picture", ""), numbers)),
            "value": value,
            "truncation_psi": float(psi),
            "truncation_cutoff": _number(cut, "cutoff") if (cut := record.get("truncation_cutoff")) else None,
            "sought": record.get("chosen", "").lower() == "unsure",
        }
        return msgspec.convert(fields, Label)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _base(text: str, numbers: dict[str, int]) -> SeedBase | SampleBase:
    if text in numbers:
        return SampleBase(numbers[text])
    kind, _, number = text.partition(" ")
    if kind.lower() in ("seed", "sample"):
        return SeedBase(_number(number, kind)) if kind.lower() == "seed" else SampleBase(_number(number, kind))
    raise ValueError(f"{shortened(text) or 'nothing'!r} is no picture; write seed 12, sample 3, or a picture's name")


def _number(text: str, what: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ValueError(f"{shortened(text)!r} is no {what}; it must be a whole number")
    return int(text)
