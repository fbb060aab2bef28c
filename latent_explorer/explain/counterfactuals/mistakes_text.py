# SPDX-License-Identifier: MIT
"""A classifier's mistakes, and what turns them, in words and as fields. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.data.dataset import join_names
from latent_explorer.models.attributes import describe_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.counterfactuals.mistakes import Best, CellExplanation, Example, Turned
    from latent_explorer.models.attributes import Attribute


def unreadable_text(judged: JudgedPhotos) -> str:
    """Return which photographs were left out, as a sentence; "" if none was."""
    count = len(judged.unreadable)
    if not count:
        return ""
    what = "1 picture that cannot be read is" if count == 1 else f"{count} pictures that cannot be read are"
    return f"{what} left out: {join_names(list(judged.unreadable))}."


def no_attributes(explainer: str, aim: str) -> str:
    """Return the sentence for a cell whose label no attribute leads to."""
    return f"{explainer} lists no attributes that lead to {aim}. Search for attributes first."


def name_of(attribute: Attribute) -> str:
    """Return the name of an attribute, or what it moves."""
    return attribute.name or describe_entries(attribute)


def cell_sentence(found: CellExplanation, class_names: Sequence[str]) -> str:
    """Return what turns a cell's photographs right, to be copied, with its control."""
    label, verdict = class_names[found.label], class_names[found.verdict]
    of_group = f" ({found.within})" if found.within else ""
    what = f"photographs of {label}{of_group} that the classifier calls {verdict}"
    if found.best is None:
        return f"No attribute alone turns any of {found.n} {what}."
    best, turned = found.best, found.best.turned
    chosen = "" if best.held_out else " (it was chosen on them)"
    told = best.weights_photo
    weights = f", {told.count} of {told.n} with the style that the class given to the generator moves most"
    return (
        f"{turned.photo.count} of {turned.photo.n} {what} turn with {name_of(turned.attribute)} alone{chosen}, "
        f"{turned.copy.count} of their copies; {best.random_photo.count} of {best.random_photo.n} do with a random "
        f"edit of the same size{weights if told.n else ''}."
    )


def cell_fields(found: CellExplanation, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the explanation of a cell as `mistakes --json` prints it."""
    return {
        "label": class_names[found.label],
        "verdict": class_names[found.verdict],
        "within": found.within,
        "n": found.n,
        "sentence": cell_sentence(found, class_names),
        "best": _best_fields(found.best),
        "any_attribute": rate_fields(found.any_photo),
        "attributes": [_turned_fields(each) for each in found.turned],
        "photographs": [_example_fields(each, found.shown) for each in found.examples],
    }


def _example_fields(each: Example, shown: Attribute) -> dict[str, Any]:
    before, after = ([float(p) for p in picture.probs] for picture in (each.before, each.after))
    return {"file": each.name, "attribute": name_of(shown), "turned": each.turned, "before": before, "after": after}


def _best_fields(best: Best | None) -> dict[str, Any] | None:
    if best is None:
        return None
    names = ("random_copy", "random_photo", "weights_copy", "weights_photo")
    controls = {name: rate_fields(getattr(best, name)) for name in names}
    return _turned_fields(best.turned) | controls | {"held_out": best.held_out}


def _turned_fields(each: Turned) -> dict[str, Any]:
    return {"attribute": name_of(each.attribute), "copy": rate_fields(each.copy), "photo": rate_fields(each.photo)}


def rate_fields(rate: Rate) -> dict[str, Any]:
    """Return a rate as the command line prints it."""
    return {"share": rate.share if rate.n else None, "n": rate.n, "interval": list(rate.interval)}
