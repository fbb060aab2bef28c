# SPDX-License-Identifier: MIT
"""The sentences of the report: which attributes change the surroundings, why it matters, what to do next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latent_explorer.common.format import signed_text
from latent_explorer.media.report.result import FOLLOW_THRESHOLD, FRAME, VERDICT_THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.media.report.result import AttributeReport, Change, ExplainerReport, OtherClassifier

CATCH = "This is how you catch it"
NEXT = (
    (
        "Exchange the surroundings.",
        "Put the subjects of one class before the surroundings of the other, and ask the classifier again. How far its "
        "accuracy falls says how much it leans on them. This report shows what goes together; that is the proof.",
    ),
    (
        "Look at how the pictures were made, and collect again.",
        "Was one class photographed elsewhere, at another time, by another camera? Then the surroundings give the "
        "label away. Take pictures of every class before the same surroundings.",
    ),
    (
        "Train on cut-outs,",
        "or with the surroundings exchanged at random, make an explainer of the new classifier and this report again: "
        "what it lists should now change the subject.",
    ),
)


def title(explainers: Sequence[ExplainerReport]) -> str:
    """Return the question that the report answers."""
    return f"What {'do these classifiers' if len(explainers) > 1 else 'does this classifier'} look at?"


def lead(explainers: Sequence[ExplainerReport]) -> str:
    """Return the answer in brief."""
    listed = " and ".join(e.name for e in explainers)
    return (
        f"The attributes of {listed}: the changes of a picture that move the classifier most. For each: what it draws, "
        "where in the picture, and what every classifier in the file says of it."
    )


def answer(figures: ExplainerReport) -> str:
    """Return one sentence that says whether the verdict depends on the surroundings."""
    caught, total = figures.caught, sum(a.n > 0 for a in figures.attributes)
    if not total:
        return "No attribute could be measured: every picture is of its target class already."
    those = "" if total == len(figures.attributes) else " that could be measured"
    if not caught:
        faint = [a for a in figures.attributes if a.stands_out]
        if not faint:
            return f"None of the {total} attributes{those} changes the surroundings."
        said = _in_surroundings(faint)
        return (
            f"None of the {total} attributes{those} {_in_surroundings(faint[:1])} and moves the verdict; "
            f"{len(faint)} {said} without moving it."
        )
    verb = "moves" if len(caught) == 1 else "move"
    return f"{len(caught)} of the {total} attributes{those} {_in_surroundings(caught)} and {verb} the verdict."


def _in_surroundings(found: Sequence[AttributeReport]) -> str:
    """Return what all of these do: change the surroundings, or stand out there only to a network that sees no more."""
    if all(a.surroundings for a in found):
        return f"{'changes' if len(found) == 1 else 'change'} the surroundings"
    return f"{'stands' if len(found) == 1 else 'stand'} out in the surroundings"


def verdict(figures: ExplainerReport) -> str:
    """Return the answer with the strongest attribute that supports it."""
    if not figures.caught:
        return answer(figures)
    first = figures.caught[0]
    target = figures.class_names[first.target]
    return (
        f"{answer(figures)} The strongest, {first.name}, moves P({target}) by {signed(first.change.mean)} on average; "
        f"{reasons(first)}."
    )


def marked(figures: ExplainerReport) -> str:
    """Return the names of the attributes that are meant, by class."""
    targets = dict.fromkeys(a.target for a in figures.attributes)
    groups = (
        (figures.class_names[target], [a.name for a in figures.caught if a.target == target]) for target in targets
    )
    listed = "; ".join(f"towards {name}: {', '.join(names)}" for name, names in groups if names)
    return f"Marked below, {listed}."


def reasons(attribute: AttributeReport) -> str:
    """Return why an attribute is said to stand out in the surroundings."""
    texts = [
        f"“{other.who.name}”, which sees nothing but the outer {other.who.frame_only} px, {_moves(other.change)}"
        for other in attribute.others
        if other.follows
    ]
    if attribute.frame.exceeds_area:
        share, area = attribute.frame.value, attribute.frame.area
        texts.append(
            f"{percent(share)} of what changes lies in the outer frame, which is {percent(area)} of the picture"
        )
    return "; ".join(texts)


def _moves(change: Change) -> str:
    """Say how a network that follows moves: along with the classifier, or not always in its direction."""
    if change.mean >= FOLLOW_THRESHOLD:
        return f"goes along by {signed(change.mean)}"
    return f"moves by {amount(change.absolute)} ({signed(change.mean)} on average)"


def mark(attribute: AttributeReport) -> str:
    """Return the mark beside an attribute's name; "" if there is none."""
    if not attribute.stands_out:
        return ""
    text = "changes the surroundings" if attribute.surroundings else "seen in the frame alone"
    return text + ("" if attribute.moves_verdict else ", hardly moves the verdict")


def not_proved(figures: ExplainerReport) -> str:
    """Return what the absence of such attributes does not prove."""
    witnesses = _witnesses(figures.others)
    watched = (
        f"{witnesses} and the place of the change were asked"
        if witnesses
        else "only the place of the change could be asked: the file holds no network that sees the surroundings alone "
        "(train-classifier --frame-only makes one, add-classifier puts it in)"
    )
    return (
        f"This does not prove that the classifier ignores them. Of the surroundings {watched}. A shortcut that lies on "
        "the subject (light, focus, a ruler), one that the generator cannot draw, or one beyond the attributes that "
        "are listed would not be seen here."
    )


def catching(caught: Sequence[ExplainerReport]) -> list[str]:
    """Return the paragraphs of "This is how you catch it"; `caught` are the explainers with such attributes."""
    paragraphs = [
        "A classifier should change its mind when the subject of the picture changes. Watch what the attributes draw "
        "instead: if the subject stays and the surroundings turn, the classifier has learned where and how the "
        "pictures were taken. On new pictures, taken elsewhere, it may be wrong without notice."
    ]
    for figures in caught:
        witnesses = [other for other in figures.caught[0].others if other.follows]
        if witnesses:
            witness, attribute = witnesses[0], figures.caught[0]
            right = witness.who.accuracy
            knows = "" if right is None else f", and alone it is right on {percent(right)} of test pictures"
            paragraphs.append(
                f"The witness is “{witness.who.name}”. It sees nothing but the outer {witness.who.frame_only} px of a "
                f"picture, where there is little of the subject{knows}. With {attribute.name}, which moves the "
                f"classifier of {figures.name} by {signed(attribute.change.mean)}, it {_moves(witness.change)}. "
                "Whatever this attribute draws, it is to be seen in the surroundings alone."
            )
    return paragraphs


def method(explainers: Sequence[ExplainerReport]) -> list[str]:
    """Return how the figures were measured, for the end of the page."""
    counts = ", ".join(f"{e.measured} of {e.stored} ({e.name})" for e in explainers)
    return [
        "Pictures: those of the file, encoded or generated, as its generator renders them; no photographs. "
        f"Measured on {counts}, spread evenly. Each attribute is moved to kappa 1, the observed end, on those that "
        "the classifier does not yet call the target (n of them). Shown are some of them, spread evenly, with "
        "P(target) below each; bold: the verdict became the target. Values in brackets are 95 % intervals over "
        "pictures.",
        "Where it changes: mean |difference| over pictures and colour channels, where 1 is from black to white; each "
        "map has its own scale. The dashed line bounds the outer frame, "
        f"{FRAME * 64:.0f}/64 of a side wide.",
        "An attribute “changes the surroundings” if surely more of the change lies in the frame than its area "
        "explains. It is “seen in the frame alone” if a network that sees nothing else moves by "
        f"{FOLLOW_THRESHOLD:g} or more on average. Either way it “stands out in the surroundings”. It “moves the "
        f"verdict” if P(target) moves by {VERDICT_THRESHOLD:g} or more on average. Attributes are taken one at a time; "
        "their numbers and effects in logits are those of the search that found them, names and order those of the "
        "file, or of the window that wrote this page.",
    ]


def signed(value: float, digits: int = 2) -> str:
    """Format a change with its sign; a dash for nan."""
    if math.isnan(value):
        return "–"
    return signed_text(value, digits)


def amount(value: float) -> str:
    """Format a change without its sign; a dash for nan."""
    return "–" if math.isnan(value) else f"{value:.2f}"


def percent(value: float) -> str:
    """Format a share in whole percent."""
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Format the interval of a change in brackets; "" if it is unknown."""
    if math.isnan(low):
        return ""
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def _witnesses(others: Sequence[OtherClassifier]) -> str:
    return ", ".join(o.name for o in others if o.frame_only)
