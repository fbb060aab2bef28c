# SPDX-License-Identifier: MIT
"""Classifiers of other programs: what a file or folder is, and the classifier that is made of it.

`inspect_classifier` reads names and shapes only; `import_classifier` then reads the tensors. Nothing is executed but a
program that a person agreed to run, and that in a process of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.jobs import run_job
from latent_explorer.data.threads import run_in_thread
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.importers.classifiers.formats import program_kind, refuse_content
from latent_explorer.models.importers.classifiers.hugging_face import (
    Joined,
    cautions,
    has_transformers_names,
    renamed,
    transformers_matches,
)
from latent_explorer.models.importers.classifiers.metadata import (
    FolderMetadata,
    class_names_in,
    folder_metadata,
    library_preprocessing,
    network_names_in,
)
from latent_explorer.models.importers.classifiers.onnx_model import OnnxModel, checked, convert, with_output
from latent_explorer.models.importers.classifiers.program_model import (
    ProgramModel,
    ProgramNotRun,
    may_run,
    try_program,
)
from latent_explorer.models.importers.classifiers.program_model import with_output as with_program_output
from latent_explorer.models.importers.classifiers.recognise import Match, compared_shapes, match, recognise
from latent_explorer.models.importers.exported_program import input_shape
from latent_explorer.models.importers.sharded_checkpoint import files_of, open_checkpoint
from latent_explorer.models.importers.state_dicts import StateDict, find_state_dicts, without_wrappers
from latent_explorer.models.library_networks import network_names
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.programs.program import PROGRAM, ProgramKind
from latent_explorer.models.skip_init import SkipInit

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import numpy as np

    from latent_explorer.common.events import Event
    from latent_explorer.models.importers.pickle_values import StoredTensor
    from latent_explorer.models.importers.sharded_checkpoint import AnyCheckpoint
    from latent_explorer.models.importers.state_dicts import Tensors


class NotRecognised(UserError):
    """Tensors of a network that no library has as it is. `nearest` says of each what does not fit."""

    def __init__(self, path: Path, nearest: Sequence[Match]) -> None:
        self.nearest = tuple(nearest)
        near = "; ".join(f"{each.architecture}: {each.problem()}" for each in nearest) or "nothing is near"
        super().__init__(
            f"{path} is the state dict of a network that neither torchvision nor timm has as it is. Nearest: {near}. "
            "Name the network with --architecture, or export the whole model to ONNX and choose that file."
        )


@dataclass(frozen=True)
class ClassifierInspection:
    """What a foreign file says of its classifier, before anything but names and shapes is read."""

    path: Path  # of the tensors
    place: str  # of the state dict in the file, with the wrappers' names that were taken off
    matches: tuple[Match, ...]  # networks that fit, the best first
    class_names: tuple[str, ...] = ()  # as the file gives them; () if it does not
    preprocessing: Preprocessing | None = None  # as the file, else the library gives it
    preprocessing_from: str = ""
    notes: tuple[str, ...] = ()  # what was chosen or left out, a sentence each
    model: OnnxModel | ProgramModel | None = None  # of an ONNX file, converted; of a program, tried
    kind: ProgramKind | None = None  # of a program, also where only its weights are taken

    @property
    def outputs(self) -> int:
        return self.matches[0].outputs if self.matches else 0

    @property
    def class_count(self) -> int:
        """Number of classes; a single output tells two apart."""
        return max(2, self.outputs)

    @property
    def by_tensors(self) -> bool:
        """True if its tensors alone say which network it is, so that another one can be named."""
        return self.model is None and not folder_metadata(self.path).config

    @property
    def fixed_size(self) -> bool:
        """True for a network with embeddings of positions, which takes pictures of one size."""
        if self.model is not None:
            return not self.model.any_size
        return any("pos_emb" in name or "relative_position" in name for name in self.matches[0].names)


def inspect_classifier(path: Path, architecture: str | None = None) -> ClassifierInspection:
    """Return what a checkpoint, a Hugging Face folder, an ONNX file or a program holds: `inspection_of` at once."""
    return run_job(inspection_of(path, architecture))


def inspection_of(
    path: Path, architecture: str | None = None, *, run: bool | None = None
) -> Generator[Event, None, ClassifierInspection]:
    """Return what a checkpoint, a Hugging Face folder, an ONNX file or a program holds. A job.

    architecture  skips the recognition
    run           run a program; None: if a person agreed to that. Else only its weights are read

    Raises UserError for a file that cannot be read, or in which no classifier is recognised, and ProgramNotRun for a
    program that would have to be run.
    """
    about = folder_metadata(path)
    if about.weights.suffix.lower() == ".onnx":
        return (yield from run_in_thread(lambda: _inspect_onnx(about), "Converting the graph"))
    kind = program_kind(about.weights)
    if kind is None:
        return (yield from _inspect_weights(path, about, architecture))
    if may_run(about.weights) if run is None else run:
        return (yield from run_in_thread(lambda: _inspect_program(about, kind), "Running the program"))
    try:
        found = yield from _inspect_weights(path, about, architecture)
    except UserError as error:
        why = "No weights of a network that is known here were found in it."
        raise ProgramNotRun(path, kind, why) from error
    return _of_program_weights(found, kind)


def _of_program_weights(found: ClassifierInspection, kind: ProgramKind) -> ClassifierInspection:
    """Return the inspection of a program's weights with the size of its input, and what was not looked at."""
    assert found.preprocessing is not None
    note = (
        f"A {kind} program: only its weights are read, for the network of the library. It is not run, and may do more "
        "than this network, such as preprocessing of its own."
    )
    preprocessing = found.preprocessing
    try:
        given = input_shape(found.path) if kind == "torch.export" else None
    except (DamagedData, OSError):  # of a version that says it in another way
        given = None
    if given is not None and 8 <= given.height <= 2048 and not found.fixed_size:
        preprocessing = msgspec.structs.replace(preprocessing, input_size=given.height)
    return replace(found, kind=kind, preprocessing=preprocessing, notes=(note, *found.notes))


def _inspect_weights(
    path: Path, about: FolderMetadata, architecture: str | None
) -> Generator[Event, None, ClassifierInspection]:
    """Return what the tensors of a checkpoint are."""
    yield from run_in_thread(network_names, "Reading the file")  # it imports the libraries, which takes seconds
    with open_checkpoint(about.weights) as checkpoint:
        refuse_content(about.weights, checkpoint.content)
        chosen, place, notes = _choose(checkpoint)
        hints = [*about.network_names, *network_names_in(checkpoint.content), path.stem]
        names = about.class_names or class_names_in(checkpoint.content)
    matches = yield from _matches(about, chosen, hints, architecture, path)
    if not (matches and matches[0].fits):
        raise NotRecognised(path, matches)
    best = matches[0]
    preprocessing, source = about.preprocessing, about.preprocessing_from
    if preprocessing is None:
        preprocessing, source = library_preprocessing(best.architecture), f"the usual one of {best.architecture}"
        if type(size := about.config.get("image_size")) is int and 8 <= size <= 2048:
            preprocessing = msgspec.structs.replace(preprocessing, input_size=size)
    changes: dict[str, Any] = {"channels": "grey"} if best.channels == 1 else {}
    if best.input_size:
        changes["input_size"] = best.input_size
    preprocessing = msgspec.structs.replace(preprocessing, **changes)
    notes += cautions(about.config, preprocessing.input_size)
    if best.options:
        notes.append(f"Built with {', '.join(f'{name} {value}' for name, value in best.options)}.")
    names, left_out = _fitting_names(names, best.outputs)
    notes += left_out
    return ClassifierInspection(about.weights, place, tuple(matches), names, preprocessing, source, tuple(notes))


def _matches(
    about: FolderMetadata, tensors: Tensors, hints: list[str], architecture: str | None, path: Path
) -> Generator[Event, None, list[Match]]:
    """Return the networks that fit the tensors, the best first."""
    if about.config:
        return transformers_matches(about.config, tensors, path)
    if architecture:
        found = match(architecture, compared_shapes(tensors))
        if found is None:
            raise UserError(
                f"There is no network {architecture!r} here. Names are as timm:resnet18, torchvision:vit_b_16."
            )
        return [found]
    if has_transformers_names(tensors):
        raise UserError(
            f"{path} holds the weights of a transformers model, whose config.json says what they are for. Choose the "
            "folder that holds both."
        )
    return (yield from recognise(tensors, hints))


def import_classifier(
    inspection: ClassifierInspection,
    name: str,
    class_names: Sequence[str] = (),
    preprocessing: Preprocessing | None = None,
    output: int | None = None,
) -> Classifier:
    """Return the classifier of an inspected file.

    class_names    in the order of the outputs; two for a single output, which is read as the second's (sigmoid)
    preprocessing  other than the inspection's
    output         of a network with a yes or no for each label: the one output to read; see `names_of_output`

    Raises UserError for class names that do not fit, or tensors that cannot be read.
    """
    found = inspection.matches[0]
    single = found.outputs == 1 or output is not None
    count = 2 if single else found.outputs
    if output is not None and not 0 <= output < found.outputs:
        raise UserError(f"It has the outputs 0 to {found.outputs - 1}, not {output}.")
    usual = inspection.class_names or default_class_names(inspection.class_count)
    if output is not None and found.outputs > 1:
        usual = names_of_output(usual, output)
    names = tuple(class_names) or usual
    if len(names) != count:
        raise UserError(
            f"Its last layer needs {count} class names, not {len(names)}. Name them in the order of its outputs."
        )
    own_size = inspection.preprocessing.input_size if inspection.preprocessing else 0
    resized = preprocessing is not None and preprocessing.input_size != own_size
    if resized and inspection.fixed_size:
        raise UserError(f"{found.architecture} takes pictures of {own_size} px only. Leave the size as it is.")
    config = ClassifierConfig(
        name=name,
        architecture=found.architecture,
        class_names=names,
        preprocessing=preprocessing or inspection.preprocessing or Preprocessing(224),
        head="sigmoid" if single else "softmax",
        options=found.options,
    )
    if isinstance(inspection.model, ProgramModel):
        return _of_program(inspection.model, config, output)
    if inspection.model is not None:
        return _of_onnx(inspection.model, config, output)
    with SkipInit():
        classifier = Classifier(config)
    classifier.load_tensors(_network_tensors(inspection, classifier.network.state_dict(), output))
    classifier.eval().requires_grad_(False)
    if resized:
        classifier.check_size()
    return classifier


def _network_tensors(
    inspection: ClassifierInspection, expected: Mapping[str, torch.Tensor], output: int | None
) -> dict[str, torch.Tensor]:
    """Read the tensors of a network that was built without memory; those that only a training needs are zeros."""
    found = inspection.matches[0]
    config_json = folder_metadata(inspection.path).config
    state = {}
    with open_checkpoint(inspection.path) as checkpoint:
        chosen, _, _ = _choose(checkpoint)
        tensors = renamed(config_json, chosen) if config_json else chosen
        for key, empty in expected.items():
            if (source := found.names.get(key)) is None:
                state[f"network.{key}"] = torch.zeros(empty.shape, dtype=empty.dtype)
                continue
            if source not in tensors:
                raise UserError(f"{inspection.path} has changed since it was looked at. Open it once more.")
            tensor = torch.from_numpy(_read(checkpoint, tensors[source]))
            head = output is not None and tensor.shape[:1] == (found.outputs,) and empty.shape[:1] == (1,)
            tensor = tensor[output : output + 1] if head else tensor  # type: ignore[operator]
            if tensor.shape != empty.shape:
                raise UserError(f"{inspection.path} has changed since it was looked at. Open it once more.")
            state[f"network.{key}"] = tensor.to(empty.dtype)
    return state


def _read(checkpoint: AnyCheckpoint, tensor: StoredTensor | np.ndarray | Joined) -> np.ndarray:
    return tensor.read(checkpoint.read) if isinstance(tensor, Joined) else checkpoint.read(tensor)


def _inspect_onnx(about: FolderMetadata) -> ClassifierInspection:
    """Return what an ONNX file holds."""
    model = convert(about.weights)
    names = about.class_names or model.class_names()
    preprocessing, source = model.preprocessing()
    if about.preprocessing is not None and not model.given_range:
        preprocessing, source = about.preprocessing, about.preprocessing_from
    if not model.any_size:
        preprocessing = msgspec.structs.replace(preprocessing, input_size=model.size)
    names, left_out = _fitting_names(names, model.outputs)
    what = f"An ONNX graph of {len(model.graph.nodes)} operators (opset {model.graph.opset})."
    notes = (what, *model.notes, *left_out)
    found = Match("onnx", model.outputs, model.channels, 0 if model.any_size else model.size, {})
    return ClassifierInspection(about.weights, "", (found,), names, preprocessing, source, notes, model)


def _of_onnx(model: OnnxModel, config: ClassifierConfig, output: int | None) -> Classifier:
    """Return the classifier of a converted file, for the size that is wanted."""
    size = config.preprocessing.input_size
    if size != model.size:
        model = convert(model.path, size)
    model = checked(model)
    if output is not None and model.outputs > 1:
        model = with_output(model, output)
    classifier = Classifier(msgspec.structs.replace(config, graph=model.graph))
    classifier.network.load_state_dict(model.state())
    return classifier.eval().requires_grad_(False)


def _inspect_program(about: FolderMetadata, kind: ProgramKind) -> ClassifierInspection:
    """Return what a program is, after a trial run."""
    model = try_program(about.weights, kind)
    preprocessing, source = model.preprocessing()
    if about.preprocessing is not None:
        preprocessing, source = about.preprocessing, about.preprocessing_from
    if not model.any_size:
        preprocessing = msgspec.structs.replace(preprocessing, input_size=model.size)
    outputs = model.program.outputs
    names, left_out = _fitting_names(about.class_names, outputs)
    notes = (*model.notes, *left_out)
    found = Match(PROGRAM, outputs, model.channels, 0 if model.any_size else model.size, {})
    return ClassifierInspection(about.weights, "", (found,), names, preprocessing, source, notes, model, kind)


def _of_program(model: ProgramModel, config: ClassifierConfig, output: int | None) -> Classifier:
    """Return the classifier of a program that was tried, for the size that is wanted."""
    if config.preprocessing.input_size != model.size:
        model = try_program(model.path, model.program.kind, config.preprocessing.input_size)
    if output is not None and model.program.outputs > 1:
        model = with_program_output(model, output)
    classifier = Classifier(msgspec.structs.replace(config, program=model.program))
    classifier.network.load_state_dict(model.state())
    return classifier.eval().requires_grad_(False)


def _fitting_names(names: tuple[str, ...], outputs: int) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of the classes if there is one for each output, and the note on those that are left out."""
    if not names or len(names) == max(2, outputs):
        return names, []
    return (), [f"The file names {len(names)} classes, and the network has {outputs} outputs: names left out."]


def names_of_output(class_names: Sequence[str], output: int) -> tuple[str, ...]:
    """Return the two classes of one of several yes-or-no outputs: "not rust" and "rust"."""
    return f"not {class_names[output]}", class_names[output]


def provenance(inspection: ClassifierInspection, output: int | None = None) -> dict[str, Any]:
    """Return where an imported classifier comes from, as its file keeps it: name and SHA-256 of the source, notes.

    Of weights in several files it is the SHA-256 of their bytes one after another.
    """
    digest = hashlib.sha256()
    for path in files_of(inspection.path):
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return {
        "imported": {
            "file": inspection.path.name,
            "sha256": digest.hexdigest(),
            "architecture": inspection.matches[0].architecture,
            "preprocessing_from": inspection.preprocessing_from,
            "notes": list(inspection.notes),
            **({} if output is None else {"output": output}),
        }
    }


def default_class_names(count: int) -> tuple[str, ...]:
    """Return names for classes that nobody named."""
    return tuple(f"class {index}" for index in range(count))


def _choose(checkpoint: AnyCheckpoint) -> tuple[Tensors, str, list[str]]:
    """Return the tensors of the most likely state dict, where it was, and what was left out."""
    try:
        found = find_state_dicts(checkpoint.content)
    except DamagedData as error:
        raise unreadable(checkpoint.path, "checkpoint", error) from error
    if not found:
        raise UserError(
            f"{checkpoint.path} holds no tensors by name. Save the model's state_dict() and choose that file."
        )
    best: StateDict = found[0]
    tensors, wrappers = without_wrappers(best.tensors)
    read = f"Read: {best.place or 'the file itself'}{f', without the prefix {wrappers!r}' if wrappers else ''}."
    notes = [read] if best.place or wrappers else []
    others = [other.place or "the file itself" for other in found[1:] if len(other.tensors) >= 0.5 * len(best.tensors)]
    if others:
        notes.append(f"Not read: {', '.join(others[:5])}.")
    return tensors, best.place, notes
