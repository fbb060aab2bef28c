# SPDX-License-Identifier: MIT
"""The StylEx that Google released, as it comes: a folder, or one zip, of SavedModels, latents and effects.

The parts are told by their names: `generator.savedmodel`, `encoder.savedmodel`, `discriminator.savedmodel`,
`mobilenet.savedmodel` (each a folder, or a zip that holds it), `dlatents.pkl` and `examples_1.tfrecord`. Nothing in
them is executed: variables are read from their tables, and no graph is run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from latent_explorer import __version__
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.foreign_files import (
    SAVED_MODEL,
    STYLEX_EFFECTS,
    STYLEX_LATENTS,
    STYLEX_PARTS,
    ZIP,
    stylex_folder,
)
from latent_explorer.models.importers.saved_model.files import INDEX, Files, Folder, ZippedFiles, saved_models
from latent_explorer.models.importers.saved_model.variables import Variables
from latent_explorer.models.importers.stylex.latents import Effects, read_effects, read_latents
from latent_explorer.models.importers.stylex.mobilenet import classifier_of
from latent_explorer.models.importers.stylex.networks import KIND, discriminator_of, encoder_of, generator_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.discriminator import Discriminator, Encoder
    from latent_explorer.models.stylegan2 import Generator

T = TypeVar("T")
GENERATOR, ENCODER, DISCRIMINATOR, CLASSIFIER = STYLEX_PARTS
MAX_TABLE_BYTES = 1 << 30  # of the latents, and of the effects
MAX_VARIABLES_BYTES = 4 << 30  # of a SavedModel
_PIECE = 16 << 20  # bytes


@dataclass(frozen=True)
class Place:
    """A SavedModel: its folder, with "/" at the end, among files."""

    files: Files
    folder: str

    def variables(self) -> Variables:
        return Variables(self.files, self.folder + INDEX.removesuffix(".index"))


@dataclass(frozen=True)
class StylexRelease:
    """What a folder or zip holds. Nothing but names was read."""

    path: Path
    parts: dict[str, Place]  # SavedModels by their names, "generator" first
    tables: dict[str, Place]  # "dlatents.pkl", "examples_1.tfrecord": the folder that they are in

    def part(self, name: str) -> Place:
        """Return a part that must be there. Raises UserError."""
        if name not in self.parts:
            raise UserError(f"{self.path} holds no {name}{SAVED_MODEL}. Get that part of the release, too.")
        return self.parts[name]

    def describe(self) -> ReleaseFacts:
        """Return what the release is: its generator is read, of the other parts only the names. Raises UserError."""
        config = _read(self, GENERATOR, lambda place: generator_of(place.variables())).config
        latents = self.latents()
        notes = tuple(_notes(self, 0 if latents is None else len(latents[0])))
        return ReleaseFacts(KIND, config.resolution, config.layout.num_styles, config.num_classes, notes)

    def effects(self) -> Effects | None:
        """Return the effects that the authors computed, if they are there. Raises UserError for damaged ones."""
        return self._table(STYLEX_EFFECTS, read_effects)

    def latents(self) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Return ids and latents (N, w_dim + K) of the authors' pictures, if they are there. Raises UserError."""
        return self._table(STYLEX_LATENTS, read_latents)

    def _table(self, name: str, reader: Callable[[bytes | memoryview], T]) -> T | None:
        place = self.tables.get(name)
        if place is None:
            return None
        try:
            if place.files.size(place.folder + name) > MAX_TABLE_BYTES:
                raise DamagedData("it is too long")
            return reader(place.files.read(place.folder + name))
        except DamagedData as error:
            raise _damaged(self.path, name, error) from error


@dataclass(frozen=True)
class ReleaseFacts:
    """What is worth knowing of a release before it is imported."""

    source: str
    resolution: int
    num_styles: int
    num_classes: int  # probabilities that the generator takes beside w
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImportedStylex:
    """An explainer made of a release, and what is worth knowing of it, a sentence each."""

    explainer: Explainer
    notes: tuple[str, ...]
    source: str = KIND


def is_release(path: Path) -> bool:
    """Return True for a folder or zip that holds such a generator, and for one of its parts. Only names are read."""
    if stylex_folder(path) is not None:
        return True
    try:
        return path.suffix.lower() == ZIP and path.is_file() and GENERATOR in _parts(ZippedFiles(path))
    except DamagedData:
        return False


def open_release(path: Path) -> StylexRelease:
    """Return what a folder or zip holds. Raises UserError if it is no such release, or damaged."""
    if not path.exists():
        raise UserError(f"There is no file or folder {path}. Check the path.")
    try:
        folder = stylex_folder(path)
        if folder is not None:
            return StylexRelease(folder, _parts_of_folder(folder), _tables_of_folder(folder))
        if path.is_file():
            files = ZippedFiles(path)
            parts = _parts(files)
            if GENERATOR in parts:
                return StylexRelease(path, parts, _tables(files))
    except DamagedData as error:
        raise UserError(f"{path} cannot be read: {error}. Get it again.") from error
    raise UserError(
        f"{path} does not hold Google's StylEx. Choose the folder with generator{SAVED_MODEL}, "
        f"mobilenet{SAVED_MODEL} and {STYLEX_LATENTS}."
    )


def missing_parts(path: Path) -> str:
    """Return what a replication needs and does not find, as words; "" if all is there. Raises UserError as above."""
    if not path.exists():
        raise UserError(f"There is no file or folder {path}. Check the path.")
    if not is_release(path):
        return f"{path} holds no generator{SAVED_MODEL}"
    release = open_release(path)
    if CLASSIFIER not in release.parts:
        return f"{path} holds no {CLASSIFIER}{SAVED_MODEL}"
    return "" if release.tables else f"{path} holds neither {STYLEX_LATENTS} nor {STYLEX_EFFECTS}"


def import_stylex(
    path: Path, name: str = "", class_names: tuple[str, ...] = (), classifier: Classifier | None = None
) -> ImportedStylex:
    """Return the explainer of a release: its networks, and the authors' encoded pictures as samples.

    name         of the explainer; "" for that of the folder
    class_names  of the release's classifier; () for stand-ins
    classifier   one to explain instead; it must have as many classes

    Raises UserError for a release with a part that is missing, damaged or of another kind.
    """
    release = open_release(path)
    generator: Generator = _read(release, GENERATOR, lambda place: generator_of(place.variables()))
    config = generator.config
    if classifier is None:
        classifier = _read(
            release,
            CLASSIFIER,
            lambda p: classifier_of(p.variables(), p.files, p.folder, config.resolution, class_names),
        )
    if config.num_classes not in (0, classifier.num_classes):
        raise UserError(
            f"The generator in {release.path} takes the probabilities of {config.num_classes} classes, and the "
            f"classifier has {classifier.num_classes}. Choose the classifier that it was trained with."
        )
    encoder: Encoder | None = None
    discriminator: Discriminator | None = None
    if ENCODER in release.parts:
        encoder = _read(release, ENCODER, lambda place: encoder_of(place.variables()))
        if (encoder.config.outputs, encoder.config.resolution) != (config.w_dim, config.resolution):
            raise UserError(f"The encoder and the generator in {release.path} do not fit together. Get both again.")
    if DISCRIMINATOR in release.parts:
        discriminator = _read(release, DISCRIMINATOR, lambda place: discriminator_of(place.variables()))
    key = hash_classifier(classifier)
    samples = _samples(release, generator, classifier)
    notes = tuple(_notes(release, 0 if samples is None else len(samples)))
    stats = None if samples is None else style_statistics(generator, samples.ws, samples.cond_of())
    explainer = Explainer(
        name=name or release.path.stem,
        generator=generator,
        encoder=encoder,
        discriminator=discriminator,
        classifiers={key: classifier},
        conditioned_on=key if config.num_classes else None,
        samples=samples,
        style_stats=stats,
        provenance=_provenance(release, notes),
        full_precision=True,
    )
    return ImportedStylex(explainer, notes)


def _samples(release: StylexRelease, generator: Generator, classifier: Classifier) -> Samples | None:
    """Return the authors' pictures: w, and the class probabilities that the generator is given with it."""
    stored = release.latents()
    if stored is None:
        return None
    ids, latents = stored
    config = generator.config
    if latents.shape[1] != config.w_dim + config.num_classes:
        raise UserError(
            f"{release.path}: the latents in {STYLEX_LATENTS} have {latents.shape[1]} numbers, the generator takes "
            f"{config.w_dim + config.num_classes}. Get both from the same place."
        )
    w, cond = torch.from_numpy(latents).split([config.w_dim, config.num_classes], dim=1)
    probs = cond if config.num_classes else torch.full((len(ids), classifier.num_classes), 1 / classifier.num_classes)
    return Samples(generator.broadcast(w).contiguous(), cond.contiguous(), probs.contiguous(), ids)


def _notes(release: StylexRelease, pictures: int) -> list[str]:
    parts = [name for name in release.parts if name != GENERATOR]
    notes = [f"Beside the generator: {', '.join(parts)}."] if parts else []
    if pictures:
        notes.append(f"{pictures} pictures of the authors, as latents in {STYLEX_LATENTS}.")
    else:
        notes.append(f"No {STYLEX_LATENTS}, so no pictures: `attfind --images` encodes yours.")
    return notes


def _provenance(release: StylexRelease, notes: tuple[str, ...]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for part in release.parts:
        _read(release, part, lambda place: _add_variables(place, digest))
    origin = {"file": release.path.name, "sha256": digest.hexdigest(), "source": KIND, "notes": list(notes)}
    return {"imported": origin, "made": datetime.now(UTC).strftime("%Y-%m-%d"), "version": __version__}


def _add_variables(place: Place, digest: hashlib._Hash) -> None:
    """Add the files of variables to a digest, a piece at a time. Raises DamagedData."""
    names = [name for name in place.files.names() if name.startswith(f"{place.folder}variables/")]
    if sum(map(place.files.size, names)) > MAX_VARIABLES_BYTES:
        raise DamagedData("its variables are too long")
    for name in names:
        size = place.files.size(name)
        for first in range(0, size, _PIECE):
            digest.update(place.files.read(name, first, min(_PIECE, size - first)))


def _read(release: StylexRelease, part: str, reader: Callable[[Place], T]) -> T:
    place = release.part(part)
    try:
        return reader(place)
    except DamagedData as error:
        raise _damaged(release.path, f"{part}{SAVED_MODEL}", error) from error


def _damaged(path: Path, part: str, why: Exception) -> UserError:
    return UserError(f"{part} in {path} cannot be read: {why}. Get it again.")


def _parts(files: Files) -> dict[str, Place]:
    """Return the SavedModels of a zip by the names that they were released under."""
    found = {}
    for folder in saved_models(files):
        part = folder.removesuffix("/").rpartition("/")[2]
        for name in STYLEX_PARTS:
            if part == f"{name}{SAVED_MODEL}":
                found[name] = Place(files, folder)
    return {name: found[name] for name in STYLEX_PARTS if name in found}


def _tables(files: Files) -> dict[str, Place]:
    """Return where the tables of a zip are."""
    return {
        table: Place(files, name.removesuffix(table))
        for name in files.names()
        for table in (STYLEX_LATENTS, STYLEX_EFFECTS)
        if name.rpartition("/")[2] == table
    }


def _parts_of_folder(folder: Path) -> dict[str, Place]:
    """Return the SavedModels of a folder: folders, or else zips. Each holds one, in a folder of its own or without."""
    found = {}
    for name in STYLEX_PARTS:
        path = folder / f"{name}{SAVED_MODEL}"
        zipped = path.with_name(path.name + ZIP)
        if path.is_symlink() or zipped.is_symlink():
            raise DamagedData(f"{path.name} is a link, which is not followed")
        if path.is_dir() or zipped.is_file():
            files = Folder(path) if path.is_dir() else ZippedFiles(zipped)
            places = saved_models(files)
            if len(places) != 1:
                raise DamagedData(f"{path.name} holds {len(places)} SavedModels, not one")
            found[name] = Place(files, places[0])
    return found


def _tables_of_folder(folder: Path) -> dict[str, Place]:
    names = [name for name in (STYLEX_LATENTS, STYLEX_EFFECTS) if (folder / name).exists()]
    return {name: Place(Folder(folder), "") for name in names}
