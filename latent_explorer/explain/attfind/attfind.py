# SPDX-License-Identifier: MIT
"""AttFind as a job: the effects of all style coordinates on pictures of the file, then the ranked attributes.

The "notebook" procedure of the StylEx authors (reference, section A.3), on a table of which the race renders only what
can change the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice
from latent_explorer.explain.attfind.effects import SingleMoves, effect_table, reconstruct
from latent_explorer.explain.attfind.greedy import (
    UNSTABLE_EFFECT,
    UNSTABLE_SHARE,
    Lists,
    Pick,
    Procedure,
    Ranking,
    search_all,
    unstable_pictures,
    with_figures,
)
from latent_explorer.explain.attfind.phases import Phase, phase, rounds, with_lists
from latent_explorer.explain.attfind.race import EffectTable, Race
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.attfind.effects import Reconstructions
    from latent_explorer.explain.attfind.kept_moves import KeptMoves, MovesFile
    from latent_explorer.models.explainer import Explainer, Samples
    from latent_explorer.models.summary import StyleStats


class AttFindSettings(msgspec.Struct, frozen=True):
    """Settings of a search."""

    n: int = 250  # pictures of the explainer that are searched
    seed: int | None = None  # seed to draw them with; None: the first n
    kappa: float = 1.0  # share of the way to the observed end; the notebook's
    wanted: int = 10  # attributes for each target
    tau: float | None = None  # logits that explain a picture; None: the notebook's, by the number of classes
    procedure: Procedure = "notebook"  # which pictures count as explained, see `greedy_search`
    unstable_effect: float = UNSTABLE_EFFECT
    unstable_share: float = UNSTABLE_SHARE
    exhaustive: bool = False  # render every move; else those that the race finds to matter
    race_seed: int = 0  # of what the race draws at random
    both_ends: bool = False  # list a style twice that is chosen in both directions, as the notebook does


@dataclass(frozen=True)
class AttFindResult:
    """Attributes found by a search, with the figures they were chosen from.

    `ranked[t]` are the picks that raise class t, best first. With two classes both lists are the one merged list read
    in either direction. `rankings[t]` is the greedy search of target t before the merge.
    """

    attribute_set: AttributeSet
    ranked: dict[int, tuple[Pick, ...]]
    rankings: dict[int, Ranking]
    effects: np.ndarray  # (N, 2, S, K) logits: exact if rendered, else expected; unstable pictures are not zeroed here
    rendered: np.ndarray  # (N, 2, S) bool
    unstable: np.ndarray  # (N,) bool
    base_logits: np.ndarray  # (N, K) of the reconstructions
    minimum: np.ndarray  # (S,) the ends that the coordinates were moved to
    maximum: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Classes (N,) that the classifier gives the reconstructions."""
        classes: np.ndarray = self.base_logits.argmax(axis=1)
        return classes


def attfind(
    explainer: Explainer,
    settings: AttFindSettings = AttFindSettings(),  # noqa: B008  # frozen
    *,
    classifier_id: str | None = None,
    latents: Samples | None = None,
    ranges: StyleStats | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
    kept: KeptMoves | None = None,
) -> Generator[Event, None, AttFindResult]:
    """Find the style coordinates that move a classifier's logits. A job.

    Every few seconds of a race the result so far is Kept; its set has the setting `settled` False, and attributes whose
    figures rest on predictions are not `exact`.

    latents  pictures to search; the explainer's own samples unless given
    ranges   observed minimum and maximum of each style; those of the searched pictures unless given. The window and
             the command line pass the explainer's own, so a slider at 1 is at the end that the search used
    budget   seconds that the next step may last
    kept     where the rendered moves of a race are kept, also when it is stopped, and taken from by the next one
    """
    model = copy_to_device(explainer, device)
    key = classifier_id or model.classifier_id
    classifier, synthesis = model.classifiers[key], model.generator.synthesis
    ws, cond = latents_to_search(explainer, latents, settings.n, settings.seed, device)
    batch_sizer = BatchSizer(budget)
    classified = reconstruct(synthesis, classifier, ws, cond, batch_sizer)
    if not settings.exhaustive:
        classified = phase(classified, Phase.CLASSIFYING)
    pictures = yield from classified
    names = classifier.config.class_names
    counts = np.bincount(pictures.classes, minlength=len(names))
    yield Metric(0, {f"pictures of {name}": float(c) for name, c in zip(names, counts, strict=True)})
    style_range, source = observed_range(pictures, ranges, explainer.style_stats)
    kappa = settings.kappa
    moves = SingleMoves(synthesis, classifier, pictures, style_range, kappa, batch_sizer)
    base_logits, limits = pictures.logits.cpu().numpy(), style_range.cpu().numpy()
    if settings.exhaustive:
        effects = yield from effect_table(moves)
        result = analyse(effects, base_logits, limits, key, settings, source)
    else:
        known = kept.of(explainer.model_hash, key, ws, cond, style_range, kappa) if kept else None
        result = yield from _raced(moves, base_logits, limits, key, settings, source, known)
    yield from _short_list_notices(result, names)
    return result


def analyse(
    effects: np.ndarray,
    base_logits: np.ndarray,
    style_range: np.ndarray,
    classifier_id: str,
    settings: AttFindSettings,
    ranges: str,
    rendered: np.ndarray | None = None,
    unstable: np.ndarray | None = None,
) -> AttFindResult:
    """Search an effect table (N, 2, S, K) for the attributes of every class. `style_range` is (2, S).

    rendered  (N, 2, S) bool: which effects are exact; None: all
    unstable  (N,) bool; None: as the effects say
    """
    classes, num_classes = base_logits.argmax(axis=1), base_logits.shape[1]
    if unstable is None:
        unstable = unstable_pictures(effects, settings.unstable_effect, settings.unstable_share)
    stable = np.where(unstable[:, None, None, None], np.float32(0), effects)
    tau = _tau(settings, num_classes)
    lists = search_all(stable, classes, settings.wanted, tau, settings.both_ends, settings.procedure)
    ranked = {t: with_figures(picks, stable, classes) for t, picks in lists.ranked.items()}
    rankings = {t: replace(r, picks=with_figures(r.picks, stable, classes)) for t, r in lists.rankings.items()}
    if rendered is None:
        rendered = np.ones(effects.shape[:3], dtype=bool)
    attribute_set = AttributeSet(
        classifier_id=classifier_id,
        method=f"attfind-{settings.procedure}" + ("" if settings.exhaustive else "-raced"),
        n=len(effects),
        kappa=settings.kappa,
        ranges=ranges,
        attributes=tuple(
            attribute_of(pick, classes, exact=bool(rendered[classes != t, pick.direction, pick.style_index].all()))
            for t, picks in ranked.items()
            for pick in picks
        ),
        settings=_stored_settings(settings, tau, int(unstable.sum())),
    )
    return AttFindResult(
        attribute_set, ranked, rankings, effects, rendered, unstable, base_logits, style_range[0], style_range[1]
    )


def _raced(
    moves: SingleMoves,
    base_logits: np.ndarray,
    style_range: np.ndarray,
    classifier_id: str,
    settings: AttFindSettings,
    ranges: str,
    kept: MovesFile | None,
) -> Generator[Event, None, AttFindResult]:
    """Search a table that the race fills, with the result so far Kept every few seconds. A job within a job."""
    classes, num_classes = base_logits.argmax(axis=1), base_logits.shape[1]
    tau = _tau(settings, num_classes)

    def search(effects: np.ndarray) -> Lists:
        return search_all(effects, classes, settings.wanted, tau, settings.both_ends, settings.procedure)

    def result(settled: bool = False) -> AttFindResult:
        given = base_logits, style_range, classifier_id, settings, ranges, table.rendered.copy(), race.unstable
        return _with_counts(analyse(race.estimate(), *given), race, settled)

    def keep() -> None:
        if kept is not None:
            kept.write(*table.known())

    predicted = yield from phase(moves.predicted(), Phase.PREDICTING)
    table = EffectTable(predicted, moves.sizes == 0)
    if kept is not None:
        table.add(*kept.read(table.rendered.shape, num_classes))
    race = Race(
        table, classes, moves.exact, search, settings.unstable_effect, settings.unstable_share, settings.race_seed
    )
    try:
        yield from with_lists(phase(race.start(), Phase.LOOKING, "Trying every style on a few pictures"), result)
        keep()
        yield Kept(result())
        yield from with_lists(rounds(race), result)
        while (yield from phase(race.show(result().ranked), Phase.SHOWING, "Rendering what the list shows")):
            pass
    finally:
        keep()
    found = result(settled=True)
    text = (
        f"Rendered {table.count:,} of {table.rendered.size:,} moves, which settled the list: completed at random from "
        f"what was seen of the others, it is the same by {race.agreement:.0%}."
    )
    yield Notice(text)
    return found


def _with_counts(found: AttFindResult, race: Race, settled: bool) -> AttFindResult:
    """Return a race's result with what it rendered, and with intervals that count what it did not render."""
    counts = {
        "moves": race.table.rendered.size,
        "rendered_moves": race.table.count,
        "agreement": round(race.agreement, 3),
        "settled": settled,
    }
    picks = [pick for picks in found.ranked.values() for pick in picks]
    attributes = [
        a if a.exact else msgspec.structs.replace(a, interval=race.interval(pick))
        for a, pick in zip(found.attribute_set.attributes, picks, strict=True)
    ]
    with_counts = msgspec.structs.replace(
        found.attribute_set, attributes=tuple(attributes), settings=found.attribute_set.settings | counts
    )
    return replace(found, attribute_set=with_counts)


def _tau(settings: AttFindSettings, num_classes: int) -> float:
    return settings.tau if settings.tau is not None else _default_tau(num_classes)


def _default_tau(num_classes: int) -> float:
    """Return the threshold that the notebook of StylEx's authors uses."""
    return 1.0 if num_classes == 2 else 0.5


def _stored_settings(settings: AttFindSettings, tau: float, unstable: int) -> dict[str, float | int | str | bool]:
    """Return the settings that are stored with the attribute set."""
    stored: dict[str, float | int | str | bool] = {
        "tau": tau,
        "wanted": settings.wanted,
        "unstable_effect": settings.unstable_effect,
        "unstable_share": settings.unstable_share,
        "unstable_pictures": unstable,
    }
    if settings.seed is not None:
        stored["seed"] = settings.seed
    return stored


def latents_to_search(
    explainer: Explainer,
    latents: Samples | None,
    n: int,
    seed: int | None,
    device: str | torch.device,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return ws and cond of n pictures, the first or drawn by the seed, on the device.

    Of `latents` if they are given, else of the explainer's own. UserError if there are none.
    """
    samples = explainer.samples if latents is None else latents
    if samples is None or len(samples) == 0:
        raise UserError(f"{explainer.name} holds no pictures to search. Give pictures (--images) and an encoder.")
    rows = torch.arange(len(samples))
    if seed is not None:
        rows = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    rows = rows[:n].sort().values
    cond = samples.cond_of(rows)
    ws = samples.ws[rows].to(device).float()
    return ws, None if cond is None else cond.to(device).float()


def observed_range(
    pictures: Reconstructions, ranges: StyleStats | None, explainer_stats: StyleStats | None
) -> tuple[torch.Tensor, str]:
    """Return minimum and maximum of each style (2, S), and a description of their source."""
    if ranges is None:
        source = f"minimum and maximum over the {len(pictures)} pictures"
        return torch.stack([pictures.s.amin(dim=0), pictures.s.amax(dim=0)]), source
    style_range = np.stack([ranges.minimum, ranges.maximum])
    source = "the file's minimum and maximum" if ranges is explainer_stats else "given"
    return torch.as_tensor(style_range, dtype=torch.float32, device=pictures.s.device), source


def attribute_of(pick: Pick, classes: np.ndarray, *, exact: bool = True) -> Attribute:
    """Return a pick as an attribute. Its effect has no interval with fewer than two pictures of other classes.

    classes  (N,) of the unmoved pictures
    """
    return Attribute(
        name="",
        target=pick.target,
        entries=(AttributeEntry(pick.style_index, pick.end),),
        mean_effect=pick.mean_effect,
        interval=pick.interval if (classes != pick.target).sum() > 1 else None,
        round=pick.round,
        exact=exact,
    )


def _short_list_notices(result: AttFindResult, names: Sequence[str]) -> Iterator[Notice]:
    """Yield a notice for every class whose list is shorter than requested, or one that no picture can be used."""
    if result.unstable.all():
        settings = result.attribute_set.settings
        text = (
            f"No attributes: every picture is unstable (more than {settings['unstable_share']:.1%} of its moves change "
            f"a logit by more than {settings['unstable_effect']:g}). A smaller kappa moves less."
        )
        yield Notice(text, "warning")
        return
    for name, (target, ranking) in zip(names, result.rankings.items(), strict=True):
        if ranking.stop == "no pictures" and result.ranked[target]:
            text = f"Every picture is {name} already: its list is that of the other class reversed, and has no effects."
            yield Notice(text, "warning")
        elif ranking.stop == "no pictures":
            yield Notice(f"No attributes towards {name}: every picture is of that class already.", "warning")
        elif ranking.stop == "all explained":
            text = f"{len(ranking.picks)} attributes towards {name}: each picture is explained by one of them."
            yield Notice(text)
        elif ranking.stop != "complete":
            text = f"Only {len(ranking.picks)} attributes towards {name}: no other coordinate raises it."
            yield Notice(text, "warning")
