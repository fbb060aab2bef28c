# SPDX-License-Identifier: MIT
"""Updates of the import controller, emitted on the window's thread. Plain values that the dialog shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.events import Progress
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from latent_explorer.explain.report.classifier_check import (  # noqa: TC004  # it imports torch
        Advice,
        ClassifierCheck,
    )


@dataclass(frozen=True)
class ClassifierFacts:
    """What was recognised of a classifier, and with what the dialog's fields begin."""

    network: str  # "torchvision:resnet18"
    outputs: int
    class_names: tuple[str, ...]
    names_from: str  # where they are from, as words; "" if they stand in for names that nobody gave
    preprocessing: Preprocessing
    preprocessing_from: str
    fixed_size: bool = False  # its network takes pictures of one size
    notes: tuple[str, ...] = ()
    program: str = ""  # "TorchScript", if only the weights of one were read; it may be run instead
    single_outputs: bool = False  # one of its outputs can be read alone, as yes or no

    def names_for(self, output: int | None) -> tuple[str, ...]:
        """Return the class names if only one output is read; None reads all."""
        if output is None:
            return self.class_names
        from latent_explorer.models.importers.classifiers.file import names_of_output

        return names_of_output(self.class_names, output)


@dataclass(frozen=True)
class NetworkChoices:
    """The libraries' networks that the tensors of a file can be read as."""

    known: tuple[str, ...]  # all, by name
    fitting: tuple[str, ...] = ()  # that have the same tensors, the one in use first
    nearest: tuple[tuple[str, str], ...] = ()  # where none fits: names, and what does not


@dataclass(frozen=True)
class GeneratorFacts:
    """What was recognised of a generator."""

    source: str  # "StyleGAN2 (NVIDIA)"
    resolution: int
    num_styles: int
    classes: int  # that a conditional one draws, else 0
    notes: tuple[str, ...] = ()
    needs_classifier: bool = False  # a StylEx, which is told what its classifier says
    class_names: tuple[str, ...] = ()  # of `classes`, if there is a likely guess
    complete: bool = False  # it comes with the classifier to explain, and with pictures


@dataclass(frozen=True)
class FileInspected:
    """What a file is: classifier, generator, program, or neither, with the reason and the way out in `problem`."""

    path: Path
    classifier: ClassifierFacts | None = None
    generator: GeneratorFacts | None = None
    problem: str = ""
    program: str = ""  # "TorchScript", of a file that is a classifier only if it may run
    trusted: str = ""  # SHA-256 of the program that was run
    networks: NetworkChoices | None = None  # None if tensors alone do not say which network it is


@dataclass(frozen=True)
class NetworkRefused:
    """The tensors of the file cannot be read as the network that was named, for the reason in `problem`."""

    problem: str


@dataclass(frozen=True)
class PicturesOpened:
    """Pictures that a classifier can be tried on, or the problem with them in one sentence."""

    path: Path
    count: int = 0
    labels: tuple[str, ...] = ()  # columns that may be the labels
    label: str = ""  # the one in use
    class_names: tuple[str, ...] = ()  # the values of that, in the order that folders are usually numbered in
    problem: str = ""


@dataclass(frozen=True)
class CheckStep:
    """Progress of a check."""

    progress: Progress


@dataclass(frozen=True)
class CheckShown:
    """What a check found so far, and in the end.

    pictures  those of its verdicts, (s, s, 3) uint8 each
    """

    check: ClassifierCheck
    advice: tuple[Advice, ...]
    pictures: tuple[np.ndarray, ...]
    complete: bool


@dataclass(frozen=True)
class CheckEnded:
    """End of a check without a result: cancelled, or with a `problem`, in one sentence."""

    problem: str = ""


@dataclass(frozen=True)
class ClassifierSaved:
    """A classifier was written to `path`."""

    path: Path


@dataclass(frozen=True)
class WorkEnded:
    """End of the writing of a classifier or of an explainer. `stays` is False if the import ends with it."""

    stays: bool = True
