# SPDX-License-Identifier: MIT
"""Share of "Turn the verdict" offers that turn, how many attributes they need, and their time.

Method. Test leaves that the explainer never saw (300, evenly spaced) are encoded; each reconstruction is asked which of
the listed attributes turn its verdict to the other class, by the search of the window (`turning_sets`). Every set that
is offered is then rendered as the canvas renders it, one picture at a time, and counted as turning if the classifier's
verdict is the other class. For comparison, the same leaves with the set that mean effects alone would have chosen (the
fewest attributes whose mean effects add up to what is missing), rendered the same way. The time of an offer, with the
exact renders of all its sets, is divided by that of one bare render of the leaf with each attribute alone (ten pictures
in the same batches), measured directly before. With --exhaustive N, the first N leaves are also rendered with every set
of attributes that is shorter than the one offered, to see how often a shorter one was missed.

    python benchmarks/turn_verdict.py [--explainer X] [--data DATA] [--leaves 300] [--exhaustive 0] [selection]
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.api.explainer import Explainer
from latent_explorer.app import library
from latent_explorer.app.exploration import turning_requests
from latent_explorer.app.exploration.document import Document, shown_attributes
from latent_explorer.app.exploration.picture_requests import opening_state, resolve
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.explain.counterfactuals import turning_sets
from latent_explorer.explain.latents import Latent
from latent_explorer.explain.recipe import ProjectedBase
from latent_explorer.explain.render.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "leaves-segmented-64"
SELECTION = {"label": "healthy", "classes": "0=diseased,1=healthy", "group": "group"}


@dataclass
class Result:
    """What was found for one leaf."""

    target: int
    lengths: list[int]  # of the sets offered
    turned: list[bool]  # each of them
    by_means: bool  # the set chosen by mean effects turns
    ratio: float
    shorter: bool = False  # an exhaustive search found a shorter set
    rendered: int = 0  # pictures


class Leaf:
    """One encoded leaf in the renderer."""

    def __init__(self, renderer: Renderer, summary: ExplainerSummary, state: ExplorerState) -> None:
        self.renderer, self.summary = renderer, summary
        before = renderer.render(resolve(state, summary)).after
        self.state = msgspec.structs.replace(state, target_class=1 - int(before.logits.argmax()))
        self.margin = float(turning_sets.margins(before.logits[None], self.state.target_class)[0])
        self.listed = shown_attributes(Document(), summary, self.state)
        self.rendered = 0

    def turns(self, attributes: Sequence[Attribute]) -> bool:
        """Render the leaf with these attributes at 1, as the canvas does."""
        request = turning_requests.offer_requests(self.state, self.summary, [tuple(attributes)])[0]
        self.rendered += 1
        return int(self.renderer.render(request).after.logits.argmax()) == self.state.target_class

    def margins(self, sets: Sequence[tuple[Attribute, ...]]) -> np.ndarray:
        """Render sets in batches; return their margins."""
        self.rendered += len(sets)
        requests = turning_requests.trial_requests(self.state, self.summary, sets)
        logits = np.concatenate([self.renderer.logits(request) for request in requests])
        return turning_sets.margins(logits, self.state.target_class)

    def offers(self) -> list[tuple[Attribute, ...]]:
        """Run the search of the window."""
        search = turning_sets.search(turning_requests.candidates(self.listed, self.state), self.margin)
        sets = next(search)
        while True:
            try:
                sets = search.send(self.margins(sets))
            except StopIteration as stop:
                return list(stop.value)

    def set_by_means(self) -> tuple[Attribute, ...]:
        """Return the fewest attributes whose mean effects add up to what is missing: two logits move by each."""
        ranked = sorted(self.listed, key=lambda a: -a.mean_effect)
        sums = np.cumsum([2 * a.mean_effect for a in ranked])
        return tuple(ranked[: int((sums < -self.margin + 0.1).sum()) + 1])

    def seconds_of_batch(self) -> float:
        """Return the seconds of one bare render of the leaf with each listed attribute alone, in the same batches."""
        requests = turning_requests.trial_requests(self.state, self.summary, [(a,) for a in self.listed])
        began = time.perf_counter()
        for request in requests:
            self.renderer.logits(request)
        return time.perf_counter() - began


def measure(leaf: Leaf, exhaustive: bool) -> Result:
    """Ask about one leaf."""
    batch = leaf.seconds_of_batch()
    began = time.perf_counter()
    offers = leaf.offers()
    turned = [leaf.turns(offer) for offer in offers]
    result = Result(
        target=leaf.state.target_class,
        lengths=[len(offer) for offer in offers],
        turned=turned,
        ratio=(time.perf_counter() - began) / batch,
        rendered=leaf.rendered,
        by_means=leaf.turns(leaf.set_by_means()),
    )
    if exhaustive:
        longest = result.lengths[0] - 1 if offers else len(leaf.listed)
        sets = [s for n in range(1, longest + 1) for s in combinations(leaf.listed, n)]
        result.shorter = bool(sets) and bool((leaf.margins(sets) > turning_sets.SAFE_MARGIN).any())
    return result


def table(results: Sequence[Result], names: Sequence[str], exhaustive: int) -> str:
    """Return the figures of each direction as a Markdown table."""
    lines = [
        "| towards | leaves | with an offer | offers that turn | by mean effects alone | attributes: 1, 2, 3, more "
        "| two or three variants | pictures | time / ten bare renders |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for target, name in [*enumerate(names), (None, "all")]:
        part = [r for r in results if target in (None, r.target)]
        if not part:
            continue
        turned = [t for r in part for t in r.turned]
        first = [r.lengths[0] for r in part if r.lengths]
        counts = ", ".join(str(sum(n == k for n in first)) for k in (1, 2, 3)) + f", {sum(n > 3 for n in first)}"
        ratios = [r.ratio for r in part]
        lines.append(
            f"| {name} | {len(part)} | {len(first) / len(part):.3f} | {np.mean(turned):.3f} of {len(turned)} "
            f"| {np.mean([r.by_means for r in part]):.3f} | {counts} "
            f"| {np.mean([len(r.lengths) > 1 for r in part]):.3f} | {np.mean([r.rendered for r in part]):.1f} "
            f"| {statistics.median(ratios):.1f} ({np.quantile(ratios, 0.95):.1f} at the 95th percentile) |"
        )
    if exhaustive:
        missed = sum(r.shorter for r in results[:exhaustive])
        lines.append(f"\nOf the first {min(exhaustive, len(results))} leaves, {missed} have a shorter set.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--explainer", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--where", default="")
    parser.add_argument("--leaves", type=int, default=300)
    parser.add_argument("--exhaustive", type=int, default=0)
    options = parser.parse_args()
    explainer = Explainer(options.explainer or library.bundled_explainer("leaf-health"), device="cpu")
    summary, renderer = explainer.summary, Renderer(explainer.model, "cpu")
    selection = {**SELECTION, **({"where": (options.where,)} if options.where else {})}
    with closing(open_dataset(options.data, **selection)) as pictures:
        rows = evenly_spaced_rows(pictures.indices("test"), options.leaves)
        latents = explainer.encode(pictures.read(rows, summary.resolution))
    state = opening_state(summary)
    results = []
    for i, each in enumerate(latents):
        cond = None if each.cond is None else torch.from_numpy(each.cond)
        renderer.add_latent(f"{i:032x}", Latent(torch.from_numpy(each.ws), cond))
        shown = msgspec.structs.replace(state, base=ProjectedBase(f"{i:032x}"))
        results.append(measure(Leaf(renderer, summary, shown), i < options.exhaustive))
    print(table(results, explainer.class_names, options.exhaustive))


if __name__ == "__main__":
    main()
