# SPDX-License-Identifier: MIT
"""`info`: the contents of an explainer, a classifier, or a foreign checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.cli.import_classifier import inspection_fields, inspection_text
from latent_explorer.cli.options import LocalPath
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.format import size_text
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.summary import note_of

if TYPE_CHECKING:
    from latent_explorer.models.importers.generators.file import ImportedGenerator
    from latent_explorer.models.importers.stylex.release import StylexRelease


@click.command()
@click.argument("file", type=LocalPath())
@json_option
def info(file: str, as_json: bool) -> None:
    """Say what a file holds. Nothing in it is executed, except a program with --run-program."""
    from latent_explorer.explain.directions.file import vector_shapes
    from latent_explorer.models import classifier_file, explainer_file
    from latent_explorer.models.importers.classifiers.file import inspect_classifier
    from latent_explorer.models.importers.generators.file import holds_generator, read_generator
    from latent_explorer.models.importers.stylex.release import is_release, open_release

    path = Path(file)
    if is_release(path):
        fields, text = _release(open_release(path))
    elif (vectors := vector_shapes(path)) is not None:
        fields, text = vectors, vectors_text(path, vectors)
    elif classifier_file.is_foreign(path) and holds_generator(path):
        found = read_generator(path)
        fields, text = generator_fields(file, found), generator_text(file, found)
    elif classifier_file.is_foreign(path):
        inspection = inspect_classifier(path)
        fields, text = inspection_fields(inspection), inspection_text(inspection)
    elif classifier_file.is_classifier(file):
        fields = classifier_file.info(file)
        text = classifier_text(fields)
    else:
        fields = explainer_file.info(file).to_dict()
        text = format_text(fields)
    Output(as_json=as_json).result(fields, text)


def generator_fields(file: str, found: ImportedGenerator) -> dict[str, Any]:
    """Return what `info --json` prints of a generator of another program."""
    config = found.generator.config
    return {
        "kind": "generator",
        "path": file,
        "source": found.source,
        "resolution": config.resolution,
        "num_styles": config.layout.num_styles,
        "classes": config.c_dim,
        "notes": list(found.notes),
    }


def generator_text(file: str, found: ImportedGenerator) -> str:
    """Return the fields of `generator_fields` as text."""
    config = found.generator.config
    classes = f", {config.c_dim} classes (--class)" if config.c_dim else ""
    first = f"{file}: {found.source}, {config.resolution} px, {config.layout.num_styles} style coordinates{classes}"
    return "\n".join([first, *found.notes, f"Take it with: latent-explorer import {file} --out X.explainer"])


def _release(release: StylexRelease) -> tuple[dict[str, Any], str]:
    """Return what the StylEx that Google released holds, read but not made an explainer."""
    found = release.describe()
    fields: dict[str, Any] = {
        "kind": "stylex",
        "source": found.source,
        "parts": list(release.parts),
        "notes": list(found.notes),
    }
    fields |= {"resolution": found.resolution, "num_styles": found.num_styles, "classes": found.num_classes}
    what = f"{release.path.name}: {found.source}, {found.resolution} px, {found.num_styles} style coordinates"
    classes = f"takes {found.num_classes} class probabilities beside w"
    advice = "Import it: latent-explorer import FOLDER --out X.explainer."
    return fields, "\n".join([what, classes, *found.notes, advice])


def vectors_text(path: Path, fields: dict[str, Any]) -> str:
    """Return what `vector_shapes` found as text: which model it fits is told by the shapes."""
    shapes = [f"  {name or 'array'} {tuple(shape)}" for name, shape in fields["arrays"].items()]
    use = (
        "Open it in the window with its explainer, or give it to `project X FILE` or `generate X --latents FILE` "
        "(latents), or to `generate X --direction FILE=1.5` (a direction)."
    )
    return "\n".join([f"{path.name}: latents or directions", *shapes, use])


def classifier_text(fields: dict[str, Any]) -> str:
    """Return the fields of `classifier_file.info` as text."""
    lines = [
        f"{fields['name']}: classifier, {fields['architecture']} at {fields['resolution']} px, "
        f"{size_text(fields['file_bytes'])}",
        f"classes      {', '.join(fields['classes'])}",
        f"temperature  {fields['temperature']:.3g}",
    ]
    if fields["frame_only"]:
        lines.append(f"sees         {_describe_input(fields)}")
    lines += [f"{name:12} {_figure(value)}" for name, value in fields["figures"].items()]
    return "\n".join(lines)


def format_text(fields: dict[str, Any]) -> str:
    """Return the fields of `ExplainerInfo.to_dict` as text."""
    lines = [
        f"{fields['name']}: explainer, {fields['resolution']} px, {fields['num_styles']} style coordinates, "
        f"{size_text(fields['file_bytes'])}",
        f"model        {fields['model_hash'][:16]}, {'with' if fields['has_encoder'] else 'no'} encoder",
        f"samples      {fields['samples']} {fields['samples_are']}",
    ]
    for classifier in fields["classifiers"]:
        conditioning = (
            "; the generator gets its answer" if classifier["classifier_id"] == fields["conditioned_on"] else ""
        )
        identity = f"{classifier['name']} ({classifier['classifier_id'][:16]})"
        sees = f"; it sees {_describe_input(classifier)}" if classifier["frame_only"] else ""
        lines.append(f"classifier   {identity}: {', '.join(classifier['classes'])}{conditioning}{sees}")
    for attribute_set in fields["attribute_sets"]:
        lines.append(
            f"attributes   {attribute_set['method']}, {attribute_set['n']} pictures, kappa {attribute_set['kappa']:g}"
        )
        classes = next(
            c["classes"] for c in fields["classifiers"] if c["classifier_id"] == attribute_set["classifier_id"]
        )
        lines += [_attribute(attribute, classes) for attribute in attribute_set["attributes"]]
    lines += [f"{name:12} {_figure(value)}" for name, value in fields["figures"].items()]
    if note := note_of(fields["provenance"]):
        lines.append(f"note         {note}")
    return "\n".join(lines)


def _describe_input(classifier: dict[str, Any]) -> str:
    return f"the outer {classifier['frame_only']} px of its input alone"


def _attribute(fields: dict[str, Any], classes: list[str]) -> str:
    """Return "  214max  +0.62 towards diseased  brown spots": the key is what `name` takes."""
    attribute = msgspec.convert(fields, Attribute)
    target = f"{attribute.mean_effect:+.2f} towards {classes[attribute.target]}"
    return f"  {attribute_key(attribute):8} {target}  {attribute.name}".rstrip()


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_figure(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(map(_figure, value)) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
