# SPDX-License-Identifier: MIT
"""The data check as a job: look at every picture of a data set, and say in plain words what it is good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.data.findings import PARTS, DatasetInspection, Finding, class_counts
from latent_explorer.data.image_facts import ImageFacts, inspect_image
from latent_explorer.data.threads import map_in_threads, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event
    from latent_explorer.data.dataset import ImageDataset

__all__ = ["DataReport", "Finding", "check"]


@dataclass(frozen=True)
class DataReport:
    """What the check found. `classes` are (name, pictures) in class order, empty without labels."""

    findings: tuple[Finding, ...]
    pictures: int  # that can be read
    unreadable: tuple[str, ...]
    classes: tuple[tuple[str, int], ...]
    kind: str
    resolution: int

    @property
    def can_train(self) -> bool:
        """Whether nothing forbids a training."""
        return all(finding.severity != "error" for finding in self.findings)


def check(data: ImageDataset, resolution: int = 64) -> Generator[Event, None, DataReport]:
    """Look at every picture; yields Progress every few hundredths of a second.

    resolution  px a side of the training that is planned: what is small or large is said against it
    """

    def look(row: int) -> ImageFacts:
        name = data.names[row]
        try:
            raw = data.source.read(name)
        except UserError as error:
            return ImageFacts(_reason(error))
        return inspect_image(raw, name)

    facts = yield from map_in_threads(look, len(data), "Looking at the pictures")
    inspection = DatasetInspection(data, facts, resolution)
    findings = yield from run_in_thread(
        lambda: tuple(finding for part in PARTS for finding in part(inspection)), "Comparing the pictures"
    )
    return DataReport(
        findings=findings,
        pictures=sum(not fact.problem for fact in facts),
        unreadable=tuple(name for name, fact in zip(data.names, facts, strict=True) if fact.problem),
        classes=class_counts(data),
        kind=data.listing.kind,
        resolution=resolution,
    )


def _reason(error: UserError) -> str:
    """Why the bytes of a picture could not be had, in a few words."""
    cause = error.__cause__
    if isinstance(cause, OSError):
        return f"cannot be opened: {cause.strerror or cause}"
    return "larger than any picture" if cause is None else "damaged in the zip file"
