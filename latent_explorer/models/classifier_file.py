# SPDX-License-Identifier: MIT
"""Files of one classifier, `NAME.classifier`, as `train-classifier` writes them and `train` reads them.

Checked as strictly as an explainer: the container is `tensor_file`, the limits are those of `explainer_header`.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.models import explainer_file
from latent_explorer.models.classifiers import Classifier, ClassifierConfig, network_title
from latent_explorer.models.explainer import hash_classifier, resolve_classifier
from latent_explorer.models.explainer_header import (
    HeaderError,
    check_table,
    classifier_problems,
    network_tensors,
    without_memory,
)
from latent_explorer.models.importers.classifiers.file import (
    default_class_names,
    import_classifier,
    inspect_classifier,
    inspection_of,
    provenance,
)
from latent_explorer.models.tensor_file import TensorFile, write_tensor_file

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Mapping, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.models.explainer import Explainer

FORMAT = "latent-explorer-classifier"
VERSION = "1"
OWN_SUFFIXES = (".classifier", ".explainer")


def write_classifier(path: Path, classifier: Classifier, about: dict[str, Any]) -> None:
    """Write the classifier (fp32) with `about`: its data, settings and figures, as JSON values.

    Raises UserError when the file cannot be written or could not be read back.
    """
    if problem := next(classifier_problems(classifier.config), None):
        raise UserError(f"{path} was not written: {problem}.")
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "config": msgspec.json.encode(classifier.config).decode(),
        "about": msgspec.json.encode(about).decode(),
    }
    try:
        guarded_json.decode(metadata["about"], dict[str, Any])
    except DamagedData as error:
        raise UserError(f"{path} was not written: {error}. Shorten its notes and figures.") from error
    tensors = {name: t.detach().cpu().contiguous() for name, t in classifier.state_dict().items()}
    digest = _digest(metadata)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    metadata["sha256"] = digest.hexdigest()
    write_tensor_file(path, tensors, metadata)


def read_classifier(path: Path) -> tuple[Classifier, dict[str, Any]]:
    """Read a classifier file, the classifier that an explainer is conditioned on, or a foreign checkpoint as it is.

    A foreign one keeps the class names and preprocessing that it comes with; `import-classifier` sets others.

    Raises UserError for any other file, before memory is allocated for it.
    """
    if is_foreign(path):
        inspection = inspect_classifier(path)
        return import_classifier(inspection, path.stem), provenance(inspection)
    with TensorFile(path, "classifier") as file:
        if file.metadata.get("format") == explainer_file.FORMAT:
            return _of_explainer(path)
        config, about = _checked_header(file)
        try:
            with without_memory():
                classifier = Classifier(config)
            check_table(file.tensors, network_tensors(classifier, "", torch.float32))
        except HeaderError as error:
            raise _refused(file.path, error) from error
        digest, tensors = _digest(file.metadata), {}
        for name in sorted(file.tensors):
            digest.update(name.encode())
            tensors[name] = file.read(name, digest.update)
        # Earlier files have none.
        if file.metadata.get("sha256", digest.hexdigest()) != digest.hexdigest():
            raise _refused(file.path, HeaderError("it does not match its checksum, so it is damaged"))
    classifier.load_tensors(tensors)
    return classifier.eval().requires_grad_(False), about


def with_asked(explainer: Explainer, text: str, class_names: Sequence[str] = ()) -> tuple[Explainer, str]:
    """Return an explainer that holds the classifier that `text` stands for, and its id in it.

    text         a name or the beginning of an id in the explainer, else a file that `read_classifier` reads
    class_names  what it is to call its classes, in the order of its outputs; as it does if there are none

    Raises UserError for what is neither, and for another number of names.
    """
    try:
        key = resolve_classifier(explainer, text)
        classifier = explainer.classifiers[key]
    except UserError as error:
        path = Path(text)
        if not path.exists() and path.suffix.lower() not in OWN_SUFFIXES:
            raise UserError(f"{str(error).rstrip('.')}. There is no file {text} either.") from None
        classifier, _about = read_classifier(path)
        key = hash_classifier(classifier)
    if class_names:
        own = classifier.config.class_names
        if len(set(class_names)) != len(own) or len(class_names) != len(own):
            raise UserError(
                f"{len(class_names)} names are given for the {len(own)} classes of {classifier.config.name} "
                f"({', '.join(own)}). Give one for each, all different."
            )
        classifier = copy.copy(classifier)  # the same network
        classifier.config = msgspec.structs.replace(classifier.config, class_names=tuple(class_names))
        key = hash_classifier(classifier)
    return replace(explainer, classifiers=dict(explainer.classifiers) | {key: classifier}), key


def _digest(metadata: Mapping[str, str]) -> hashlib._Hash:
    """Return a digest of the texts, which the tensors are added to."""
    return hashlib.sha256("\0".join([metadata["config"], metadata["about"]]).encode())


def _of_explainer(path: Path) -> tuple[Classifier, dict[str, Any]]:
    """Return the classifier that the explainer is conditioned on, or else its first."""
    explainer = explainer_file.read_explainer(path)
    key = explainer.conditioned_on or next(iter(explainer.classifiers), None)
    if key is None:
        raise UserError(f"{path} holds no classifier. Choose another explainer, or a .classifier.")
    about = explainer.provenance.get("classifier")
    about = about if isinstance(about, dict) else {}
    source = {"name": explainer.name, "model_hash": explainer.model_hash}
    return explainer.classifiers[key], {**about, "taken_from": source}


def is_foreign(path: Path) -> bool:
    """Return True for a folder, or a file that neither has our endings nor says in its header that it is ours."""
    if path.suffix.lower() in OWN_SUFFIXES:
        return False
    try:
        with TensorFile(path) as file:
            return file.metadata.get("format") not in (FORMAT, explainer_file.FORMAT)
    except UserError:
        return True


class Description(NamedTuple):
    """What is known of a classifier before its tensors are read."""

    network: str
    class_names: tuple[str, ...]
    named: bool = True  # else they stand in for names that the file does not give


def description_of(path: Path) -> Generator[Event, None, Description]:
    """Describe any file that `read_classifier` reads. A job: foreign ones are recognised. Raises UserError."""
    if is_foreign(path):
        found = yield from inspection_of(path)
        names = found.class_names or default_class_names(found.class_count)
        title = network_title(found.matches[0].architecture, found.kind or "")
        return Description(title, names, bool(found.class_names))
    if is_classifier(path):
        with TensorFile(path, "classifier") as file:
            config, _about = _checked_header(file)
        return Description(_title(config), config.class_names)
    explainer = explainer_file.info(path).to_dict()
    if not explainer["classes"]:
        raise UserError(f"{path} holds no classifier. Choose another explainer, or a .classifier.")
    return Description(f"the classifier of {explainer['name']}", tuple(explainer["classes"]))


def _title(config: ClassifierConfig) -> str:
    return network_title(config.architecture, config.program.kind if config.program else "")


def is_classifier(path: str | os.PathLike[str]) -> bool:
    """Return True if the header of a safetensors file names a classifier. Raises UserError for any other file."""
    with TensorFile(path) as file:
        return file.metadata.get("format") == FORMAT


def info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the header of a file as `latent-explorer info --json` prints it; the tensors are not read."""
    with TensorFile(path, "classifier") as file:
        config, about = _checked_header(file)
        return {
            "kind": "classifier",
            "name": config.name,
            "file_bytes": file.size,
            "architecture": config.architecture,
            "resolution": config.preprocessing.input_size,
            "classes": list(config.class_names),
            "temperature": config.temperature,
            "frame_only": config.frame_only,
            "attributes": [],
            "figures": {name: about[name] for name in ("val", "test") if name in about},
            "about": about,
        }


def _checked_header(file: TensorFile) -> tuple[ClassifierConfig, dict[str, Any]]:
    metadata = file.metadata
    try:
        if metadata.get("format") != FORMAT:
            raise HeaderError("it is a safetensors file of something else")
        if metadata.get("version") != VERSION:
            raise HeaderError(f"its format is not version {VERSION}, the one known here")
        config = guarded_json.decode(metadata.get("config", ""), ClassifierConfig)
        if problem := next(classifier_problems(config), None):
            raise HeaderError(problem)
        return config, guarded_json.decode(metadata.get("about", ""), dict[str, Any])
    except (HeaderError, DamagedData) as error:
        raise _refused(file.path, error) from error


def _refused(path: Path, why: Exception) -> UserError:
    return UserError(f"{path} cannot be read as a classifier: {why}. Make it again with train-classifier.")
