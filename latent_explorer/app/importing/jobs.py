# SPDX-License-Identifier: MIT
"""Jobs of the import dialog: what a file is, verdicts on a person's pictures, and the files that are written.

A session is used on the worker thread only. It keeps the network and the pictures, which are asked again after every
change of a field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app.engine.failure import failure_of
from latent_explorer.app.importing.updates import (
    CheckShown,
    ClassifierFacts,
    FileInspected,
    GeneratorFacts,
    NetworkChoices,
    NetworkRefused,
    PicturesOpened,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept
from latent_explorer.common.jobs import forward_events
from latent_explorer.common.paths import check_writable, plain_stem
from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.summary import summarise_data
from latent_explorer.data.threads import run_in_thread
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.programs.program import allow

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.data.summary import DataSummary
    from latent_explorer.explain.report.classifier_check import CheckPictures, ClassifierCheck
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.importers.classifiers.file import ClassifierInspection
    from latent_explorer.models.importers.generators.file import ImportedGenerator
    from latent_explorer.models.importers.stylex.release import StylexRelease

READING, LOOKING = "Reading the file", "Looking at the pictures"
_VECTORS = (
    "{} holds latents or directions of a generator, not a model. Open the explainer that they belong to, then open it "
    "again."
)
_NO_NETWORK = "{} holds the tensors of a network that neither torchvision nor timm has as it is."


@dataclass(frozen=True)
class ClassifierChoices:
    """What the dialog's fields say of a classifier."""

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    output: int | None = None  # of a network with a yes or no for each label, the one to read


@dataclass(frozen=True)
class GeneratorChoices:
    """How a generator becomes an explainer."""

    out: Path
    class_index: int | None = None  # of a conditional one
    classifier: Path | None = None  # a file with the classifier to explain; an explainer's is the one it was made for


class ImportSession:
    """The file of one dialog, and what was read of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inspection: ClassifierInspection | None = None  # of a foreign classifier
        self._classifier: Classifier | None = None
        self._output: int | None = None  # that the classifier reads
        self._about: dict[str, Any] = {}  # provenance of the classifier
        self._generator: ImportedGenerator | None = None
        self._release: StylexRelease | None = None
        self._data: ImageDataset | None = None
        self._pictures: CheckPictures | None = None
        self._checked: tuple[ClassifierChoices, ClassifierCheck] | None = None
        self._fitting: list[str] = []  # networks that were found to fit

    def inspect(self) -> Generator[Event, None, FileInspected]:
        """Say what the file is. What cannot be read is refused with a sentence."""
        from latent_explorer.models import classifier_file
        from latent_explorer.models.importers.classifiers.file import NotRecognised
        from latent_explorer.models.importers.classifiers.program_model import ProgramNotRun
        from latent_explorer.models.importers.generators.file import holds_generator
        from latent_explorer.models.importers.stylex.release import is_release, open_release

        try:
            if is_release(self.path):
                self._release = open_release(self.path)
                facts = yield from run_in_thread(self._release.describe, READING)
                shape = facts.source, facts.resolution, facts.num_styles
                return FileInspected(self.path, generator=GeneratorFacts(*shape, 0, facts.notes, complete=True))
            if not classifier_file.is_foreign(self.path):
                return FileInspected(self.path, classifier=self._own_facts())
            if (yield from run_in_thread(partial(holds_generator, self.path), READING)):
                return FileInspected(self.path, generator=self._generator_facts())
            classifier = yield from self._foreign_facts()
            return FileInspected(self.path, classifier=classifier, networks=self._networks())
        except ProgramNotRun as error:
            return FileInspected(self.path, program=error.kind)
        except NotRecognised as error:
            vectors = yield from run_in_thread(partial(_holds_vectors, self.path), READING)
            if vectors:
                return FileInspected(self.path, problem=_VECTORS.format(self.path))
            nearest = tuple((each.architecture, each.problem()) for each in error.nearest)
            return FileInspected(
                self.path, problem=_NO_NETWORK.format(self.path), networks=NetworkChoices(known_networks(), (), nearest)
            )
        except UserError as error:
            vectors = yield from run_in_thread(partial(_holds_vectors, self.path), READING)
            return FileInspected(self.path, problem=_VECTORS.format(self.path) if vectors else str(error))

    def run_program(self) -> Generator[Event, None, FileInspected]:
        """Run the file, which is a program, because the person agreed to that."""
        from latent_explorer.models.importers.classifiers.program_model import sha256_of

        try:
            sha256 = yield from run_in_thread(partial(sha256_of, self.path), READING)
            allow(sha256)
            facts = yield from self._foreign_facts(run=True)
        except UserError as error:
            return FileInspected(self.path, problem=str(error))
        return FileInspected(self.path, classifier=facts, trusted=sha256)

    def read_as(self, network: str) -> Generator[Event, None, FileInspected | NetworkRefused]:
        """Read the file's tensors as those of a network, whatever was recognised. A refusal changes nothing."""
        from latent_explorer.models.importers.classifiers.file import NotRecognised

        try:
            facts = yield from self._foreign_facts(network)
        except NotRecognised as error:
            return NetworkRefused(f"It does not fit {network}: {'; '.join(each.problem() for each in error.nearest)}.")
        except UserError as error:
            return NetworkRefused(str(error))
        return FileInspected(self.path, classifier=facts, networks=self._networks())

    def _networks(self) -> NetworkChoices | None:
        found = self._inspection
        if found is None or not found.by_tensors:
            return None
        self._fitting = list(dict.fromkeys([*(each.architecture for each in found.matches), *self._fitting]))
        return NetworkChoices(known_networks(), tuple(self._fitting))

    def _own_facts(self) -> ClassifierFacts:
        from latent_explorer.models.classifier_file import read_classifier
        from latent_explorer.models.classifiers import network_title

        self._classifier, self._about = read_classifier(self.path)
        config = self._classifier.config
        outputs = 1 if config.head == "sigmoid" else len(config.class_names)
        given = config.class_names, "the file", config.preprocessing, "the file"
        title = network_title(config.architecture, config.program.kind if config.program else "")
        return ClassifierFacts(title, outputs, *given, fixed_size=True)

    def _foreign_facts(
        self, network: str | None = None, *, run: bool = False
    ) -> Generator[Event, None, ClassifierFacts]:
        from latent_explorer.models.classifiers import network_title
        from latent_explorer.models.importers.classifiers.file import default_class_names, inspection_of

        found = self._inspection = yield from inspection_of(self.path, network, run=run)
        self._classifier, self._checked, self._about = None, None, {}
        assert found.preprocessing is not None
        names = found.class_names or default_class_names(found.class_count)
        return ClassifierFacts(
            network_title(found.matches[0].architecture, found.kind or ""),
            found.outputs,
            names,
            "the file" if found.class_names else "",
            found.preprocessing,
            found.preprocessing_from,
            found.fixed_size,
            found.notes,
            "" if run or found.kind is None else found.kind,
            single_outputs=found.outputs > 1,
        )

    def _generator_facts(self) -> GeneratorFacts:
        from latent_explorer.models.importers.generators.file import likely_class_names, read_generator

        found = self._generator = read_generator(self.path)
        config = found.generator.config
        size = config.resolution, config.layout.num_styles
        return GeneratorFacts(
            found.source, *size, config.c_dim, found.notes, found.told > 0, likely_class_names(config.c_dim)
        )

    def open_pictures(self, path: Path, label: str | None) -> Generator[Event, None, PicturesOpened]:
        """Open pictures; `label` is the column of their labels, "" for none, None for the one that suggests itself."""
        from latent_explorer.explain.report.classifier_check import CheckPictures

        try:
            summary = yield from run_in_thread(partial(summarise_data, path), LOOKING)
            chosen = self._usual_label(summary) if label is None else label
            data = yield from run_in_thread(partial(open_dataset, path, label=chosen or None), LOOKING)
            pictures = CheckPictures(data)
        except UserError as error:
            return PicturesOpened(path, problem=str(error))
        self.close()
        self._data, self._pictures, self._checked = data, pictures, None
        return PicturesOpened(path, len(data), tuple(summary.columns), chosen, data.class_names if chosen else ())

    def _usual_label(self, summary: DataSummary) -> str:
        """Return the column that suggests itself: with as many values as there are classes, if one has."""
        classes = self._inspection.class_count if self._inspection is not None else 0
        if self._classifier is not None:
            classes = self._classifier.num_classes
        fitting = [name for name, values in summary.columns.items() if len(values) == classes]
        usual = summary.label or ""
        return usual if usual in fitting or not fitting else fitting[0]

    def check(self, choices: ClassifierChoices, budget: StepBudget) -> Generator[Event, None, CheckShown | str]:
        """Ask the classifier about the pictures. Yields what is known as Kept; returns the whole, or the problem."""
        from latent_explorer.explain.report.classifier_check import check_classifier, whole_size

        pictures = self._pictures
        assert pictures is not None  # the controller asks for no check without them
        try:
            classifier = self._chosen(choices)
            images = yield from pictures.read(whole_size(choices.preprocessing))

            def shown(check: ClassifierCheck, complete: bool) -> CheckShown:
                faces = tuple(images[i] for i in pictures.shown)
                advice = check.advice(choices.class_names) if complete or check.clear else ()
                return CheckShown(check, tuple(advice), faces, complete)

            def with_faces(event: Event) -> Event:
                return Kept(shown(event.value, False)) if isinstance(event, Kept) else event

            check = yield from forward_events(check_classifier(classifier, pictures, budget), with_faces)
        except Exception as error:
            failure = failure_of(error)
            if failure.kind == "defect":
                raise
            return failure.message
        self._checked = choices, check
        return shown(check, True)

    def write_classifier(self, choices: ClassifierChoices, target: Path) -> Generator[Event, None, Path]:
        """Write the classifier with the choices, and with their check if it was the last."""
        from latent_explorer.models.classifier_file import write_classifier

        classifier, about = yield from self._with_provenance(choices)
        write_classifier(target, classifier, about)
        return target

    def _with_provenance(self, choices: ClassifierChoices) -> Generator[Event, None, tuple[Classifier, dict[str, Any]]]:
        """Return the classifier with the choices, and where it comes from, with its check if that was the last."""
        classifier = self._chosen(choices)
        if self._inspection is not None and not self._about:
            from latent_explorer.models.importers.classifiers.file import provenance

            from_file = partial(provenance, self._inspection, choices.output)
            self._about = yield from run_in_thread(from_file, READING)
        about = self._about
        if self._checked is not None and self._checked[0] == choices:
            about = {**about, "check": self._checked[1].to_dict()}
        return classifier, about

    def add_to_explainer(
        self, choices: ClassifierChoices, explainer: Path, out: Path, budget: StepBudget
    ) -> Generator[Event, None, tuple[Path, str]]:
        """Write a copy of an explainer that holds the classifier, too. Returns its path, and the classifier's id.

        Pictures are generated if the explainer has none to be searched.
        """
        from latent_explorer.explain.plain_generator import explainer_of_generator
        from latent_explorer.models.explainer import hash_classifier, with_classifier
        from latent_explorer.models.explainer_file import read_explainer, write_explainer
        from latent_explorer.models.summary import with_note

        check_writable(out)
        classifier, about = yield from self._with_provenance(choices)
        model = yield from run_in_thread(partial(read_explainer, explainer), READING)
        if model.classifiers or model.samples is not None:
            made = with_classifier(model, classifier, about)
            # Its author's note speaks of the other classifier.
            made = replace(made, name=out.stem, provenance=with_note(made.provenance, ""))
        else:
            made = yield from explainer_of_generator(
                model.generator, out.stem, classifier, provenance=model.provenance, budget=budget
            )
        write_explainer(made, out)
        return out, hash_classifier(classifier)

    def write_explainer(self, choices: GeneratorChoices, budget: StepBudget) -> Generator[Event, None, Path]:
        """Make an explainer of the generator, with generated pictures if there is a classifier, and write it."""
        from latent_explorer.explain.plain_generator import explainer_of_generator
        from latent_explorer.models.classifier_file import read_classifier
        from latent_explorer.models.explainer_file import write_explainer
        from latent_explorer.models.importers.generators import file as generators

        check_writable(choices.out)
        if self._release is not None:
            from latent_explorer.models.importers.stylex.release import import_stylex

            stylex = yield from run_in_thread(partial(import_stylex, self.path, choices.out.stem), READING)
            write_explainer(stylex.explainer, choices.out)
            return choices.out
        classifier = None if choices.classifier is None else read_classifier(choices.classifier)[0]
        found, self._generator = self._generator, None  # else it would stay in memory beside the one that is opened
        found = generators.read_generator(self.path) if found is None else found
        found = generators.choose_class(self.path, found, choices.class_index)
        about = yield from run_in_thread(partial(generators.provenance, self.path, found), READING)
        explainer = yield from explainer_of_generator(
            found.generator,
            choices.out.stem,
            classifier,
            encoder=found.encoder,
            told=found.told,
            provenance=about,
            budget=budget,
        )
        write_explainer(explainer, choices.out)
        return choices.out

    def close(self) -> None:
        """Close the pictures."""
        if self._data is not None:
            self._data.close()

    def _chosen(self, choices: ClassifierChoices) -> Classifier:
        """Return the classifier with the choices. Its tensors are read once for each output."""
        from latent_explorer.models.importers.classifiers.file import import_classifier

        if self._classifier is None or choices.output != self._output:
            assert self._inspection is not None
            self._classifier = import_classifier(self._inspection, plain_stem(self.path), output=choices.output)
            self._output, self._about = choices.output, {}
        classifier = self._classifier.with_preprocessing(choices.preprocessing)
        if len(choices.class_names) != classifier.num_classes:
            raise UserError(
                f"{len(choices.class_names)} class names are given, but it has {classifier.num_classes} classes. "
                "Name them in the order of its outputs."
            )
        if choices.preprocessing.input_size != self._classifier.config.preprocessing.input_size:
            classifier.check_size()
        classifier.config = msgspec.structs.replace(classifier.config, class_names=choices.class_names)
        return classifier


def known_networks() -> tuple[str, ...]:
    """Return the names of all networks of the libraries that are installed, which are imported."""
    from latent_explorer.models.library_networks import network_names

    return tuple(network_names())


def _holds_vectors(path: Path) -> bool:
    from latent_explorer.explain.projection.latent_import import holds_vectors

    return path.is_file() and holds_vectors(path)
