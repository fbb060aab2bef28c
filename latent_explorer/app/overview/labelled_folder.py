# SPDX-License-Identifier: MIT
"""A labelled folder as the window asks about it: what is in it, and the first guess at which values are which classes.

Opens no picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError
from latent_explorer.data.labels import EMPTY, write_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.data.summary import DataSummary
    from latent_explorer.models.summary import ExplainerSummary

MOST_CLASSES = 1000  # values of a column that may be the labels
MOST_GROUPS = 200  # values of a column that photographs are counted by
SIDES = ("all", "train", "val", "test")
LEFT_OUT = ""  # in place of a class


@dataclass(frozen=True)
class FolderQuestion:
    """What the classifier is asked about: photographs of a folder, and how their labels are read.

    classes   by label value: the class, or LEFT_OUT
    guessed   the classes were taken by their order, which only a person can confirm
    where     conditions "column=value,value"
    side      "all", "train", "val" or "test"
    """

    path: Path
    label: str
    classes: Mapping[str, str]
    guessed: bool = False
    where: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None
    side: str = "all"

    @property
    def selection(self) -> dict[str, Any]:
        """Arguments of `open_dataset`. UserError where no value is a class."""
        kept = {value: name for value, name in self.classes.items() if name != LEFT_OUT}
        if not kept:
            raise UserError(
                f"No value of the column {self.label!r} is a class of the classifier. "
                "Say below which value is which class, or choose another column."
            )
        return {
            "label": self.label,
            "classes": write_classes(kept),
            "where": self.where,
            "group": self.group,
            "split": self.split,
        }


def first_question(
    path: Path, data: DataSummary, summary: ExplainerSummary, class_names: Sequence[str]
) -> FolderQuestion | None:
    """Return the question to begin with; None where the folder has no column of labels.

    The choices of the data that the explainer was made from hold where the columns are the same; of those data
    themselves only the test side is taken, which the networks have not seen.
    """
    made_from = _mapping(summary.provenance.get("data"))
    options = _mapping(made_from.get("options"))
    label = _best_label(data, options, class_names)
    if label is None:
        return None
    classes, guessed = guess_classes(label, data, options, class_names)
    own = made_from.get("source") == path.name and options.get("label") == label
    group = options.get("group") if own and isinstance(options.get("group"), str) else None
    split = data.split if data.split_by_folder or data.split in data.columns else None
    return FolderQuestion(
        path,
        label,
        classes,
        guessed,
        where=_known_conditions(options.get("where"), data),
        group=group,
        split=split,
        side="test" if own or split else "all",
    )


def with_label(
    question: FolderQuestion, label: str, data: DataSummary, summary: ExplainerSummary, class_names: Sequence[str]
) -> FolderQuestion:
    """Return the question about another column."""
    options = _mapping(_mapping(summary.provenance.get("data")).get("options"))
    classes, guessed = guess_classes(label, data, options, class_names)
    return replace(question, label=label, classes=classes, guessed=guessed)


def guess_classes(
    label: str, data: DataSummary, options: Mapping[str, Any], class_names: Sequence[str]
) -> tuple[dict[str, str], bool]:
    """Return the class of each value of a column, LEFT_OUT where it is none, and whether the order alone said so."""
    values = list(data.columns[label])
    shown = data.value_names.get(label, {})
    made = _made_classes(options) if options.get("label") == label else {}
    by_name = {name.casefold(): name for name in class_names}
    found: dict[str, str] = {}
    for value in values:
        name = made.get(value) or by_name.get(shown.get(value, value).strip().casefold(), LEFT_OUT)
        found[value] = name if name in class_names else LEFT_OUT
    if any(found.values()):
        return found, False
    numbers = [value for value in values if value != EMPTY]
    if numbers == [str(k) for k in range(len(class_names))]:
        return {value: class_names[int(value)] if value != EMPTY else LEFT_OUT for value in values}, True
    return found, False


def _best_label(data: DataSummary, options: Mapping[str, Any], class_names: Sequence[str]) -> str | None:
    """Return the column most of whose values are classes; else the one that the folder suggests."""

    def known(key: str) -> float:
        classes, guessed = guess_classes(key, data, options, class_names)
        matched = sum(bool(name) for name in classes.values())
        return 0.0 if guessed else matched / len(classes)

    columns = list(data.columns)
    best = max(columns, key=known, default=None)
    if best is not None and known(best) > 0:
        return best
    return data.label if data.label in data.columns else next(iter(columns), None)


def _known_conditions(where: Any, data: DataSummary) -> tuple[str, ...]:
    """Return the conditions of the explainer's own data that leave something of this folder, and not all."""
    kept = []
    for condition in where if isinstance(where, list) else ():
        key, _, values = str(condition).partition("=")
        found = set(data.columns.get(key, ()))
        asked = {value.strip() for value in values.split(",")}
        if found and asked <= found and asked != found:
            kept.append(str(condition))
    return tuple(kept)


def _made_classes(options: Mapping[str, Any]) -> dict[str, str]:
    from latent_explorer.data.labels import parse_classes

    try:
        return parse_classes(str(options.get("classes") or ""))
    except UserError:
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
