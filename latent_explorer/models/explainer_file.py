# SPDX-License-Identifier: MIT
"""Explainer files, `NAME.explainer`: writing, reading, and reading the header alone. The format: docs/file-formats.md.

One safetensors file; weights are stored as fp16 and computed with as fp32. Reading executes nothing, allocates nothing
before the header has been checked, and verifies every byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError, unreadable
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.explainer import Explainer, Samples, classifier_identity, hash_tensors, stored_tensors
from latent_explorer.models.explainer_header import (
    FORMAT_VERSION,
    STATISTICS,
    Header,
    HeaderError,
    SamplesHeader,
    build_networks,
    check_table,
    expected_tensors,
    parse_header,
)
from latent_explorer.models.summary import StyleStats, samples_are
from latent_explorer.models.tensor_file import TensorFile, write_tensor_file

if TYPE_CHECKING:
    import os

FORMAT = "latent-explorer explainer"


@dataclass(frozen=True)
class ExplainerInfo:
    """Header of a file, without its tensors."""

    path: Path
    file_bytes: int
    format_version: int
    header: Header

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as `latent-explorer info --json` prints them."""
        header = self.header
        classifier = header.classifiers.get(header.conditioned_on or next(iter(header.classifiers), ""))
        return {
            "kind": "explainer",
            "name": header.name,
            "format_version": self.format_version,
            "file_bytes": self.file_bytes,
            "model_hash": header.model_hash,
            "resolution": header.generator.resolution,
            "num_styles": header.generator.layout.num_styles,
            "classes": list(classifier.class_names) if classifier else [],
            "classifiers": [
                {
                    "classifier_id": key,
                    "name": c.name,
                    "classes": list(c.class_names),
                    "architecture": c.architecture,
                    "frame_only": c.frame_only,
                }
                for key, c in header.classifiers.items()
            ],
            "conditioned_on": header.conditioned_on,
            "has_encoder": header.encoder is not None,
            "has_discriminator": header.discriminator is not None,
            "samples": len(header.samples.ids) if header.samples else 0,
            "samples_are": samples_are(header.samples.ids if header.samples else ()),
            "attributes": [a.name for attribute_set in header.attribute_sets for a in attribute_set.attributes],
            "attribute_sets": msgspec.to_builtins(header.attribute_sets),
            "figures": header.figures,
            "provenance": header.provenance,
        }


def write_explainer(explainer: Explainer, path: str | os.PathLike[str]) -> None:
    """Write the explainer, completely or not at all. The same explainer gives the same bytes.

    Raises UserError when the file cannot be written or could not be read back.
    """
    tensors = _stored(explainer)
    header = _header_of(explainer, tensors)
    text = msgspec.json.encode(_without_unused(msgspec.to_builtins(header, enc_hook=_plain))).decode()
    try:
        # Anything that reading would refuse is refused now, while the work is still in memory.
        parsed = parse_header(text)
        networks = build_networks(parsed)
    except HeaderError as error:
        raise UserError(f"{path} was not written: {error}.") from error
    expected = expected_tensors(parsed, networks)
    for name in expected.keys() | tensors.keys():
        if name not in tensors or name not in expected or expected[name][1] != tuple(tensors[name].shape):
            raise UserError(f"{path} was not written: {name} does not have the shape that the explainer's parts imply.")
    metadata = {
        "format": FORMAT,
        "format_version": str(header.format_version),
        "header": text,
        "header_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    write_tensor_file(path, tensors, metadata)


def read_explainer(path: str | os.PathLike[str]) -> Explainer:
    """Read an explainer file; every byte is verified. Networks are on the CPU, in fp32.

    Raises UserError when the file is not an explainer, is damaged, or is newer than this version.
    """
    with TensorFile(path) as file:
        header = _checked_header(file)
        try:
            networks = build_networks(header)
            check_table(file.tensors, expected_tensors(header, networks))
        except HeaderError as error:
            raise _refused(file.path, str(error)) from error
        tensors, model_hash = _read_verified(file, header)
    for prefix, network in networks.items():
        names = [name for name in tensors if name.startswith(f"{prefix}.")]
        state = {name.removeprefix(f"{prefix}."): tensors.pop(name) for name in names}
        if isinstance(network, Classifier):
            network.load_tensors(state)
        else:
            network.load_state_dict(state, assign=True)
    stats = {name: tensors[f"style_stats.{name}"].numpy() for name in STATISTICS} if header.has_style_stats else None
    explainer = Explainer(
        name=header.name,
        generator=networks["generator"],  # type: ignore[arg-type]  # built by these names
        encoder=networks.get("encoder"),  # type: ignore[arg-type]
        discriminator=networks.get("discriminator"),  # type: ignore[arg-type]
        classifiers={key: networks[f"classifiers.{key}"] for key in header.classifiers},  # type: ignore[misc]
        conditioned_on=header.conditioned_on,
        samples=_samples(header, tensors),
        style_stats=StyleStats(**stats) if stats else None,
        attribute_sets=header.attribute_sets,
        provenance=header.provenance,
        figures=header.figures,
        full_precision=header.full_precision,
    )
    explainer.model_hash = model_hash  # known from the stored bytes: saves rounding everything again
    return explainer


def info(path: str | os.PathLike[str]) -> ExplainerInfo:
    """Read and check the header only. Raises UserError as `read_explainer` does."""
    with TensorFile(path) as file:
        header = _checked_header(file)
        return ExplainerInfo(file.path, file.size, int(file.metadata["format_version"]), header)


def _stored(explainer: Explainer) -> dict[str, Tensor]:
    """Return all tensors as the file holds them."""
    tensors = explainer.model_tensors()
    tensors |= stored_tensors("discriminator", explainer.discriminator)
    for key, classifier in explainer.classifiers.items():
        tensors |= stored_tensors(f"classifiers.{key}", classifier)
    samples, stats = explainer.samples, explainer.style_stats
    if samples is not None:
        first = samples.ws[:, :1]  # is enough for samples that lie in W
        parts = {
            "ws": first if (samples.ws == first).all() else samples.ws,
            "cond": samples.cond,
            "probs": samples.probs,
        }
        tensors |= {f"samples.{name}": t.detach().float().cpu().contiguous() for name, t in parts.items()}
    if stats is not None:
        for name in STATISTICS:
            tensors[f"style_stats.{name}"] = torch.tensor(getattr(stats, name), dtype=torch.float32)
    return tensors


def _header_of(explainer: Explainer, tensors: dict[str, Tensor]) -> Header:
    samples = None
    if explainer.samples is not None:
        rows, classes = tensors["samples.ws"].shape[1], tensors["samples.probs"].shape[1]
        samples = SamplesHeader(tuple(explainer.samples.ids), rows, classes)
    return Header(
        name=explainer.name,
        model_hash=hash_tensors({k: t for k, t in tensors.items() if k.startswith(("generator.", "encoder."))}),
        content_sha256=hash_tensors(tensors),
        generator=explainer.generator.config,
        encoder=None if explainer.encoder is None else explainer.encoder.config,
        discriminator=None if explainer.discriminator is None else explainer.discriminator.config,
        classifiers={key: c.config for key, c in explainer.classifiers.items()},
        conditioned_on=explainer.conditioned_on,
        samples=samples,
        has_style_stats=explainer.style_stats is not None,
        attribute_sets=explainer.attribute_sets,
        provenance=explainer.provenance,
        figures=explainer.figures,
        full_precision=explainer.full_precision,
    )


def _without_unused(header: dict[str, Any]) -> dict[str, Any]:
    """Return a header without the fields that are empty, and that programs of version 1 do not know."""
    for classifier in header["classifiers"].values():
        for name in ("graph", "program"):
            if classifier[name] is None:
                del classifier[name]
    return header


def _plain(value: Any) -> Any:
    """Convert numpy's scalars and arrays in figures and provenance to plain values."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise UserError(f"An explainer's figures and provenance hold plain values, not {type(value).__name__}.")


def _checked_header(file: TensorFile) -> Header:
    metadata = file.metadata
    if metadata.get("format") != FORMAT:
        raise unreadable(file.path, "explainer", "it is a safetensors file of something else", suffix=".explainer")
    version = metadata.get("format_version", "")
    if not (version.isascii() and version.isdigit() and 1 <= len(version) <= 6 and int(version) >= 1):
        raise _refused(file.path, "its format version is not a number")
    if int(version) > FORMAT_VERSION:
        raise UserError(
            f"{file.path} was written by a newer Latent Explorer (format {version}; this one reads up to "
            f"{FORMAT_VERSION}). Update Latent Explorer to open it."
        )
    text = metadata.get("header", "")
    if hashlib.sha256(text.encode()).hexdigest() != metadata.get("header_sha256"):
        raise _refused(file.path, "its header does not match its checksum")
    try:
        return parse_header(text)
    except HeaderError as error:
        raise _refused(file.path, str(error)) from error


def _read_verified(file: TensorFile, header: Header) -> tuple[dict[str, Tensor], str]:
    """Return all tensors and the model hash. Raises UserError unless every hash in the header fits the stored bytes."""
    content, model = hashlib.sha256(), hashlib.sha256()
    classifiers = {key: hashlib.sha256() for key in header.classifiers}
    tensors: dict[str, Tensor] = {}
    for name in sorted(file.tensors):
        content.update(name.encode())
        sinks = [content.update]
        group, _, rest = name.partition(".")
        if group in ("generator", "encoder"):
            model.update(name.encode())
            sinks.append(model.update)
        elif group == "classifiers":
            key, _, rest = rest.partition(".")
            # An identity does not depend on the file: see `hash_classifier`.
            classifiers[key].update(f"classifier.{rest}".encode())
            sinks.append(classifiers[key].update)
        tensors[name] = file.read(name, *sinks)
    matches = [
        content.hexdigest() == header.content_sha256,
        model.hexdigest() == header.model_hash,
        *(
            # Earlier files identify a classifier by its tensors alone and keep that id.
            key in (digest.hexdigest(), classifier_identity(digest.hexdigest(), header.classifiers[key]))
            for key, digest in classifiers.items()
        ),
    ]
    if not all(matches):
        raise _refused(file.path, "its tensors do not match their checksums")
    return tensors, model.hexdigest()


def _samples(header: Header, tensors: dict[str, Tensor]) -> Samples | None:
    if header.samples is None:
        return None
    ws = tensors["samples.ws"]
    if header.samples.rows == 1:
        ws = ws.expand(-1, header.generator.layout.num_ws, -1)
    return Samples(ws, tensors["samples.cond"], tensors["samples.probs"], header.samples.ids)


def _refused(path: Path, why: str) -> UserError:
    return UserError(f"{path} cannot be opened: {why}. It is damaged or was made by another program; get it again.")
