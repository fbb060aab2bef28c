# SPDX-License-Identifier: MIT
"""Studies of a painted part in words: whether the verdict turns, what lies there, the controls of both. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.explain.counterfactuals.region import InRegion, RegionStudy
    from latent_explorer.models.attributes import Attribute


def _own_name(attribute: Attribute) -> str:
    return attribute.name


def sentence(found: RegionStudy, class_names: Sequence[str], name_of: Callable[[Attribute], str] = _own_name) -> str:
    """Return what turns the verdict where only the part may change, to be copied, with its controls."""
    return " ".join(
        [answer(found, class_names, name_of), *evidence(found, class_names), share_text(found, name_of)]
    ).strip()


def answer(found: RegionStudy, class_names: Sequence[str], name_of: Callable[[Attribute], str] = _own_name) -> str:
    """Return whether the verdict turns, in one sentence."""
    before = int(found.before.argmax())
    seen = f"The classifier sees {class_names[before]} ({found.before[before]:.2f})"
    where = f"where only {share(found.area)} of the picture may change"
    return f"{seen}; {where}, {outcome(found, class_names, name_of)}."


def outcome(found: RegionStudy, class_names: Sequence[str], name_of: Callable[[Attribute], str] = _own_name) -> str:
    """Return what turns the verdict, without a full stop."""
    aim, best = class_names[found.target], found.best
    if not found.ranked:
        return f"nothing was tried: no attribute towards {aim} is listed that could still be moved"
    if best is None:
        return f"none of the {len(found.ranked)} attributes leads towards {aim}"
    names, p = names_text(best, name_of), f"{best.inside[found.target]:.2f}"
    if found.sets:
        return f"{names} {'turns' if len(best.attributes) == 1 else 'turn'} it to {aim} ({p})"
    if len(best.attributes) == 1:
        return f"nothing turns it: {names}, which alone helps, reaches {aim} {p}"
    return f"nothing turns it: the {len(best.attributes)} attributes that help, together, reach {aim} {p}"


def evidence(found: RegionStudy, class_names: Sequence[str]) -> list[str]:
    """Return sentences about the controls of the best set."""
    best = found.best
    if best is None:
        return []
    aim = class_names[found.target]
    parts = [control_text(best)] if best.random else []
    elsewhere = "turn it as well" if best.turns_outside else "do not turn it"
    return [*parts, f"The same edits everywhere but there {elsewhere} ({aim} {best.outside[found.target]:.2f})."]


def control_text(result: InRegion) -> str:
    """Return how often random edits turn the verdict that change as much of the part."""
    if result.random is None:
        return ""
    turned, drawn = result.random
    return f"Random edits that change as much there: {turned} of {drawn} turn it."


def share_text(found: RegionStudy, name_of: Callable[[Attribute], str] = _own_name) -> str:
    """Return which attribute changes the part most of all, beside an even change and random edits."""
    if not found.ranked:
        return ""
    first = found.ranked[0]
    return f"Of what {name_of(first.attributes[0])} changes, {share(first.share)} lies there ({even_text(found)})."


def even_text(found: RegionStudy) -> str:
    """Return the controls of the shares: "6 % if spread evenly, 9 % of random edits"."""
    even = f"{share(found.area)} if spread evenly"
    random = random_share(found)
    return even if random is None else f"{even}, {share(random)} of random edits"


def random_share(found: RegionStudy) -> float | None:
    """Return the share of the change of random edits that lies inside, where they were asked about."""
    known = [each.random_share for each in found.to_control() if each.random_share is not None]
    return known[0] if known else None


def names_text(result: InRegion, name_of: Callable[[Attribute], str] = _own_name) -> str:
    """Return the names of a set: "Brown centre and Dark spot"."""
    *first, last = (name_of(attribute) for attribute in result.attributes)
    return f"{', '.join(first)} and {last}" if first else last


def share(value: float) -> str:
    """Return a share in per cent; with a decimal below one."""
    return f"{100 * value:.1f} %" if 0 < value < 0.01 else f"{100 * value:.0f} %"
