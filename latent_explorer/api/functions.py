# SPDX-License-Identifier: MIT
"""Functions that need no open explainer: data checks, trainings and user studies, for Python users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_explorer.app.study import arms as study_arms
from latent_explorer.app.study import job as study_job
from latent_explorer.app.training.pipeline import run_pipeline
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import check_writable
from latent_explorer.data import check as data_check
from latent_explorer.data.dataset import open_dataset
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.studies.build.plan import StudySettings
from latent_explorer.studies.scoring.score_files import score_files
from latent_explorer.training import train_classifier as classifier_job
from latent_explorer.training.config import ClassifierTraining, DataConfig
from latent_explorer.training.settings import check_settings, settings_of, train_config, with_settings

if TYPE_CHECKING:
    from latent_explorer.api.values import OnEvent, StrPath
    from latent_explorer.studies.build.answer_key import StudyKey
    from latent_explorer.studies.scoring.rules import Rules
    from latent_explorer.studies.scoring.score_files import Scored
    from latent_explorer.training.run_folder import RunStatus


def check(data: StrPath, resolution: int = 64, *, on_event: OnEvent = None, **selection: Any) -> data_check.DataReport:
    """Look at every picture of a data set and say what it is good for, planned at `resolution` px.

    `selection` are the options of `open_dataset`: label, classes, where, group, split.
    """
    with closing(open_dataset(data, **selection)) as pictures:
        return run_job(data_check.check(pictures, resolution), on_event)


def train_classifier(
    data: StrPath,
    path: StrPath,
    settings: Mapping[str, Any] | None = None,
    *,
    on_event: OnEvent = None,
    **selection: Any,
) -> dict[str, Any]:
    """Train a classifier of labelled pictures and write its file. Returns its figures, such as ["test"]["accuracy"].

    `settings` by their names in docs/training.md; `selection` as in `check`.
    """
    check_writable(Path(path))
    given = check_settings(settings or {}, settings_of(ClassifierTraining))
    config = ClassifierTraining(DataConfig(str(Path(data).resolve()), **selection))
    job = classifier_job.train_classifier(with_settings(config, given, ()))
    classifier, about = run_job(job, on_event)
    write_classifier(Path(path), classifier, about)
    return about


def train(
    data: StrPath | None,
    folder: StrPath,
    settings: Mapping[str, Any] | None = None,
    *,
    on_event: OnEvent = None,
    **options: Any,
) -> RunStatus | None:
    """Train a generator and an encoder that explain a classifier, as result.explainer in the run folder.

    Without `data` go on with the run in the folder. `settings` by their names in docs/training.md; `options` are
    classifier, classifier_data, preset, init, name, and those of `check`. Interrupted, a run can go on.
    """
    config = None if data is None else train_config(str(data), settings=settings, **options)
    return run_job(run_pipeline(Path(folder).resolve(), config), on_event)


def build_study(
    arms: Sequence[study_arms.ArmSpec],
    folder: StrPath,
    settings: StudySettings = StudySettings(),  # noqa: B008  # frozen
    *,
    device: str = "auto",
    on_event: OnEvent = None,
) -> StudyKey:
    """Make a user study of attributes: a new folder with a questionnaire, and the hidden key, which is returned."""
    opened = study_arms.open_from_files(arms, device)
    return run_job(study_job.build_study(opened, settings, Path(folder)), on_event)


def score_study(
    answers: Sequence[StrPath],
    key: StrPath,
    folder: StrPath,
    rules: Rules | None = None,
    columns: StrPath | Mapping[str, str] | None = None,
    *,
    on_event: OnEvent = None,
) -> Scored:
    """Score what participants sent, or a survey service's export, and write the result into a folder.

    `columns` says which column holds which question: a completed list as a file, or a mapping.
    """
    column_map = columns if columns is None or isinstance(columns, Mapping) else Path(columns)
    job = score_files([Path(each) for each in answers], Path(key), Path(folder), rules, column_map)
    return run_job(job, on_event)
