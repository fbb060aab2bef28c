# SPDX-License-Identifier: MIT
"""Updates of the study controller, emitted on the window's thread. Plain values that the dialogs show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latent_explorer.studies.build.answer_key import StudyKey
from latent_explorer.studies.build.question_image import Pair
from latent_explorer.studies.scoring.columns import Proposal
from latent_explorer.studies.scoring.score_files import Scored


@dataclass(frozen=True)
class FacesRendered:
    """Attributes before and after on one picture, by key, for thumbnails; (R, R, 3) uint8 each."""

    faces: dict[str, Pair]


@dataclass(frozen=True)
class QuestionRendered:
    """Question as participants will see it, or the reason why there is none."""

    frames: Pair | None  # (H, W, 3) uint8, before and after
    seconds: float = 1.0  # that each picture is shown
    size: int = 0  # of its files, in bytes
    problem: str = ""


@dataclass(frozen=True)
class StudyBuilt:
    """Emitted when a study was written to `folder`."""

    folder: Path
    key: StudyKey


@dataclass(frozen=True)
class StudyScored:
    """Emitted when answers were scored."""

    scored: Scored


@dataclass(frozen=True)
class ColumnsProposed:
    """Column that seems to hold each question, or the reason why columns cannot be proposed."""

    path: Path
    proposals: tuple[Proposal, ...]
    heads: tuple[str, ...] = ()  # columns that may hold answers
    problem: str = ""


@dataclass(frozen=True)
class KeyDrafted:
    """Result of drafting a key: the file to be completed at `path`, or the reason why there is none."""

    path: Path
    columns: int = 0  # number of columns that may hold answers
    problem: str = ""
