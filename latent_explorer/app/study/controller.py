# SPDX-License-Identifier: MIT
"""Studies in the window: the attributes on offer, previews of questions, building and scoring.

Methods are called on the window's thread; `updates` passes on the results of jobs, which are those of the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.document import attribute_key, listed_set
from latent_explorer.app.study.arms import (
    ArmSpec,
    LoadedArm,
    StudySpec,
    open_arm,
    open_from_files,
    select_attribute_set,
)
from latent_explorer.app.study.job import build_study, faces_of, preview_of
from latent_explorer.app.study.updates import (
    ColumnsProposed,
    FacesRendered,
    KeyDrafted,
    QuestionRendered,
    StudyBuilt,
    StudyScored,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.common.update_hub import UpdateHub
from latent_explorer.data.threads import run_in_thread
from latent_explorer.studies.build.answer_key import read_key
from latent_explorer.studies.build.plan import StudySettings, count_questions, minutes_for
from latent_explorer.studies.scoring.columns import key_draft, propose, question_columns, write_key_draft
from latent_explorer.studies.scoring.score_files import score_files

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.exploration.document import Document
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.studies.scoring.rules import Rules


@dataclass(frozen=True)
class StudyEstimate:
    """Length of a study that is not built yet, and what is wrong with it."""

    questions: int  # that participants answer, without practice
    minutes: float  # for a participant, about
    problem: str = ""


class StudyController:
    """Makes studies of the open model and scores answers."""

    def __init__(self, explorer: Explorer) -> None:
        self.updates = UpdateHub()
        self._explorer = explorer

    def spec(self, **settings: Any) -> StudySpec:
        """Return a study of the best listed attributes towards the chosen class."""
        return StudySpec(arms=(self.own_arm(),), settings=StudySettings(**settings))

    def own_arm(self, **fields: Any) -> ArmSpec:
        """Return the open model as an arm: the listed attributes, with the classifier they were found for."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            raise UserError("No model is open yet. Open an explainer first.")
        attribute_set = listed_set(self._explorer.document, summary, state)
        classifier_id = attribute_set.classifier_id if attribute_set else state.classifier_id
        return ArmSpec(classifier_id=classifier_id, target=state.target_class, **fields)

    @property
    def classifier_note(self) -> str:
        """Sentence if the study is about a classifier other than the one chosen in the window, else ""."""
        state, summary = self._explorer.state, self._explorer.summary
        arm = self.own_arm()
        if state is None or summary is None or arm.classifier_id == state.classifier_id:
            return ""
        names = {c.classifier_id: c.name for c in summary.classifiers}
        return (
            f"These attributes were found for {names[arm.classifier_id]}, so the study is about it, "
            f"not about {names[state.classifier_id]}."
        )

    def attributes(self, arm: ArmSpec) -> list[Attribute]:
        """Return the attributes that an arm of the open model offers, best first, with the user's names."""
        attribute_set = select_attribute_set(arm, self._sets(), arm.classifier_id)
        document = self._explorer.document
        return [
            msgspec.structs.replace(a, name=document.name_of(a))
            for a in (attribute_set.attributes if attribute_set else ())
            if a.target == arm.target and attribute_key(a) not in document.hidden
        ]

    def methods(self) -> list[str]:
        """Return the methods that found attributes for the arm's classifier and class, newest first."""
        arm = self.own_arm()
        names = [
            s.method
            for s in reversed(self._sets())
            if s.classifier_id == arm.classifier_id and any(a.target == arm.target for a in s.attributes)
        ]
        return list(dict.fromkeys(names))

    def _sets(self) -> list[AttributeSet]:
        summary = self._explorer.summary
        model_sets = summary.attribute_sets if summary else ()
        return [*model_sets, *self._explorer.document.attribute_sets]

    def outline(self, spec: StudySpec) -> StudyEstimate:
        """Return the length of a study and its problems, as far as known without opening other files."""
        counts = count_questions(spec.settings, [self._count(arm, spec) for arm in spec.arms])
        questions = counts["classification"] + counts["verbal"] + counts["catch"]
        return StudyEstimate(questions, minutes_for(counts), self._problem(spec))

    def _count(self, arm: ArmSpec, spec: StudySpec) -> int:
        if arm.keys:
            return len(arm.keys)
        limit = spec.settings.attributes
        return limit if arm.path else min(limit, len(self.attributes(arm)))

    def _problem(self, spec: StudySpec) -> str:
        try:
            spec.settings.check()
        except UserError as error:
            return str(error)
        offered = min(self._count(arm, spec) for arm in spec.arms)
        if not offered:
            return "There are no attributes towards this class yet. Find attributes first (Explain menu)."
        if offered < 2 and "classification" in spec.settings.kinds:
            return "Choose at least two attributes: each question shows two."
        names = [arm.name for arm in spec.arms if arm.name]
        if len(set(names)) < len(names):
            return "Give the two sets different names."
        return ""

    def render_faces(self, arm: ArmSpec) -> int | None:
        """Render the arm's attributes on one picture; emits `FacesRendered`."""
        document = self._explorer.document

        def job(host: ModelHost, _budget: object) -> Generator[Event, None, FacesRendered]:
            return FacesRendered((yield from faces_of(_opened(host, (arm,), document)[0])))

        return self._explorer.start_model_job("Looking at attributes", job, self.updates.emit)

    def render_question(self, spec: StudySpec, number: int = 0) -> int | None:
        """Render question `number`, counted from 0; emits `QuestionRendered`."""
        document = self._explorer.document

        def job(host: ModelHost, _budget: object) -> Generator[Event, None, QuestionRendered]:
            try:
                arms = _opened(host, spec.arms, document)
                frames, seconds, size = yield from preview_of(arms, spec.settings, number)
            except UserError as error:  # shown beside the settings, not in a dialog: the user is still choosing
                return QuestionRendered(None, problem=str(error))
            return QuestionRendered(frames, seconds, size)

        return self._explorer.start_model_job("Drawing a question", job, self.updates.emit)

    def build(self, spec: StudySpec, folder: Path) -> int | None:
        """Write the study into a new folder; emits `StudyBuilt`."""
        document = self._explorer.document

        def job(host: ModelHost, _budget: object) -> Generator[Event, None, StudyBuilt]:
            arms = _opened(host, spec.arms, document)
            return StudyBuilt(folder, (yield from build_study(arms, spec.settings, folder)))

        def done(built: StudyBuilt) -> None:
            self._explorer.updates.emit(
                updates.Message(f"The study is in {folder.name}.", file=folder / "participants")
            )
            self.updates.emit(built)

        return self._explorer.start_model_job(f"Making the study {folder.name}", job, done)

    def score(
        self, answers: Sequence[Path], key: Path, folder: Path, rules: Rules, columns: Mapping[str, str] | None = None
    ) -> int | None:
        """Score answers into a folder; emits `StudyScored`. Does not need a model."""

        def work() -> StudyScored:
            return StudyScored(run_job(score_files(answers, key, folder, rules, columns)))

        return self._start("Scoring answers", work)

    def propose_columns(self, answers: Path, key: Path) -> int | None:
        """Match the columns of an export to questions; emits `ColumnsProposed`."""

        def work() -> ColumnsProposed:
            try:
                data, name = answers.read_bytes(), answers.name
                proposals = propose(data, name, read_key(key))
                return ColumnsProposed(answers, tuple(proposals), tuple(question_columns(data, name)))
            except (UserError, OSError) as error:
                return ColumnsProposed(answers, (), problem=str(error))

        return self._start("Reading the columns", work)

    def draft_key(self, answers: Path, path: Path) -> int | None:
        """Write a key to be completed in a spreadsheet for a survey made elsewhere; emits `KeyDrafted`."""

        def work() -> KeyDrafted:
            try:
                drafts = key_draft(answers.read_bytes(), answers.name)
                write_key_draft(path, drafts)
            except (UserError, OSError) as error:
                return KeyDrafted(path, problem=str(error))
            return KeyDrafted(path, len(drafts))

        return self._start("Drafting a key", work)

    def _start(self, title: str, work: Callable[[], object]) -> int | None:
        """Start a job that runs `work` on a thread of its own; its result is emitted."""
        return self._explorer.start_job(title, lambda _budget: run_in_thread(work, title), self.updates.emit)


def _opened(host: ModelHost, specs: Sequence[ArmSpec], document: Document) -> list[LoadedArm]:
    """Open the arms: those of the open model with the window's document, others from their files."""

    def opened_arm(arm: ArmSpec) -> LoadedArm | None:
        if arm.path:
            return None
        return open_arm(arm, host.explainer.summary(), host.renderer, document)

    return open_from_files(specs, str(host.device), opened_arm)
