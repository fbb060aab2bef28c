# SPDX-License-Identifier: MIT
"""Jobs of the training controller for the engine: inspect pictures, check them, and time a few steps of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.engine.failure import failure_of
from latent_explorer.app.training.updates import CheckDone, ClassifierDescribed, DataInspected
from latent_explorer.common.errors import UserError
from latent_explorer.data.threads import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.common.events import Event
    from latent_explorer.data.check import DataReport
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.training.config import DataConfig

LISTING = "Listing the pictures"
NO_LABELS = (
    "A classifier cannot be trained: the pictures do not have two classes. Choose a column of labels, sort the "
    "pictures into one folder per class, or open an existing classifier."
)


def inspect_data(path: Path) -> Generator[Event, None, DataInspected]:
    """Summarise the pictures at `path`."""
    from latent_explorer.data.summary import summarise_data

    try:
        return DataInspected(path, (yield from run_in_thread(lambda: summarise_data(path), LISTING)))
    except UserError as error:
        return DataInspected(path, None, str(error))


def describe_classifier(path: Path) -> Generator[Event, None, ClassifierDescribed]:
    """Say what the classifier of a file is."""
    from latent_explorer.models.classifier_file import description_of

    try:
        found = yield from description_of(path)
    except UserError as error:
        return ClassifierDescribed(path, problem=str(error))
    return ClassifierDescribed(path, found.network, found.class_names, found.named)


def check_and_estimate(plan: TrainingPlan, folder: Path) -> Generator[Event, None, CheckDone]:
    """Check the data, then time a few steps of the training on its device. `folder` is where the run would be."""
    done = CheckDone(plan, None, None)
    try:
        config = plan.config()
        if config.init:  # whose sizes win
            from latent_explorer.training.warm_start import with_sizes_of

            config = with_sizes_of(config, Path(config.init))
        report = yield from _report(config.data, config.resolution)
        if config.classifier_training is not None and config.classifier_training.data != config.data:
            report = yield from _with_labelled(report, config.classifier_training.data, config.resolution)
        done = replace(done, report=report)
        if not report.can_train:
            return done
        if config.classifier_training is not None and len(report.classes) < 2:
            return replace(done, problem=NO_LABELS)
        from latent_explorer.models.classifier_file import description_of
        from latent_explorer.training.estimate import estimate

        classes = len(report.classes)
        if config.classifier:
            classes = len((yield from description_of(Path(config.classifier))).class_names)

        measured = yield from estimate(config, max(classes, 2), folder, report.pictures)
        return replace(done, estimate=measured)
    except Exception as error:
        failure = failure_of(error)
        if failure.kind == "defect":
            raise
        return replace(done, problem=failure.message)


def _report(config: DataConfig, resolution: int) -> Generator[Event, None, DataReport]:
    from latent_explorer.data.check import check

    data = yield from run_in_thread(lambda: _opened(config), LISTING)
    try:
        return (yield from check(data, resolution))
    finally:
        data.close()


def _with_labelled(report: DataReport, config: DataConfig, resolution: int) -> Generator[Event, None, DataReport]:
    """Add the report of the classifier's own pictures to that of the explainer's."""
    other = yield from _report(config, resolution)
    findings = (replace(f, text=f"The classifier's pictures: {f.text}") for f in other.findings)
    return replace(report, findings=(*report.findings, *findings), classes=other.classes)


def _opened(config: DataConfig) -> ImageDataset:
    from latent_explorer.data.dataset import open_dataset

    return open_dataset(**msgspec.structs.asdict(config))
