# SPDX-License-Identifier: MIT
"""`import-classifier`: a classifier of another program as a .classifier file, checked on pictures."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.cli.options import COUNT, OUTPUT_FILE, PATH, data_options, parse_class_names
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import plain_stem
from latent_explorer.models.preprocessing import CHANNELS, INTERPOLATIONS, Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.report.classifier_check import ClassifierCheck
    from latent_explorer.models.importers.classifiers.file import ClassifierInspection


@click.command("import-classifier")
@click.argument("file", type=PATH)
@click.option(
    "--out", type=OUTPUT_FILE, metavar="X.classifier", help="File to write; without it only say what FILE is."
)
@click.option("--name", metavar="TEXT", help="What the classifier is called; else FILE's name.")
@click.option("--class-names", metavar="NAME,...|FILE", help="In the order of its outputs, or a file, one per line.")
@click.option("--architecture", metavar="NAME", help="Its network, if it is not recognised: timm:resnet18.")
@click.option("--output", type=COUNT, metavar="N", help="Of many yes-or-no outputs, the one to read.")
@click.option(
    "--preprocessing",
    metavar="NAME=VALUE,...",
    help="Changes: size, crop (share), mean, std (one number, or three as 0.4/0.5/0.6), "
    "interpolation (bilinear, bicubic), channels (rgb, bgr, grey).",
)
@click.option("--data", metavar="DATA", help="Check it on these pictures, with labels if they have any.")
@data_options()
@json_option
def import_classifier(
    file: Path,
    out: Path | None,
    name: str | None,
    class_names: str | None,
    architecture: str | None,
    output: int | None,
    preprocessing: str | None,
    data: str | None,
    as_json: bool,
    **selection: Any,
) -> None:
    """Take a classifier: a checkpoint of a known network, a Hugging Face folder, an ONNX file or a program.

    FILE is a state dict or training checkpoint (.pt, .pth, .ckpt, .safetensors), a pickled model, of which only the
    tensors are read, or a folder with config.json and model.safetensors. Nothing in it is executed. Of a program
    (TorchScript, torch.export) the weights are read, too, if they are those of a known network; else, and always with
    --run-program, the program itself is taken and runs in a separate process.
    """
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.explain.report.classifier_check import CheckPictures, check_classifier
    from latent_explorer.models.classifier_file import write_classifier
    from latent_explorer.models.importers.classifiers import file as importer

    printer = Output(as_json=as_json)
    inspection = importer.inspect_classifier(file, architecture)
    changed = parse_preprocessing(preprocessing, inspection.preprocessing) if preprocessing else None
    names = parse_class_names(class_names) if class_names else ()
    text = inspection_text(inspection)
    with contextlib.ExitStack() as stack:
        pictures = None
        if data is not None:
            pictures = stack.enter_context(contextlib.closing(open_dataset(data, **selection)))
            if not names and not inspection.class_names:
                count = inspection.class_count if output is None else 2
                names = pictures.class_names if len(pictures.class_names) == count else ()
                text += f"\nClass names are the pictures' labels: {', '.join(names)}." if names else ""
        classifier = importer.import_classifier(inspection, name or plain_stem(file), names, changed, output)
        found = printer.run(check_classifier(classifier, CheckPictures(pictures))) if pictures is not None else None
    fields = inspection_fields(inspection) | {"class_names": list(classifier.config.class_names)}
    if found is not None:
        advice = [each.text for each in found.advice(classifier.config.class_names)]
        fields["check"] = found.to_dict() | {"advice": advice}
        text += "\n" + check_text(found, classifier.config.class_names)
    if out is not None:
        about = importer.provenance(inspection, output) | ({"check": found.to_dict()} if found is not None else {})
        write_classifier(out, classifier, about)
        text += f"\n{out}: {', '.join(classifier.config.class_names)}, {size_text(out.stat().st_size)}"
    printer.result({"path": out, **fields}, text)


def parse_preprocessing(text: str, usual: Preprocessing | None) -> Preprocessing:
    """Return the preprocessing with changes such as "size=224,mean=0.5,channels=bgr". Raises UserError."""
    changes: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, sign, value = part.partition("=")
        try:
            if key == "size" and sign:
                changes["input_size"] = int(value)
            elif key == "crop":
                changes["crop"] = float(value)
            elif key in ("mean", "std"):
                numbers = tuple(map(float, value.split("/")))
                changes[key] = numbers * 3 if len(numbers) == 1 else numbers
            elif (key, value) in {("interpolation", v) for v in INTERPOLATIONS} | {("channels", v) for v in CHANNELS}:
                changes[key] = value
            else:
                raise ValueError
        except ValueError:
            raise UserError(
                f"{part!r} is not a preprocessing. Write for example size=224,crop=0.875,mean=0.5,std=0.5."
            ) from None
        if key in ("mean", "std") and len(changes[key]) != 3:
            raise UserError(f"{part!r} is not one number or three. Write for example {key}=0.485/0.456/0.406.")
    return msgspec.structs.replace(usual or Preprocessing(224), **changes)


def inspection_fields(inspection: ClassifierInspection) -> dict[str, Any]:
    """Return what was recognised, as JSON values."""
    best = inspection.matches[0]
    return {
        "kind": "foreign classifier",
        "file": str(inspection.path),
        "architecture": best.architecture,
        "also_fits": [each.architecture for each in inspection.matches[1:]],
        "outputs": best.outputs,
        "class_names": list(inspection.class_names),
        "preprocessing": msgspec.to_builtins(inspection.preprocessing),
        "preprocessing_from": inspection.preprocessing_from,
        "notes": list(inspection.notes),
    }


def inspection_text(inspection: ClassifierInspection) -> str:
    """Return what was recognised, as text."""
    best, pre = inspection.matches[0], inspection.preprocessing
    assert pre is not None
    mean, std = (" ".join(f"{value:.3g}" for value in values) for values in (pre.mean, pre.std))
    lines = [
        f"{inspection.path.name}: {best.architecture}, {best.outputs} output{'s' if best.outputs != 1 else ''}",
        f"classes        {', '.join(inspection.class_names) or 'not in the file: give --class-names'}",
        f"preprocessing  {pre.input_size} px, crop {pre.crop:g}, {pre.interpolation}, {pre.channels}, mean {mean}, "
        f"std {std} ({inspection.preprocessing_from})",
        *inspection.notes,
    ]
    if others := [each.architecture for each in inspection.matches[1:]]:
        lines.append(f"Its tensors fit {', '.join(others)} as well: if it is that, say so with --architecture.")
    return "\n".join(lines)


def check_text(found: ClassifierCheck, class_names: tuple[str, ...]) -> str:
    """Return a check's verdicts, accuracies and advice as text."""
    lines = [f"Verdicts on {len(found.verdicts)} of {found.n} pictures:"]
    for each in found.verdicts:
        label = f" (label {each.label})" if each.label else ""
        lines.append(f"  {each.probability:.2f} {each.verdict}{label}  {each.name}")
    if found.accuracy is not None:
        low, high = found.accuracy.interval
        lines.append(
            f"Right on {found.accuracy.share:.3f} of {found.n} pictures (95 % interval {low:.3f} to {high:.3f})."
        )
        lines += [f"  {trial.accuracy:.3f} with pictures as {trial.text}" for trial in found.trials[1:]]
        lines += [f"  {share:.3f} on pictures reduced to {size} px" for size, share in found.by_size]
    return "\n".join([*lines, *(each.text for each in found.advice(class_names))])
