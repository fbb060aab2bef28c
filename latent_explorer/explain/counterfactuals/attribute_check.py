# SPDX-License-Identifier: MIT
"""Does a classifier look at an attribute? A check that ends with yes or no, for an automatic test.

The effect of an attribute is defined in `attribute_effects`: the mean |change| of the probability of its class when it
is set to its end, minus that by random edits that change the pixels as much. A classifier is within the limit only if
the upper end of the effect's 95 % interval is. That is a t interval: of few pictures with skewed effects, most of which
do not move, it is too short, and of those where none happens to move it is a point. So FEWEST pictures are asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.counterfactuals.attribute_effects import Effect, MeasuredAttribute, attribute_effects
from latent_explorer.models.attributes import Attribute, AttributeEntry, describe_entries

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import torch

    from latent_explorer.common.events import Event
    from latent_explorer.common.statistics import Mean
    from latent_explorer.models.explainer import Explainer, Samples

FEWEST = 30  # pictures in which an attribute is set
MAX_EFFECT = 0.1
_LISTED = 40  # names that a sentence lists


@dataclass(frozen=True)
class ListedAttribute:
    """An attribute of an explainer, the class that it leads to, and the id of the classifier whose list it is from."""

    attribute: Attribute
    class_name: str
    classifier_id: str

    @property
    def name(self) -> str:
        return self.attribute.name or describe_entries(self.attribute)

    @property
    def key(self) -> str:
        """ "19max" of a single coordinate, as `info` prints it; "19max+341min" of several."""
        return "+".join(f"{entry.style_index}{entry.end}" for entry in self.attribute.entries)

    @property
    def full_key(self) -> str:
        """ "19max:diseased": of several classes the same coordinate may lead to more than one."""
        return f"{self.key}:{self.class_name}"

    @property
    def place(self) -> tuple[str, tuple[AttributeEntry, ...]]:
        """What no two listed attributes share: the class and the coordinates."""
        return self.class_name, self.attribute.entries


def listed_attributes(explainer: Explainer) -> list[ListedAttribute]:
    """Return the attributes of all lists that can be found by name, the explained classifier's first, newest first.

    The same coordinates towards the same class are one attribute. Lists of classifiers that the file no longer holds
    are left out: nobody says which pictures are of their classes.
    """
    sets = [each for each in reversed(explainer.attribute_sets) if each.classifier_id in explainer.classifiers]
    sets.sort(key=lambda each: each.classifier_id != explainer.conditioned_on)
    found: dict[tuple[str, tuple[AttributeEntry, ...]], ListedAttribute] = {}
    for each in sets:
        names = explainer.classifiers[each.classifier_id].config.class_names
        for attribute in each.attributes:
            listed = ListedAttribute(attribute, names[attribute.target], each.classifier_id)
            known = found.get(listed.place)
            if known is None or (attribute.name and not known.attribute.name):
                found[listed.place] = listed
    return list(found.values())


def find_attribute(explainer: Explainer, text: str) -> ListedAttribute:
    """Return the attribute with this name or key ("Violet ground", "19max", or "19max:diseased" where it is listed
    towards two classes). UserError names those that there are.
    """
    listed = listed_attributes(explainer)
    wanted = " ".join(text.split()).casefold()
    matching = [each for each in listed if each.name.casefold() == wanted]
    matching = matching or [each for each in listed if wanted in (each.key.casefold(), each.full_key.casefold())]
    shared = Counter(each.key for each in listed)
    keys = {each.place: each.key if shared[each.key] == 1 else each.full_key for each in listed}
    if len(matching) == 1:
        return matching[0]
    if matching:
        choices = ", ".join(keys[each.place] for each in matching)
        raise UserError(f"{len(matching)} attributes are called {text!r}. Choose one by its coordinate: {choices}.")
    if not listed:
        raise UserError(f"{explainer.name} lists no attributes. Run attfind on it with --out, and name them.")
    known = [each.name if each.attribute.name else keys[each.place] for each in listed]
    more = f", and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    raise UserError(
        f"{explainer.name} has no attribute {shortened(text)!r}. Choose one of: {', '.join(known[:_LISTED])}{more}."
    )


@dataclass(frozen=True)
class CheckedAttribute:
    """An attribute, its effect on the classifier, and the limit that it is held to."""

    listed: ListedAttribute
    measured: MeasuredAttribute
    max_effect: float

    @property
    def effect(self) -> Effect:
        return self.measured.effects[0]

    @property
    def within(self) -> bool:
        """True if the upper end of the effect's 95 % interval is within the limit."""
        return self.effect.beyond.interval[1] <= self.max_effect

    @property
    def settled(self) -> bool:
        """False if the limit lies inside the interval, so that more pictures may tell."""
        low, high = self.effect.beyond.interval
        return not low <= self.max_effect < high

    @property
    def steady(self) -> bool:
        """False if random edits as large alone move the classifier by more than the limit."""
        return self.effect.by_random.value <= self.max_effect

    def sentence(self) -> str:
        """Return the figures in words."""
        effect, name = self.effect, self.measured.class_name
        low, high = effect.beyond.interval
        said = (
            f"{self.listed.name}: effect {effect.beyond.value:.3f} [{low:.3f}, {high:.3f}]; P({name}) changes by "
            f"{effect.absolute.value:.3f} ({effect.change.value:+.3f} on average) at its end and by "
            f"{effect.by_random.value:.3f} with random edits as large, over {effect.change.n} pictures"
        )
        if not self.within and not self.settled:
            said += f"; the interval holds {self.max_effect:g}, so more pictures (--n, --images) may tell"
        if not self.steady:
            said += f"; unsteady: random edits alone exceed {self.max_effect:g}"
        return said

    def to_dict(self) -> dict[str, Any]:
        """As `check --json` prints it."""
        effect = self.effect
        return {
            "name": self.listed.name,
            "key": self.listed.key,
            "class": self.measured.class_name,
            "within": self.within,
            "settled": self.settled,
            "steady": self.steady,
            "n": effect.change.n,
            "effect": _fields(effect.beyond),
            "absolute_change": _fields(effect.absolute),
            "mean_change": _fields(effect.change),
            "random_edits": _fields(effect.by_random),
            "size": float(self.measured.sizes.mean()),
            "random_size": float(self.measured.random_sizes.mean()),
        }


@dataclass(frozen=True)
class AttributeCheck:
    """What a classifier was held to, attribute by attribute."""

    classifier_id: str
    classifier: str
    explainer: str
    attributes: tuple[CheckedAttribute, ...]

    @property
    def within(self) -> bool:
        """True if every attribute is within its limit."""
        return all(each.within for each in self.attributes)

    def to_dict(self) -> dict[str, Any]:
        """As `check --json` prints it."""
        return {
            "within": self.within,
            "max_effect": self.attributes[0].max_effect,
            "classifier": self.classifier,
            "classifier_id": self.classifier_id,
            "explainer": self.explainer,
            "attributes": [each.to_dict() for each in self.attributes],
        }


def check_attributes(
    explainer: Explainer,
    classifier_id: str,
    names: Sequence[str],
    max_effect: float = MAX_EFFECT,
    *,
    latents: Samples | None = None,
    n: int = 250,
    device: str | torch.device = "cpu",
) -> Generator[Event, None, AttributeCheck]:
    """Hold a classifier that the explainer holds to a limit of the effect of attributes, by name or key. A job.

    Pictures, of the file or of `latents`, are those that the classifier whose list an attribute is from does not give
    the attribute's class: the same ones whichever classifier is held to it.
    UserError for an unknown attribute, for a classifier without its class, and for fewer than FEWEST such pictures.
    """
    found = list({each.place: each for each in (find_attribute(explainer, name) for name in names)}.values())
    if not found:
        raise UserError("There is no attribute to check. Name one with --attribute.")
    measured: dict[tuple[str, tuple[AttributeEntry, ...]], MeasuredAttribute] = {}
    for judge in dict.fromkeys(each.classifier_id for each in found):
        of_list = [each for each in found if each.classifier_id == judge]
        job = attribute_effects(
            explainer,
            [each.attribute for each in of_list],
            explainer.classifiers[judge].config.class_names,
            [classifier_id],
            [judge],
            latents=latents,
            n=n,
            device=device,
        )
        measured.update(zip((each.place for each in of_list), (yield from job), strict=True))
    checked = tuple(CheckedAttribute(each, measured[each.place], max_effect) for each in found)
    for each in checked:
        if len(each.measured.rows) < FEWEST:
            raise UserError(
                f"Only {len(each.measured.rows)} of the pictures are not {each.measured.class_name} already, too few "
                f"to set {each.listed.name} in them: {FEWEST} are the fewest. Raise --n or bring pictures "
                f"with --images."
            )
    name = explainer.classifiers[classifier_id].config.name
    return AttributeCheck(classifier_id, name, explainer.name, checked)


def _fields(each: Mean) -> dict[str, Any]:
    return {"value": each.value, "interval": list(each.interval)}
