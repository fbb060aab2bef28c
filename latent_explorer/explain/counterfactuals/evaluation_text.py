# SPDX-License-Identifier: MIT
"""The table of `evaluate --counterfactuals`: a column for each kind, controls beneath the flips, 95 % intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from latent_explorer.common.statistics import Mean
    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.alignment import Matrix
    from latent_explorer.explain.counterfactuals.composition import Composition
    from latent_explorer.explain.counterfactuals.records import CounterfactualFigures, Frechet, Probe

    Row = tuple[str, Callable[[CounterfactualFigures], str]]

TITLES = {"copy": "of the model's copy", "photo": "of the photograph"}
CONTROLS = {
    "pasted": "control: the copy, unedited, in its place",
    "random": "control: random edits of the same size",
    "noise": "control: noise of the same strength",
    "weights": "control: what the told class moves most",
}
_NAME_WIDTH, _WIDTH = 46, 24


def table(found: Sequence[CounterfactualFigures], k: int, kappa: float) -> str:
    """Return the figures of several kinds for people; "-" where a figure was not measured."""
    lines = [f"Counterfactuals by the first {k} attributes towards the runner-up, kappa {kappa:g}"]
    lines.append(_line("", [TITLES[each.kind] for each in found]))
    lines += [_line(name, [cell(each) for each in found]) for name, cell in _rows(found)]
    return "\n".join(lines)


def composition_text(found: Sequence[Composition]) -> str:
    """Return what null edits make of pictures, one line for each number of cycles."""
    return "\n".join(
        _line(f"{each.cycles} null edits: L1, {each.distance_name}", [_mean(each.l1), _mean(each.distance)])
        for each in found
    )


def alignment_text(matrix: Matrix, names: Mapping[str, str]) -> str:
    """Return the matrix of relative changes: a row for each classifier whose list made the edits."""
    titles = {key: f"{names[key]} {key[:4]}" for key in matrix}
    lines = [_line("relative change when edited for", list(titles.values()))]
    lines += [_line(titles[key], [_number(value) for value in row.values()]) for key, row in matrix.items()]
    return "\n".join(lines)


def _rows(found: Sequence[CounterfactualFigures]) -> list[Row]:
    first = found[0]
    return [
        ("pictures", lambda f: str(f.n)),
        ("flips (FR)", lambda f: _rate(f.flips)),
        *((f"  of {name}", lambda f, name=name: _rate(f.flips_of[name])) for name in first.flips_of),
        *(
            (f"  {words if part == 'all' else '  of ' + part}", lambda f, k=key, p=part: _rate(_control(f, k, p)))
            for key, words in CONTROLS.items()
            if any(key in each.controls for each in found)
            for part in ("all", *first.flips_of)
        ),
        *(row for name in first.others for row in _other_rows(name)),
        ("COUT", lambda f: _mean(f.cout)),
        *((f"  of {name}", lambda f, name=name: _mean(f.cout_of[name])) for name in first.cout_of),
        ("  control: pixels in random order", lambda f: _mean(f.cout_random)),
        ("1 - p(target) (BKL)", lambda f: _mean(f.bkl)),
        *_frechet_rows("Frechet, classifier's features", "  between halves", lambda f: f.frechet),
        *(_frechet_rows("FID", "  sFID", lambda f: f.fid) if any(each.fid for each in found) else ()),
        ("L1", lambda f: _mean(f.l1)),
        (first.distance_name, lambda f: _mean(f.distance)),
        (f"similarity, {first.distance_name}'s features", lambda f: _mean(f.similarity)),
        *(_identity_rows() if any(each.identity for each in found) else ()),
        ("sparsity, inside against outside", lambda f: _number(f.sparsity)),
        ("  share of the change inside", lambda f: _number(f.inside)),
        ("diversity of two", lambda f: _number(f.diversity)),
        ("  their distance (sigma_L)", lambda f: _mean(f.sigma_l)),
        ("minimality", lambda f: _number(f.minimality)),
        (f"attributes changed (MNAC of {len(first.oracles)})", lambda f: _number(f.changed_attributes)),
        ("correlation difference (CD)", lambda f: _number(f.correlation_difference)),
        *(row for kind in ("oracles", "unrelated") for name in getattr(first, kind) for row in _probe_rows(kind, name)),
        ("counterfactuals a second", lambda f: _number(f.per_second)),
    ]


def _other_rows(name: str) -> list[Row]:
    return [
        (f"{name}: same verdict before", lambda f: _rate(f.others[name].agreement)),
        ("  flips for both (NAFR)", lambda f: _rate(f.others[name].confirmed)),
        ("  of the flips (NA rate)", lambda f: _rate(f.others[name].of_flips)),
        ("  relative change", lambda f: _number(f.others[name].relative_change)),
    ]


def _frechet_rows(name: str, halves: str, of: Callable[[CounterfactualFigures], Frechet | None]) -> list[Row]:
    def cell(found: CounterfactualFigures, part: str) -> str:
        frechet = of(found)
        return _number(None if frechet is None else getattr(frechet, part))

    return [
        (name, lambda f: cell(f, "distance")),
        (halves, lambda f: cell(f, "between_halves")),
        ("  control: photos on both sides", lambda f: cell(f, "photos")),
    ]


def _identity_rows() -> list[Row]:
    return [
        ("similarity of persons (FS)", lambda f: _mean(f.identity.similarity) if f.identity else "-"),
        ("  control: the copy, unedited", lambda f: _mean(f.identity.unedited) if f.identity else "-"),
        ("  above 0.5 (FVA)", lambda f: _rate(f.identity.same if f.identity else None)),
    ]


def _probe_rows(kind: str, name: str) -> list[Row]:
    def cell(found: CounterfactualFigures, text: Callable[[Probe], str]) -> str:
        probe = getattr(found, kind).get(name)
        return "-" if probe is None else text(probe)

    return [
        (f"  a network that learned {name} turns", lambda f: cell(f, lambda p: _rate(p.changed))),
        ("    control: random edits of the same size", lambda f: cell(f, lambda p: _rate(p.random))),
        ("    it is right; the commoner answer", lambda f: cell(f, lambda p: f"{p.accuracy:.3f}; {p.majority:.3f}")),
    ]


def _control(found: CounterfactualFigures, key: str, part: str) -> Rate | None:
    return found.controls[key][part] if key in found.controls else None


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:<{_NAME_WIDTH}}" + "".join(f"  {cell:<{_WIDTH}}" for cell in cells).rstrip()


def _rate(rate: Rate | None) -> str:
    if rate is None or not rate.n:
        return "-"
    low, high = rate.interval
    return f"{rate.share:.3f} [{low:.3f}, {high:.3f}]"


def _mean(mean: Mean) -> str:
    if not mean.n:
        return "-"
    low, high = mean.interval
    return f"{mean.value:.3f}" if math.isnan(low) else f"{mean.value:.3f} [{low:.3f}, {high:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
