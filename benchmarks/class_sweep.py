# SPDX-License-Identifier: MIT
"""How pictures move along a class sweep, and how requested amounts are met, on test leaves, beside random moves.

Method. Directions are found with the encoded pictures in the file, guided by the classifier with the default settings,
and with the loss "amount" at two lengths. What moves the pictures are these, and the attributes in the file, all
together. They move encoded test leaves, which nothing here has seen: for a sweep leaves of other classes, evenly
spaced, at alpha 0 to 0.95 in steps of 0.05; for amounts leaves of every class, by each of -0.5, -0.25, -0.1, 0.1, 0.25
and 0.5 that stays within 0 and 1. Controls: a random direction of the same length (or as many other styles moved as
far) for each sweep, three for the amounts, and leaves that do not move.

    python benchmarks/class_sweep.py [--explainer X] [--data DATA] [--where crop=...] [--out F.json]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from find_directions import DATA, test_context

from latent_explorer.app import library
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.picture_requests import opening_state
from latent_explorer.app.export.scene import export_context
from latent_explorer.app.sweep.job import sweep_pictures
from latent_explorer.app.sweep.plan import ClassSweep, attributes_sweep, control_edits, direction_sweep
from latent_explorer.common.jobs import run_job
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.explain.direction_search.amount import amount_figures
from latent_explorer.explain.direction_search.check import random_like
from latent_explorer.explain.direction_search.context import probabilities_of
from latent_explorer.explain.direction_search.search import find_directions
from latent_explorer.explain.direction_search.settings import GuidedSettings, SearchSettings
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.models.explainer_file import read_explainer

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.app.export.scene import ExportContext
    from latent_explorer.common.events import Event
    from latent_explorer.explain.direction_search.context import SearchContext
    from latent_explorer.explain.direction_search.settings import FoundDirection
    from latent_explorer.models.explainer import Explainer

LENGTHS = (3.0, 6.0)  # standard deviations at the end
CONTROLS = 3


def found(model: Explainer, target: int, guided: GuidedSettings) -> FoundDirection:
    """Return the direction guided to a class."""
    settings = SearchSettings("guided", target=target, controls=0, held_out=0, guided=guided)
    (direction,) = run_job(find_directions(model, settings))
    return direction


def amounts(context: SearchContext, direction: FoundDirection) -> dict[str, float]:
    """Return how requested amounts are met on all test leaves."""
    num_ws, rng = context.model.generator.num_ws, np.random.default_rng(0)
    target, leaves = direction.target, context.held_out
    assert target is not None
    per_alpha = direction.figures["length_sd"]  # standard deviations for a change of 1

    def shift(each: Any) -> np.ndarray:
        moved: np.ndarray = per_alpha * each.shift(num_ws)
        return moved

    def probs_of(rows: np.ndarray, alphas: np.ndarray, moved: np.ndarray) -> Generator[Event, None, np.ndarray]:
        by = alphas.astype(np.float32)[:, None, None]
        parts = yield from context.sizer.run(
            lambda part: context.logits_of(leaves[rows[part]], by[part] * moved), len(rows), ""
        )
        return probabilities_of(np.concatenate(parts), target)

    controls = [shift(random_like(direction.direction, rng)) for _ in range(CONTROLS)]
    before = context.probabilities(leaves, target)
    return run_job(amount_figures(before, shift(direction.direction), controls, probs_of))


def swept(sweep: ClassSweep, context: ExportContext, host: ModelHost) -> dict[str, Any]:
    """Return the figures of a sweep and of a random one as far."""
    rng = np.random.default_rng(1)
    random = msgspec.structs.replace(sweep, edits=control_edits(sweep.edits, context.summary, rng))
    row: dict[str, Any] = {}
    for name, each in (("", sweep), ("random_", random)):
        figures = run_job(sweep_pictures(each, context, host)).figures()
        count = len(each.bases)
        row |= {f"{name}{key}": value for key, value in figures.items()}
        for key in ("flipped", "rising"):
            row[f"{name}{key}_interval"] = wilson_interval(round(figures[key] * count), count)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explainer", type=Path, default=library.bundled_explainer())
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--where", action="append", default=None)
    parser.add_argument("--leaves", type=int, default=300, help="of the test, evenly spaced")
    parser.add_argument("--count", type=int, default=60, help="leaves of other classes that are swept, at most")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = read_explainer(options.explainer)
    test = test_context(model, options.data, options.where or ["crop=apple,bell pepper,strawberry"], options.leaves)
    of_test = replace(model, samples=test.model.samples)
    host = ModelHost(read=lambda _path: of_test, identify=lambda _path: of_test.model_hash)
    summary = host.open(Path("test"), "cpu").summary
    context = export_context(opening_state(summary), summary)
    results: dict[str, Any] = {}

    def note(name: str, row: dict[str, Any]) -> None:
        results[name] = row
        shown = {key: np.round(value, 3).tolist() for key, value in row.items()}
        if options.out:
            options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(f"{name}: {shown}", flush=True)

    for target, name in enumerate(test.class_names):
        for length in LENGTHS:
            guided = found(model, target, GuidedSettings(loss="amount", length=length))
            row = {"length_sd": guided.figures["length_sd"], **amounts(test, guided)}
            note(f"amount to {name}, {length:g} sd", {"leaves": len(test.held_out), **row})
        others = test.held_out[test.verdicts != target]
        chosen = others[np.linspace(0, len(others) - 1, min(options.count, len(others))).round().astype(int)]
        bases = [SampleBase(int(row)) for row in chosen]
        guided = found(model, target, GuidedSettings())
        sweeps = [direction_sweep(target, guided.direction, bases, length) for length in LENGTHS]
        together = attributes_sweep(target, Document(), summary, context.state, bases)
        for sweep in [*sweeps, *([together] if together is not None else [])]:
            length = f", {sweep.edits[0].amount:g} sd" if sweep is not together else ""
            note(f"sweep to {name} by {sweep.name}{length}", {"leaves": len(bases), **swept(sweep, context, host)})


if __name__ == "__main__":
    main()
