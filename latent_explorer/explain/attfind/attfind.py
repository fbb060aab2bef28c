# SPDX-License-Identifier: MIT
"""AttFind as a job: the effects of all style coordinates on pictures of the file, then the ranked attributes.

The "notebook" procedure of the StylEx authors (reference, section A.3), on a table of which the race renders only what
can change the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice
from latent_explorer.common.jobs import without_progress
from latent_explorer.explain.attfind.effects import SingleMoves, effect_table, reconstruct
from latent_explorer.explain.attfind.greedy import Lists, search_all, unstable_pictures, with_figures
from latent_explorer.explain.attfind.phases import Phase, phase, rounds, with_lists
from latent_explorer.explain.attfind.race import EffectTable, Race
from latent_explorer.explain.attfind.realism import RealismCheck
from latent_explorer.explain.attfind.result import AttFindResult, Subject, attribute_of, short_list_notices
from latent_explorer.explain.attfind.searched import latents_to_search, observed_range, percentile_range
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.models.attributes import AttributeSet
from latent_explorer.models.processes import SINGLE_PROCESS

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.attfind.kept_moves import KeptMoves, MovesFile
    from latent_explorer.models.explainer import Explainer, Samples
    from latent_explorer.models.processes import World
    from latent_explorer.models.summary import StyleStats


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
    world: World = SINGLE_PROCESS,
) -> Generator[Event, None, AttFindResult]:
    """Find the style coordinates that move a classifier's answers. A job.

    Every few seconds of a race the result so far is Kept; its set has the setting `settled` False, and attributes whose
    figures rest on predictions are not `exact`. UserError if there are no pictures, of a pair's classes at least.

    latents  pictures to search; the explainer's own samples unless given
    ranges   observed minimum and maximum of each style; those of the searched pictures unless given. The window and
             the command line pass the explainer's own, so a slider at 1 is at the end that the search used. Attributes
             found with percentiles, and those of toRGB, carry their ends along
    budget   seconds that the next step may last
    kept     where what was rendered is kept, also when the search is stopped, and taken from by the next one
    world    processes that share the work; each calls this with the same arguments, and gets the same result
    """
    model, question = copy_to_device(explainer, device), settings.question
    key = classifier_id or model.classifier_id
    classifier, synthesis = model.classifiers[key], model.generator.synthesis
    names = classifier.config.class_names
    question.check(names)
    ws, cond = latents_to_search(explainer, latents, settings.n, settings.seed, device)
    batch_sizer = BatchSizer(budget)
    classified = reconstruct(synthesis, classifier, ws, cond, batch_sizer, torgb=settings.torgb)
    if not settings.exhaustive:
        classified = phase(classified, Phase.CLASSIFYING)
    pictures = (yield from classified).same(synthesis, world)
    counts = np.bincount(pictures.classes, minlength=len(names))
    yield Metric(0, {f"pictures of {name}": float(c) for name, c in zip(names, counts, strict=True)})
    if settings.percentiles is None:
        style_range, source = observed_range(pictures, ranges, explainer.style_stats)
    else:
        style_range, source = percentile_range(pictures, settings.percentiles)
    asked = question.classes(len(names))
    if settings.pair is not None:
        rows = pictures.of_classes(asked)
        if not len(rows):
            either = " or ".join(names[k] for k in asked)
            raise UserError(f"None of the {len(pictures)} pictures is {either}. Search more, or other ones.")
        yield Notice(f"{len(rows)} of {len(pictures)} pictures are of the two classes.")
        pictures, ws, cond = pictures.some(rows), ws[rows], None if cond is None else cond[rows]
    moves = SingleMoves(synthesis, classifier, pictures, style_range, settings.kappa, batch_sizer, question, world)
    subject = Subject(
        key,
        asked,
        moves.answers.cpu().numpy(),
        style_range.cpu().numpy(),
        source,
        model.generator.config.layout,
        own_ends=settings.percentiles is not None,
    )
    known = kept.of(explainer.model_hash, key, ws, cond, moves) if kept else None
    check = None
    if settings.realism is not None:
        check = RealismCheck(replace(model, discriminator=explainer.discriminator), key, moves, settings.realism)
    search = _every_move if settings.exhaustive else _raced
    result = yield from search(moves, subject, settings, known, check)
    yield from short_list_notices(result, names)
    return result


def analyse(
    effects: np.ndarray,
    subject: Subject,
    settings: AttFindSettings,
    rendered: np.ndarray | None = None,
    unstable: np.ndarray | None = None,
) -> AttFindResult:
    """Search an effect table (N, 2, S, C) for the attributes of every class that was asked about.

    rendered  (N, 2, S) bool: which effects are exact; None: all
    unstable  (N,) bool; None: as the effects say
    """
    classes = subject.verdicts
    if unstable is None:
        unstable = unstable_pictures(effects, settings.unstable_effect, settings.unstable_share)
    lists = _search(effects, subject, settings, unstable)
    about = effects, classes, unstable
    ranked = {t: with_figures(picks, *about) for t, picks in lists.ranked.items()}
    rankings = {t: replace(r, picks=with_figures(r.picks, *about)) for t, r in lists.rankings.items()}
    if rendered is None:
        rendered = np.ones(effects.shape[:3], dtype=bool)
    attribute_set = AttributeSet(
        classifier_id=subject.classifier_id,
        method=f"attfind-{settings.procedure}" + ("" if settings.exhaustive else "-raced"),
        n=len(effects),
        kappa=settings.kappa,
        ranges=subject.ranges,
        attributes=tuple(
            attribute_of(pick, subject, exact=bool(rendered[classes != t, pick.direction, pick.style_index].all()))
            for t, picks in ranked.items()
            for pick in picks
        ),
        settings=settings.stored(settings.threshold(len(subject.classes)), int(unstable.sum())),
    )
    return AttFindResult(attribute_set, subject, ranked, rankings, effects, rendered, unstable)


def _every_move(
    moves: SingleMoves,
    subject: Subject,
    settings: AttFindSettings,
    kept: MovesFile | None,
    check: RealismCheck | None,
) -> Generator[Event, None, AttFindResult]:
    """Search a table of which every move is rendered. A job within a job."""
    effects = yield from effect_table(moves, kept=kept)
    found = analyse(effects, subject, settings)
    while unreal := (yield from _unreal(check, found)):
        effects[:, :, sorted(unreal)] = 0
        found = analyse(effects, subject, settings, unstable=found.unstable)
    return found


def _unreal(check: RealismCheck | None, found: AttFindResult) -> Generator[Event, None, set[int]]:
    """Return the listed coordinates that make pictures unreal; none where nobody asked. A job within a job."""
    if check is None:
        return set()
    picks = [pick for picks in found.ranked.values() for pick in picks]
    unreal = yield from check.rejected(picks, found.subject.verdicts)
    if unreal:
        listed = ", ".join(map(str, sorted(unreal)))
        yield Notice(f"Left out, since the discriminator finds the moved pictures unreal: style {listed}.")
    return unreal


def _search(effects: np.ndarray, subject: Subject, settings: AttFindSettings, unstable: np.ndarray) -> Lists:
    """Search a table (N, 2, A, C) of some styles; the effects of unstable pictures (N,) bool count as 0."""
    ranked = settings.question.ranked(subject.answers, effects)
    how = settings.wanted, settings.threshold(len(subject.classes)), settings.both_ends, settings.procedure
    return search_all(ranked, subject.verdicts, *how, unstable)


def _raced(
    moves: SingleMoves,
    subject: Subject,
    settings: AttFindSettings,
    kept: MovesFile | None,
    check: RealismCheck | None,
) -> Generator[Event, None, AttFindResult]:
    """Search a table that the race fills, with the result so far Kept every few seconds. A job within a job."""

    def search(effects: np.ndarray) -> Lists:
        return _search(effects, subject, settings, race.unstable)

    def result(settled: bool = False) -> AttFindResult:
        found = analyse(race.estimate(), subject, settings, table.rendered.copy(), race.unstable)
        return _with_counts(found, race, settled)

    def keep() -> None:
        if kept is not None and moves.world.is_main_process:
            kept.write(*table.known())

    predicted = yield from phase(moves.predicted(), Phase.PREDICTING)
    table = EffectTable(predicted, moves.sizes == 0)
    if kept is not None:
        table.add(*map(moves.world.first, kept.read(table.rendered.shape, len(subject.classes))))
    unstable = settings.unstable_effect, settings.unstable_share
    race = Race(table, subject.verdicts, moves.exact, search, *unstable, settings.race_seed)
    try:
        yield from with_lists(phase(race.start(), Phase.LOOKING, "Trying every style on a few pictures"), result)
        keep()
        yield Kept(result())
        done = yield from with_lists(rounds(race), result)
        while unreal := (yield from without_progress(_unreal(check, result()))):
            keep()
            table.leave_out(unreal)
            done = yield from with_lists(rounds(race, done), result)
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
