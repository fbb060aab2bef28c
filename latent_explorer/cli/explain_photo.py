# SPDX-License-Identifier: MIT
"""`explain-photo`: which attributes turn the verdict on photographs themselves. The job is the window's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from latent_explorer.cli.options import OUTPUT_FOLDER, PATH, SEED, LocalPath, classifier_option, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric
from latent_explorer.common.jobs import forward_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.classifiers import Classifier


@click.command("explain-photo")
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=PATH)
@click.option("--target", metavar="CLASS", help="Class to turn to; each photo's runner-up without it.")
@click.option("--only", type=LocalPath(), metavar="MASK", help="Picture that is white where a change is allowed.")
@click.option("--confirm", multiple=True, type=PATH, metavar="FILE", help="Another classifier to ask; may be repeated.")
@click.option("--seed", type=SEED, default=0, help="Of the controls.")
@classifier_option
@click.option("--out", type=OUTPUT_FOLDER, metavar="DIR", help="Write explanations.json and a sheet of the pictures.")
@device_option
@json_option
def explain_photo(
    explainer: str,
    photos: tuple[Path, ...],
    target: str | None,
    only: str | None,
    confirm: tuple[Path, ...],
    seed: int,
    classifier: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Find the attributes that turn the verdict on each photo: in the model's copy, and pasted into the photo.

    A photo is explained when both verdicts turn and the copy without the edit, in the same place, does not turn it.
    """
    from latent_explorer.app.projection.photos import pictures_in
    from latent_explorer.cli.project import cut_targets
    from latent_explorer.explain.counterfactuals.photo import PhotoSettings, explain_photos
    from latent_explorer.explain.counterfactuals.photo_files import summary_fields, write_explanations
    from latent_explorer.explain.counterfactuals.photo_text import sentence
    from latent_explorer.models.attributes import newest_set
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier)
    names = model.classifiers[key].config.class_names
    listed = newest_set(model.attribute_sets, key)
    if listed is None:
        raise UserError(f"{model.name} lists no attributes for this classifier. Run attfind first.")
    output = Output(as_json=as_json)
    targets = output.run(cut_targets(model, pictures_in(photos), key))
    if not targets:
        raise UserError("There is no picture in what was given, or none that can be read. Choose others.")
    settings = PhotoSettings(
        target=None if target is None else _class(target, names),
        only=None if only is None else _mask(only, model.generator.config.resolution),
        seed=seed,
        others=_others(confirm),
    )

    def watch(event: Event) -> Event | None:
        # A line for every step of the refinement would be too much for people.
        return event if as_json or not isinstance(event, Metric) else None

    chosen = choose_device(device)
    job = explain_photos(model, targets, listed.attributes, settings, classifier_id=key, device=chosen)
    found = output.run(forward_events(job, watch))
    result = summary_fields(found, names)
    if out is not None:
        result["files"] = [out / "explanations.json", out / "explanations.png"]
        for path in result["files"]:
            write_explanations(path, found, names)
    lines = [sentence(each, names) for each in found]
    output.result(result, "\n".join([*lines, f"{result['explained']} of {len(found)} photos explained"]))


def _class(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise UserError(f"The classifier has no class {name!r}. Choose one of: {', '.join(names)}.")
    return names.index(name)


def _others(paths: tuple[Path, ...]) -> dict[str, Classifier]:
    """Read other networks, by the names of their files."""
    from latent_explorer.models.classifier_file import read_classifier

    others: dict[str, Classifier] = {}
    for path in paths:
        if path.stem in others:
            raise UserError(f"Two networks are called {path.stem}. Rename one of the files: each is shown by its name.")
        others[path.stem] = read_classifier(path)[0]
    return others


def _mask(path: str, size: int) -> np.ndarray:
    """Read a mask, cut as the photos are, as (size, size) float32 from 0 to 1."""
    from latent_explorer.data.crop import center_square, crop_image
    from latent_explorer.data.images import read_image

    picture = read_image(Path(path))
    grey: np.ndarray = crop_image(picture, center_square(*picture.shape[:2]), size).mean(axis=2).astype(np.float32)
    if not grey.any():
        raise UserError(f"{Path(path).name} is black everywhere, so nothing may change. Paint white where it may.")
    return grey / 255
