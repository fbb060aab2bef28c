# SPDX-License-Identifier: MIT
"""Content of the attribute cards, as pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtGui import QColor

from latent_explorer.app.effects import Measured
from latent_explorer.app.exploration.document import attribute_key, listed_set, shown_attributes
from latent_explorer.app.exploration.picture_requests import already_at_end, classifier_of
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.common.format import number_text
from latent_explorer.explain.report.facts import sufficiency_text
from latent_explorer.media.report.evidence import Support, sentence
from latent_explorer.models.attributes import Attribute, by_effect
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.app.effects import Likeness
    from latent_explorer.app.exploration.document import Document
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.exploration.updates import EvidenceFound
    from latent_explorer.explain.recipe import RenderResult
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.summary import ExplainerSummary


FAINT = 0.05  # mean change of P(target) below which an attribute is put away


@dataclass(frozen=True)
class CardData:
    """Content of a card."""

    rank: str  # "1", or "" for a slider without a rank
    name: str
    place: str  # "32 px · 412"
    details: str  # for the tooltip: layer, channel, observed range, round
    amount: float
    mean_effect: float | None  # None: never measured
    interval: tuple[float, float] | None
    exact: bool
    span: tuple[float, float]  # of the effect bars, shared by all cards
    color: QColor
    target: str  # class name
    pinned: bool
    removable: bool = False
    at_end: bool = False
    note: str = ""
    measured: Measured | None = None  # on pictures of other classes; None: not yet
    support: Support | None = None  # what real pictures say; None: they were not asked
    support_text: str = ""
    against: str = ""  # the other class of a pair, whose log-odds the effect is half of; else it is of the logit

    @property
    def faint(self) -> bool:
        """True if a person would hardly see what it does to the verdict."""
        return self.measured is not None and self.measured.change < FAINT

    @property
    def elsewhere(self) -> str:
        """What the effect is on pictures that the search did not use, or that there are none; "" if not ranked."""
        if self.mean_effect is None or self.against:
            return ""
        on_these = "Measured on the pictures that it was chosen on, so rather too large"
        if self.measured is None or not self.measured.apart:
            return on_these
        low, high = self.measured.interval
        return (
            f"{on_these}.\nOn {self.measured.n} pictures that the search did not use: "
            f"{number_text(self.measured.effect)} (95 % {number_text(low)} to {number_text(high)})"
        )

    @property
    def dead(self) -> bool:
        """True if the picture is at this end, so that the slider changes nothing."""
        return self.at_end and self.amount == 0

    @property
    def can_fold(self) -> bool:
        """True if the card may be put away: nothing that the user moved, pinned or added."""
        return (self.faint or self.dead) and self.amount == 0 and not self.pinned and not self.removable


@dataclass(frozen=True)
class CardRow:
    """Attribute of the list with the content of its card."""

    attribute: Attribute
    card_data: CardData


def class_name(state: ExplorerState, summary: ExplainerSummary, index: int) -> str:
    """Return the name of a class of the selected classifier."""
    classifier = classifier_of(state, summary)
    names = classifier.class_names if classifier else ()
    return names[index] if 0 <= index < len(names) else f"class {index}"


def is_from_other_classifier(attribute_set: AttributeSet | None, state: ExplorerState) -> bool:
    """Return True if the listed search was made for another classifier than the selected one."""
    return attribute_set is not None and attribute_set.classifier_id != state.classifier_id


def ranking_summary(
    attribute_set: AttributeSet, summary: ExplainerSummary, state: ExplorerState, *, running: bool = False
) -> str:
    """Return one short line on the origin of the ranking, naming its classifier if another one is selected.

    `running` tells that the search goes on, if its list is not settled.
    """
    if is_from_other_classifier(attribute_set, state):
        classifier_name = _name_of(state.classifier_id, summary)
        return f"Found for {_name_of(attribute_set.classifier_id, summary)}; shown for {classifier_name}"
    rendered = _count(attribute_set, "rendered_moves")
    if not attribute_set.settled:
        return f"{'So far' if running else 'Not settled'}: {attribute_set.n:,} pictures, {rendered} moves"
    if rendered:
        return f"On {attribute_set.n:,} pictures, {rendered} moves"
    return f"Found on {attribute_set.n:,} pictures"


def ranking_details(attribute_set: AttributeSet, summary: ExplainerSummary, state: ExplorerState) -> str:
    """Return the origin of the ranking in sentences, for the tooltip."""
    details = (
        f"{_method(attribute_set)}\n"
        f"On {attribute_set.n} pictures. A move takes one style of one picture {attribute_set.kappa:g} of the way to "
        f"its observed end: {attribute_set.ranges}.\n"
        f"Found for {_name_of(attribute_set.classifier_id, summary)}, {attribute_set.classifier_id}."
    )
    if turned := sufficiency_text(summary, attribute_set):
        details += f"\n\n{turned}"
    if not is_from_other_classifier(attribute_set, state):
        return details
    classifier_name = _name_of(state.classifier_id, summary)
    return (
        f"The same sliders, with the verdict of {classifier_name}. How far they move it on average was not measured; "
        f"Find attributes (Explain menu) searches for those that move it most.\n\n{details}"
    )


def _method(attribute_set: AttributeSet) -> str:
    """Return how a list was found: the method, and for a race what it rendered and how sure that makes it."""
    name, _, mode = attribute_set.method.partition("-")
    known = {"attfind": "AttFind", "stylespace": "StyleSpace channels (Wu et al.), by"}
    method = f"{known.get(name, name)} {mode.replace('-', ', ')}".strip()
    if attribute_set.method in ("attfind-notebook", "attfind-paper"):
        return f"{method}: every move was rendered."
    rendered, moves = _count(attribute_set, "rendered_moves"), _count(attribute_set, "moves")
    if not rendered:
        return f"{method}."
    agreement = attribute_set.settings.get("agreement", 0)
    said = f"{method}: {rendered} of {moves} moves rendered"
    if agreement:
        said += f"; completions agree by {agreement:.0%}".replace("%", " %")
    if not attribute_set.settled:
        return f"{said}.\nNot settled: more moves may change which attributes are listed, and in which order."
    return (
        f"{said}.\nThe other moves were filled in at random from those seen, again and again (a completion): that is "
        "the share of the list that such a table gives again."
    )


def _count(attribute_set: AttributeSet, name: str) -> str:
    """Return a number of moves in the settings, "9,291"; "" if there is none."""
    count = attribute_set.settings.get(name)
    return f"{count:,}" if isinstance(count, int) and not isinstance(count, bool) else ""


def _name_of(classifier_id: str, summary: ExplainerSummary) -> str:
    names = {c.classifier_id: c.name for c in summary.classifiers}
    return names.get(classifier_id, "classifier")


def likeness_text(likeness: Likeness) -> str:
    """Return how alike two attributes are, as a sentence for the tooltip."""
    together = "" if isnan(likeness.correlation) else f", correlation of their effects {likeness.correlation:.2f}"
    return (
        f"On {likeness.n} pictures of other classes: cosine of the difference pictures {likeness.cosine:.2f}{together}."
    )


def fold_text(folded: Sequence[CardData]) -> str:
    """Return the line that stands for cards that are put away."""
    faint = sum(not card.dead for card in folded)
    dead = len(folded) - faint
    if not dead:
        return f"{faint} more, faint"
    if not faint:
        return f"{dead} more, already at this end"
    return f"{len(folded)} more: {faint} faint, {dead} already at this end"


def rows(
    document: Document,
    summary: ExplainerSummary,
    state: ExplorerState,
    result: RenderResult | None,
    most: int | None = None,
    measured: Mapping[str, Measured] = MappingProxyType({}),
    evidence: EvidenceFound | None = None,
) -> list[CardRow]:
    """Return the rows from top to bottom, at most `most`: pinned attributes, user-added sliders, the rest by rank.

    Effects are those on the selected classifier; `mean_effect` is None if they were measured for another one.
    `measured` is what is known of other pictures, by `attribute_key`; `evidence` what real pictures say.
    """
    attribute_set = listed_set(document, summary, state)
    listed = attribute_set.attributes if attribute_set else ()
    ranked = by_effect([a for a in listed if a.target == state.target_class])
    ranks = {attribute_key(a): str(i) for i, a in enumerate(ranked, start=1)}
    shown = shown_attributes(document, summary, state)
    span = _span([a for a in shown if attribute_key(a) in ranks])
    shown = shown[:most]
    own = {attribute_key(a) for a in document.sliders}
    cards = [
        replace(
            _card_data(a, ranks.get(attribute_key(a), ""), span, document, summary, state, result),
            removable=attribute_key(a) in own,
        )
        for a in shown
    ]
    if is_from_other_classifier(attribute_set, state):  # they are effects on the other classifier
        cards = [replace(card_data, mean_effect=None) for card_data in cards]
    pair = attribute_set.pair if attribute_set else None
    other = class_name(state, summary, sum(pair) - state.target_class) if pair else ""
    cards = [
        replace(c, measured=measured.get(attribute_key(a)), against=other if attribute_key(a) in ranks else "")
        for a, c in zip(shown, cards, strict=True)
    ]
    cards = [_with_support(c, a, state, evidence) for a, c in zip(shown, cards, strict=True)]
    return [CardRow(a, card_data) for a, card_data in zip(shown, cards, strict=True)]


def _with_support(
    card_data: CardData, attribute: Attribute, state: ExplorerState, evidence: EvidenceFound | None
) -> CardData:
    """Return the content with what real pictures say, if they were asked with the selected classifier."""
    if evidence is None or evidence.classifier_id != state.classifier_id:
        return card_data
    found = evidence.found.get((attribute_key(attribute), attribute.target))
    if found is None:
        return card_data
    return replace(card_data, support=found.support, support_text=sentence(evidence.evidence, found))


def _span(attributes: Sequence[Attribute]) -> tuple[float, float]:
    """Return the scale that all effect bars share: from zero to the longest whisker."""
    ends = [0.0]
    for attribute in attributes:
        ends += [attribute.mean_effect, *(attribute.interval or ())]
    return min(ends), max(ends)


def _card_data(
    attribute: Attribute,
    rank: str,
    span: tuple[float, float],
    document: Document,
    summary: ExplainerSummary,
    state: ExplorerState,
    result: RenderResult | None,
) -> CardData:
    key = attribute_key(attribute)
    return CardData(
        rank=rank,
        name=attribute.name,
        place=location_text(attribute, summary),
        details=details_of(attribute, summary),
        amount=attribute_amount(state, attribute),
        mean_effect=attribute.mean_effect if rank else None,
        interval=attribute.interval,
        exact=attribute.exact,
        span=span,
        color=theme.current().class_color(attribute.target),
        target=class_name(state, summary, attribute.target),
        pinned=key in document.pins,
        removable=False,
        at_end=result is not None and already_at_end(result, summary, attribute),
        note=attribute.note,
    )


def location_text(attribute: Attribute, summary: ExplainerSummary) -> str:
    """Return resolution and style index, "32 px · 412"; for several entries only their resolutions."""
    sizes = [summary.layout.at(e.style_index)[0].resolution for e in attribute.entries]
    if len(sizes) == 1:
        return f"{sizes[0]} px · {attribute.entries[0].style_index}"
    low, high = min(sizes), max(sizes)
    return f"{low} px" if low == high else f"{low} to {high} px"


def details_of(attribute: Attribute, summary: ExplainerSummary) -> str:
    """Return all details of the coordinates, one per line, for the tooltip."""
    lines = []
    for entry in attribute.entries:
        layer, channel = summary.layout.at(entry.style_index)
        line = f"Style {entry.style_index}: {layer.name}, channel {channel}, {layer.resolution} px"
        if entry.ends is not msgspec.UNSET:
            line += f"; its ends are {number_text(entry.ends[0])} and {number_text(entry.ends[1])}"
        elif summary.style_stats is not None:
            low = float(summary.style_stats.minimum[entry.style_index])
            high = float(summary.style_stats.maximum[entry.style_index])
            line += f"; seen from {number_text(low)} to {number_text(high)}"
        lines.append(line + f"; amount 1 is the {'maximum' if entry.end == 'max' else 'minimum'}")
    if attribute.round > 1:
        lines.append(f"Found in round {attribute.round}: earlier ones had explained every picture")
    return "\n".join(lines)
