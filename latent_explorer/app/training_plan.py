# SPDX-License-Identifier: MIT
"""The guided start as a value: what a person chose, what is still missing, and the command that does it.

`TrainingPlan()` is the empty form; `dataclasses.replace(plan, label="healthy")` is the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class TrainingPlan:
    """What shall be trained. `label` to `split` choose among the pictures of `data`, or of `classifier_data` if given."""

    data: Path | None = None
    label: str = ""  # column of the labels; empty: class folders or a column `class`
    classes: str = ""  # "0=diseased,1=healthy"
    where: tuple[str, ...] = ()  # "crop=apple,bell pepper"
    group: str = ""
    split: str = ""
    classifier_from: Literal["train", "file"] = "train"
    classifier: Path | None = None  # for "file": a .classifier, or an .explainer, whose classifier is taken
    classifier_data: Path | None = None  # for "train": other pictures than `data`
    preset: str = "quick-look"  # key of training.presets.PRESETS
    init: Path | None = None  # an .explainer to go on from
    images: int | None = None  # None: as the preset says
    device: str = "auto"
    name: str = ""  # of the run and of the explainer; empty: made from the pictures' folder and the preset
    settings: tuple[str, ...] = field(default=())  # "kl=1.5": settings of TrainConfig by name

    def problems(self) -> list[str]:
        """What is still missing or wrong, in plain words; empty: it can be started."""
        raise NotImplementedError

    def arguments(self, out: Path | str) -> list[str]:
        """The arguments of the program that train this into the run folder `out`, from "train" on."""
        raise NotImplementedError

    def command_line(self, *, windows: bool | None = None) -> str:
        """The same as one line to be copied to a shell; `windows` None: for the system that this runs on."""
        raise NotImplementedError

    def title(self) -> str:
        """The name, or the one that is made where none was given: "leaves, quick look"."""
        raise NotImplementedError
