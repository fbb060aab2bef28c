# SPDX-License-Identifier: MIT
"""Facts of an explainer file as labels and texts for a report: data, licence, figures, search.

Provenance and figures are whatever the file's maker wrote, so a part is used only if it has the expected type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from latent_explorer.common.statistics import wilson_interval
from latent_explorer.models.attributes import newest_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.summary import ExplainerSummary

T = TypeVar("T")
Facts = tuple[tuple[str, str], ...]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

MAX_TEXT = 300  # characters of a text from the file
FLIP_CONTROLS = {  # of a flip rate: in words
    "random": "random edits of the same size",
    "weights": "as many styles that the class given to the generator moves most",
}
FIRST = 3  # attributes whose flip rate stands for a list
HASH_DIGITS = 16  # characters of a hash that are shown


class _Data(msgspec.Struct):
    source: str = ""
    pictures: int = 0
    classes: dict[str, int] = {}
    splits: dict[str, int] = {}
    options: dict[str, Any] = {}


class _Accuracy(msgspec.Struct):
    accuracy: Share
    n: Count
    interval: tuple[Share, Share]


class _Control(msgspec.Struct):
    share: Share
    interval: tuple[Share, Share]


class _Flips(msgspec.Struct):
    k: Count
    kappa: float
    overall: Share
    interval: tuple[Share, Share]
    controls: dict[str, _Control] = {}


class _Evaluated(msgspec.Struct):
    """Figures of one side of the split, as `evaluate --into` stores them."""

    n: Count
    agreement: Share
    classifier_id: str = ""  # "": of the one that is explained
    l1: float | None = None
    lpips: float | None = None
    flips: list[_Flips] = []


class _Validated(msgspec.Struct):
    """Figures of validation pictures, as a training stores them."""

    val_agreement: Share
    val_lpips: float | None = None


def facts_of(summary: ExplainerSummary, attribute_set: AttributeSet) -> Facts:
    """Return (label, text) of all facts, in reading order."""
    facts = [*_model(summary), *_classifiers(summary, attribute_set.classifier_id), *_origin(summary)]
    facts += [*_figures(summary, attribute_set.classifier_id), ("Attributes", _search(attribute_set))]
    return tuple((label, text) for label, text in facts if text)


def _model(summary: ExplainerSummary) -> Iterator[tuple[str, str]]:
    parts = [
        f"{summary.resolution} px",
        f"{summary.layout.num_styles:,} style coordinates",
        "with encoder" if summary.has_encoder else "no encoder",
    ]
    if summary.samples is not None:
        parts.append(f"{len(summary.samples.ids):,} {summary.samples_are}")
    yield "Explainer", ", ".join(parts)
    yield "Model", summary.model_hash[:HASH_DIGITS]


def _classifiers(summary: ExplainerSummary, explained_id: str) -> Iterator[tuple[str, str]]:
    """Yield the classifiers, the explained one first."""
    for classifier in sorted(summary.classifiers, key=lambda c: c.classifier_id != explained_id):
        is_explained = classifier.classifier_id == explained_id
        parts = [f"{classifier.name} ({classifier.classifier_id[:HASH_DIGITS]})"]
        if is_explained:
            parts.append(f"tells {', '.join(classifier.class_names)} apart")
        if classifier.frame_only:
            parts.append(f"sees the outer {classifier.frame_only} px of a picture and nothing else")
        if test := _accuracy(summary, classifier.classifier_id):
            text = _with(test.accuracy, test.interval)
            parts.append(f"accuracy {text} on {test.n:,} test pictures")
        yield "Classifier" if is_explained else "Also asked", "; ".join(parts)


def accuracy_of(summary: ExplainerSummary, classifier_id: str) -> float | None:
    """Return the accuracy of a classifier on test pictures, or None where the file does not state it."""
    figures = _accuracy(summary, classifier_id)
    return None if figures is None else figures.accuracy


def _accuracy(summary: ExplainerSummary, classifier_id: str) -> _Accuracy | None:
    """Return the accuracy of a classifier, which the file holds elsewhere for classifiers that were added later."""
    provenance = summary.provenance
    several = provenance.get("classifiers")
    about = several.get(classifier_id) if isinstance(several, dict) else None
    if classifier_id == provenance.get("classifier_id"):
        about = provenance.get("classifier")
    return _read(about.get("test"), _Accuracy) if isinstance(about, dict) else None


def _origin(summary: ExplainerSummary) -> Iterator[tuple[str, str]]:
    provenance = summary.provenance
    data, given = _read(provenance.get("data"), _Data), provenance.get("data")
    if isinstance(given, str):
        yield "Data", _short(given)
    elif data is not None:
        yield "Data", _data(data)
    licence = provenance.get("licence") or provenance.get("license")
    yield "Licence", _short(licence) if isinstance(licence, str) else "not stated in the file"
    images = provenance.get("images")
    if isinstance(images, int):
        yield "Training", f"{images:,} images{_stages(provenance.get('init'))}"


def _stages(init: object) -> str:
    """Return what came before the training, if it started from another explainer."""
    if not isinstance(init, dict):
        return ""
    started = f" in its last stage, which started from {_short(str(init.get('name') or 'another explainer'))}"
    before = init.get("images")
    return started + (f" after {before:,} images" if isinstance(before, int) else "")


def _data(data: _Data) -> str:
    parts = [_short(data.source)] if data.source else []
    if data.pictures:
        classes = ", ".join(f"{n:,} {_short(name)}" for name, n in data.classes.items())
        parts.append(f"{data.pictures:,} pictures" + (f" ({classes})" if classes else ""))
    where, group = data.options.get("where"), data.options.get("group")
    if isinstance(where, list) and where:
        parts.append(" and ".join(_short(str(one)) for one in where))
    if data.splits:
        sides = ", ".join(f"{data.splits[s]:,} {s}" for s in ("train", "val", "test") if s in data.splits)
        by = f", no {_short(group)} on two sides" if isinstance(group, str) else ""
        parts.append(f"{sides}{by}")
    return "; ".join(parts)


def _figures(summary: ExplainerSummary, explained_id: str) -> Iterator[tuple[str, str]]:
    """Yield the explained classifier's figures on test pictures, else on validation pictures."""
    test = _read(summary.figures.get("test"), _Evaluated)
    if test is not None and test.classifier_id in ("", explained_id):
        kept = wilson_interval(round(test.agreement * test.n), test.n)
        yield (
            "Agreement",
            f"{_with(test.agreement, kept)} of {test.n:,} test pictures keep their verdict when reconstructed",
        )
        errors = (("LPIPS (alex)", test.lpips), ("L1", test.l1))
        text = ", ".join(f"{name} {value:.3f}" for name, value in errors if value is not None)
        yield "Reconstruction", text
        at_one = [f for f in test.flips if f.kappa == 1]
        yield "Flips", "; ".join(f"first {f.k} together {_with(f.overall, f.interval)}" for f in at_one)
        for key, words in FLIP_CONTROLS.items():
            known = [(f.k, f.controls[key]) for f in at_one if key in f.controls]
            text = "; ".join(f"for the first {k} {_with(control.share, control.interval)}" for k, control in known)
            yield f"Flips by {words}", text
        return
    val = _read(summary.figures.get("val"), _Validated)
    if val is not None:
        lpips = "" if val.val_lpips is None else f"; LPIPS {val.val_lpips:.3f}"
        yield "Agreement", f"{val.val_agreement:.3f} of validation pictures{lpips}"


def sufficiency_text(summary: ExplainerSummary, attribute_set: AttributeSet) -> str:
    """Return how many test pictures the first attributes of a list turn, beside the controls; "" where it is unknown.

    The file's figures are of its newest list for their classifier, and of no other.
    """
    test = _read(summary.figures.get("test"), _Evaluated)
    key = attribute_set.classifier_id
    if test is None or key != (test.classifier_id or summary.classifier_id):
        return ""
    flips = next((f for f in test.flips if f.kappa == 1 and f.k == FIRST), None)
    if flips is None or attribute_set != newest_set(summary.attribute_sets, key):
        return ""
    said = f"On {test.n:,} test pictures the first {FIRST} together turn {_with(flips.overall, flips.interval)}"
    controls = [
        f"{words} {_with(flips.controls[name].share, flips.controls[name].interval)}"
        for name, words in FLIP_CONTROLS.items()
        if name in flips.controls
    ]
    return f"{said}; as a control, {', '.join(controls)}." if controls else f"{said}."


def _search(attribute_set: AttributeSet) -> str:
    settings = ", ".join(f"{_short(k.replace('_', ' '))} {_number(v)}" for k, v in attribute_set.settings.items())
    parts = [f"{_short(attribute_set.method)} on {attribute_set.n:,} pictures, kappa {attribute_set.kappa:g}"]
    parts += [f"ends: {_short(attribute_set.ranges)}"] if attribute_set.ranges else []
    parts += [settings] if settings else []
    return "; ".join(parts)


def _read(value: object, kind: type[T]) -> T | None:
    """Return the value as `kind`, or None where it is something else."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _with(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
