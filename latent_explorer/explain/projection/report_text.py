# SPDX-License-Identifier: MIT
"""Texts about a projection's report: verdict, cautions and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latent_explorer.common.glossary import TERMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.projected import ProjectionReport

SPACES = {"w": "W", "w+": "W+", "s": "style space"}
STARTS = {
    "auto": "automatic",
    "encoder": "the encoder",
    "mean": "the average latent",
    "random": "a random latent",
    "nearest": "the nearest random picture",
    "average": "the average of the nearest random pictures",
}

IN_DOMAIN = "The photo is like the pictures that this generator makes."
OUTSIDE_DOMAIN = "The photo is outside this generator's domain: what is found in it means little."

DETAIL_LIMIT = 0.75  # of what stands out; less is called lost
LEAST_AREA = 0.01  # of where the classifier looks; less does not stand out


@dataclass(frozen=True)
class ReportFigure:
    """Number of the report: name, value with its unit, and meaning."""

    name: str
    value: str
    meaning: str


def has_photo(report: ProjectionReport) -> bool:
    """Return True if a photo was projected; a latent from a file of numbers has none."""
    return bool(report.optimised)


def verdict(report: ProjectionReport) -> tuple[str, str]:
    """Return (severity, sentence) on whether the classifier gives photo and reconstruction the same class."""
    names, photo, made = report.class_names, report.probs_target, report.probs_reconstruction
    if not has_photo(report):
        return "note", f"No photo: the classifier says {top(names, made)} of this latent."
    if report.agreement:
        return "good", (
            f"The classifier says {top(names, photo)} of the photo and {top(names, made)} of its reconstruction: "
            "the same class."
        )
    return "warning", (
        f"The reconstruction changes the class: the classifier says {top(names, photo)} of the photo, "
        f"{top(names, made)} of its reconstruction. What explains the one does not explain the other."
    )


@dataclass(frozen=True)
class Check:
    """One of the three questions to a projection: is the class kept, is detail kept, is the photo in the domain?

    severity   "good", "warning" where it fails, "note" where it is not known. While one of the three fails or is not
               known, no other is "good": a tick stands for all of them.
    """

    name: Literal["class", "detail", "domain"]
    passed: bool | None  # None: not known
    severity: Literal["good", "warning", "note"]
    text: str


def checks(report: ProjectionReport) -> list[Check]:
    """Return the three checks of a projected photo; empty for a latent from a file of numbers."""
    if not has_photo(report):
        return []
    found: list[tuple[Literal["class", "detail", "domain"], bool | None, str]] = [
        ("class", *_class_check(report)),
        ("detail", *_detail_check(report)),
        ("domain", report.in_domain, IN_DOMAIN if report.in_domain else OUTSIDE_DOMAIN),
    ]
    passed: Literal["good", "note"] = "good" if all(result for _name, result, _text in found) else "note"
    return [Check(name, result, "warning" if result is False else passed, text) for name, result, text in found]


def _class_check(report: ProjectionReport) -> tuple[bool | None, str]:
    """Return whether the class is kept where the classifier's word took no part in the search."""
    names, unasked = report.class_names, report.probs_unasked
    _severity, sentence = verdict(report)
    if not report.agreement:
        return False, sentence
    if not unasked:
        return None, f"{sentence} That is no check: the classifier's word took part in the search{_how(report)}."
    alone = f"Searched for without the classifier's word it is {top(names, unasked)}"
    if _best(unasked) != _best(report.probs_target):
        return False, f"{sentence} But only because the search was told: {alone[0].lower()}{alone[1:]}."
    return True, sentence if unasked == report.probs_reconstruction else f"{sentence} {alone}, too."


def _how(report: ProjectionReport) -> str:
    lpips = report.optimised.startswith("LPIPS")
    return "" if lpips else ", which without LPIPS's weights compares pictures by what the classifier sees of them"


def _detail_check(report: ProjectionReport) -> tuple[bool | None, str]:
    kept = report.detail_kept
    if kept is None:
        return None, "Detail: not measured."
    if report.detail_area < LEAST_AREA:
        return True, "No colour stands out in the photo that could be lost."
    if kept < DETAIL_LIMIT:
        return False, (
            f"Detail is lost: of the spots and colours that stand out in the photo the reconstruction shows "
            f"{100 * kept:.0f} %. What explains it says nothing about the rest."
        )
    return True, f"Detail is kept: {100 * kept:.0f} % of the spots and colours that stand out in the photo."


def cautions(report: ProjectionReport) -> list[str]:
    """Return the reasons to take the projection with care, one sentence each; empty when there are none."""
    return [check.text for check in checks(report) if check.passed is False] + further_cautions(report)


def further_cautions(report: ProjectionReport) -> list[str]:
    """Return the reasons that are not among the checks."""
    sentences = []
    if full := full_size_sentence(report):
        sentences.append(full)
    if report.cond_assumed:
        sentences.append(
            "The file names no class probabilities (cond), so the generator was given equal ones: the picture may "
            "differ from the one that the latent was found for."
        )
    if report.tuned:
        sentences.append(
            "The generator was tuned to this photo: the ranges and effects of the attributes are approximate."
        )
    return sentences


def domain_sentence(report: ProjectionReport) -> str:
    """Return the reason for the verdict on the domain; empty where the photo is inside."""
    reason = "" if report.in_domain else report.domain_reason
    return reason and f"Outside the domain, because {reason.rstrip('.')}."


def full_size_sentence(report: ProjectionReport) -> str:
    """Return a sentence where the classifier gives the full-size photo another class; else empty."""
    full = report.probs_photo
    if not full or _best(full) == _best(report.probs_target):
        return ""
    names = report.class_names
    return (
        f"At its own size the photo is {top(names, full)} to the classifier, "
        f"brought to the generator's size it is {top(names, report.probs_target)}."
    )


def figures(report: ProjectionReport) -> list[ReportFigure]:
    """Return the numbers of the report, the most important first."""
    distance = ReportFigure(
        "From the average",
        f"{report.w_distance:.2f} std",
        "How far the latent lies from the average one, in standard deviations of the generator's latents. "
        "Pictures that it learned from lie around 1.",
    )
    if not has_photo(report):
        return [distance]
    net = report.lpips_net.removeprefix("LPIPS").strip(" ()")
    lpips = report.lpips_net.startswith("LPIPS")
    return [
        ReportFigure(
            f"LPIPS ({net})" if lpips else report.lpips_net.capitalize(),
            f"{report.lpips:.3f}",
            TERMS["lpips"].definition
            if lpips
            else "How different photo and reconstruction look to a network: 0 is the same, lower is nearer. Not LPIPS: "
            "its weights are not on this machine.",
        ),
        ReportFigure("PSNR", f"{report.psnr:.1f} dB", TERMS["psnr"].definition),
        ReportFigure(
            "|p \N{MINUS SIGN} p\N{PRIME}|",
            f"{report.probability_difference:.2f}",
            "How much the probability of the photo's class differs between photo and reconstruction.",
        ),
        distance,
    ]


def summary(report: ProjectionReport) -> str:
    """Return the figures in one line."""
    if not has_photo(report):
        return verdict(report)[1]
    return ", ".join(f"{figure.name} {figure.value}" for figure in figures(report))


def method_summary(report: ProjectionReport) -> str:
    """Return how the projection was made, and whether the classifier was part of the loss."""
    if not has_photo(report):
        return "From a file of numbers."
    tuned = ", then tuned" if report.tuned else ""
    steps = "1 step" if report.steps == 1 else f"{report.steps} steps"
    space = SPACES[report.space]
    text = f"{space[0].upper()}{space[1:]}, from {STARTS[report.start]}, {steps}{tuned}, {report.seconds:.0f} s."
    if report.settings.verdict:
        text += " The classifier was part of the search."
    return text


def top(names: Sequence[str], probs: Sequence[float]) -> str:
    """Return the most probable class: "healthy (0.97)"."""
    best = _best(probs)
    name = names[best] if best < len(names) else str(best)
    return f"{name} ({probs[best]:.2f})"


def _best(probs: Sequence[float]) -> int:
    return max(range(len(probs)), key=lambda i: probs[i])
