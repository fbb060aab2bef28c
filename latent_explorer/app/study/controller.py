# SPDX-License-Identifier: MIT
"""Studies as the window sees them: what the open model offers, one question to look at, building, scoring.

Methods are called on the window's thread; updates go to `listeners` there. Jobs are those of the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.document import listed_set
from latent_explorer.app.study.arms import (
    ArmWish,
    OpenArm,
    StudyWish,
    chosen_set,
    open_arm,
    open_from_files,
)
from latent_explorer.app.study.job import build_study, faces_of, preview_of
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import drained
from latent_explorer.data.threads import aside
from latent_explorer.studies.build.answer_key import StudyKey, read_key
from latent_explorer.studies.build.plan import StudySettings, count_questions, minutes_for
from latent_explorer.studies.build.question_image import Pair
from latent_explorer.studies.scoring.columns import (
    Proposal,
    key_draft,
    propose,
    question_columns,
    write_key_draft,
)
from latent_explorer.studies.scoring.score_files import Scored, score_files

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from latent_explorer.app.engine.model_host import Workbench
    from latent_explorer.app.exploration.document import Document
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.studies.scoring.rules import Rules


@dataclass(frozen=True)
class FacesSeen:
    """Attributes before and after on one picture, by key, for thumbnails; (R, R, 3) uint8 each."""

    faces: dict[str, Pair]


@dataclass(frozen=True)
class QuestionSeen:
    """One question as participants will see it; or why there is none."""

    frames: Pair | None  # (H, W, 3) uint8, before and after
    seconds: float = 1.0  # that each stands
    size: int = 0  # bytes of its files
    problem: str = ""


@dataclass(frozen=True)
class StudyBuilt:
    """A study lies in `folder`."""

    folder: Path
    key: StudyKey


@dataclass(frozen=True)
class StudyScored:
    """Answers are scored."""

    scored: Scored


@dataclass(frozen=True)
class ColumnsProposed:
    """Which column seems to hold which question; or why that cannot be told."""

    path: Path
    proposals: tuple[Proposal, ...]
    heads: tuple[str, ...] = ()  # columns that may hold answers
    problem: str = ""


@dataclass(frozen=True)
class KeyDrafted:
    """A key to be completed lies at `path`; or why there is none."""

    path: Path
    columns: int = 0  # that may hold answers
    problem: str = ""


StudyUpdate = FacesSeen | QuestionSeen | StudyBuilt | StudyScored | ColumnsProposed | KeyDrafted


@dataclass(frozen=True)
class Outline:
    """What a study would be."""

    questions: int  # that participants answer, without practice
    minutes: float  # for a participant, about
    problem: str = ""


class StudyDesk:
    """Makes studies of the open model and scores answers."""

    def __init__(self, explorer: Explorer) -> None:
        self.listeners: list[Callable[[StudyUpdate], None]] = []
        self._explorer = explorer

    # What is offered -----------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a model is open."""
        return self._explorer.state is not None

    def wish(self, **settings: Any) -> StudyWish:
        """A study of the best of the listed attributes, towards the chosen class."""
        return StudyWish(arms=(self.own_arm(),), settings=StudySettings(**settings))

    def own_arm(self, **fields: Any) -> ArmWish:
        """The open model as an arm: the attributes that the window lists, asked of whom they were found for."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            raise UserError("No model is open yet. Open an explainer first.")
        found = listed_set(self._explorer.document, summary, state)
        classifier_id = found.classifier_id if found else state.classifier_id
        return ArmWish(classifier_id=classifier_id, target=state.target_class, **fields)

    @property
    def said(self) -> str:
        """Who is asked in a study of the listed attributes, where that is not who is asked in the window; else empty."""
        state, summary = self._explorer.state, self._explorer.summary
        arm = self.own_arm()
        if state is None or summary is None or arm.classifier_id == state.classifier_id:
            return ""
        names = {c.classifier_id: c.name for c in summary.classifiers}
        return (
            f"These attributes were found for {names[arm.classifier_id]}, so the study asks it, "
            f"not {names[state.classifier_id]}."
        )

    def attributes(self, arm: ArmWish) -> list[Attribute]:
        """The attributes that an arm of the open model offers, best first, under the person's names."""
        found = chosen_set(arm, self._sets(), arm.classifier_id)
        name_of = self._explorer.document.name_of
        return [
            msgspec.structs.replace(a, name=name_of(a))
            for a in (found.attributes if found else ())
            if a.target == arm.target
        ]

    def methods(self) -> list[str]:
        """Attribute sets for the arm's classifier and class, newest first: what a second arm may show."""
        arm = self.own_arm()
        names = [
            s.method
            for s in reversed(self._sets())
            if s.classifier_id == arm.classifier_id
            and any(a.target == arm.target for a in s.attributes)
        ]
        return list(dict.fromkeys(names))

    def _sets(self) -> list[AttributeSet]:
        summary = self._explorer.summary
        own = summary.attribute_sets if summary else ()
        return [*own, *self._explorer.document.attribute_sets]

    def outline(self, wish: StudyWish) -> Outline:
        """How long it is, and what is wrong with it, as far as can be told without opening other files."""
        counts = count_questions(wish.settings, [self._count(arm, wish) for arm in wish.arms])
        asked = counts["classification"] + counts["verbal"] + counts["catch"]
        return Outline(asked, minutes_for(counts), self._problem(wish))

    def _count(self, arm: ArmWish, wish: StudyWish) -> int:
        if arm.keys:
            return len(arm.keys)
        most = wish.settings.attributes
        return most if arm.path else min(most, len(self.attributes(arm)))

    def _problem(self, wish: StudyWish) -> str:
        try:
            wish.settings.check()
        except UserError as error:
            return str(error)
        offered = min(self._count(arm, wish) for arm in wish.arms)
        if not offered:
            return "There are no attributes towards this class yet. Find attributes first (Explain menu)."
        if offered < 2 and "classification" in wish.settings.kinds:
            return "Choose at least two attributes: each is the distractor of another."
        names = [arm.name for arm in wish.arms if arm.name]
        if len(set(names)) < len(names):
            return "Give the arms different names."
        return ""

    # Jobs on the open model ----------------------------------------------------------------------

    def look_at_faces(self, arm: ArmWish) -> int | None:
        """Render the arm's attributes on one picture; they come as `FacesSeen`."""
        job = partial(_faces, wish=arm, document=self._explorer.document)
        return self._explorer.start_model_job("Looking at attributes", job, self._tell)

    def look_at_question(self, wish: StudyWish, number: int = 0) -> int | None:
        """Render one of the questions, counted from 0; it comes as `QuestionSeen`."""
        job = partial(_question, wish=wish, document=self._explorer.document, number=number)
        return self._explorer.start_model_job("Drawing a question", job, self._tell)

    def build(self, wish: StudyWish, folder: Path) -> int | None:
        """Write the study into a new folder; it comes as `StudyBuilt`."""
        job = partial(_built, wish=wish, document=self._explorer.document, folder=folder)
        return self._explorer.start_model_job(f"Making the study {folder.name}", job, self._built)

    def cancel(self, job: int) -> None:
        """Give a job up; nothing of it is left behind."""
        self._explorer.cancel(job)

    def _built(self, built: StudyBuilt) -> None:
        self._explorer.tell(updates.Told(f"The study is in {built.folder}."))
        self._tell(built)

    # Scoring -------------------------------------------------------------------------------------

    def score(
        self,
        answers: Sequence[Path],
        key: Path,
        folder: Path,
        rules: Rules,
        columns: Mapping[str, str] | None = None,
    ) -> int | None:
        """Score answers into a folder; the result comes as `StudyScored`. Needs no model."""

        def job(_budget: object) -> Generator[Event, None, StudyScored]:
            work = partial(drained, score_files(answers, key, folder, rules, columns))
            return StudyScored((yield from aside(work, "Scoring")))

        return self._explorer.start_job("Scoring answers", job, self._tell)

    def propose_columns(self, answers: Path, key: Path) -> int | None:
        """Tell which column of an export belongs to which question, as `ColumnsProposed`."""

        def work() -> ColumnsProposed:
            try:
                data, name = answers.read_bytes(), answers.name
                found = propose(data, name, read_key(key))
                return ColumnsProposed(answers, tuple(found), tuple(question_columns(data, name)))
            except (UserError, OSError) as error:
                return ColumnsProposed(answers, (), problem=str(error))

        def job(_budget: object) -> Generator[Event, None, ColumnsProposed]:
            return (yield from aside(work, "Reading the columns"))

        return self._explorer.start_job("Reading the columns", job, self._tell)

    def draft_key(self, answers: Path, path: Path) -> int | None:
        """Write a key for an export of another origin, to be completed in a spreadsheet; told as `KeyDrafted`."""

        def work() -> KeyDrafted:
            try:
                drafts = key_draft(answers.read_bytes(), answers.name)
                write_key_draft(path, drafts)
            except (UserError, OSError) as error:
                return KeyDrafted(path, problem=str(error))
            return KeyDrafted(path, len(drafts))

        def job(_budget: object) -> Generator[Event, None, KeyDrafted]:
            return (yield from aside(work, "Drafting a key"))

        return self._explorer.start_job("Drafting a key", job, self._tell)

    def _tell(self, update: StudyUpdate) -> None:
        for listener in tuple(self.listeners):
            listener(update)


def _opened(bench: Workbench, wish: StudyWish, document: Document) -> list[OpenArm]:
    """The arms: those of the open model as they stand in the window, others from their files."""

    def already(arm: ArmWish) -> OpenArm | None:
        if arm.path:
            return None
        return open_arm(arm, bench.explainer.summary(), bench.renderer, document)

    return open_from_files(wish.arms, str(bench.device), already)


def _faces(
    bench: Workbench, _budget: object, *, wish: ArmWish, document: Document
) -> Generator[Event, None, FacesSeen]:
    found = yield from faces_of(_opened(bench, StudyWish(arms=(wish,)), document)[0])
    return FacesSeen(found)


def _question(
    bench: Workbench, _budget: object, *, wish: StudyWish, document: Document, number: int
) -> Generator[Event, None, QuestionSeen]:
    """What is wrong with a wish is said beside it, not in a dialog: the person is still choosing."""
    try:
        arms = _opened(bench, wish, document)
        frames, seconds, size = yield from preview_of(arms, wish.settings, number)
    except UserError as error:
        return QuestionSeen(None, problem=str(error))
    return QuestionSeen(frames, seconds, size)


def _built(
    bench: Workbench, _budget: object, *, wish: StudyWish, document: Document, folder: Path
) -> Generator[Event, None, StudyBuilt]:
    arms = _opened(bench, wish, document)
    return StudyBuilt(folder, (yield from build_study(arms, wish.settings, folder)))
