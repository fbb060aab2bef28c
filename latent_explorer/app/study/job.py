# SPDX-License-Identifier: MIT
"""The job that makes a study: plans the questions, renders their pictures, draws and packs them.

The window, the command line and Python run the same job, so the same settings give the same bytes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from latent_explorer.app.study.arms import distinct_names, shared_pools, sources_of
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.common.paths import check_writable
from latent_explorer.data.threads import run_in_thread
from latent_explorer.media.drawing import font_warning
from latent_explorer.studies.build.folder_writer import draw, new_study_folder
from latent_explorer.studies.build.plan import TILES, Arm, AttributeInfo, Item, StudyPlan, StudySettings, make_plan
from latent_explorer.studies.build.question_image import Pair, drawn, panel

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.study.arms import LoadedArm, Sources
    from latent_explorer.studies.build.answer_key import StudyKey

T = TypeVar("T")
MIN_VISIBLE_CHANGE = 0.5  # mean change in grey levels below which a change is not visible


def plan_questions(
    arms: Sequence[LoadedArm], settings: StudySettings
) -> Generator[Event, None, tuple[StudyPlan, list[Sources]]]:
    """Plan the questions. Returns the plan and the source pictures of each arm."""
    settings.check()
    per_arm = max((len(arm.attributes) for arm in arms), default=0)
    needed = TILES * min(settings.attributes, per_arm) * (settings.items + settings.verbal_items)
    needed += TILES * (settings.catch + 2)
    sources: list[Sources] = []
    for arm in arms:
        pictures = yield from sources_of(arm, needed)
        sources.append(pictures)
    pools = shared_pools(arms, sources)
    infos = [Arm(a.name, tuple(AttributeInfo(k, v.name) for k, v in a.attributes.items())) for a in arms]
    plan = make_plan(settings, infos, pools)
    if len(arms) > 1 and not plan.paired:
        yield Notice("The arms show different pictures, so they are compared without pairs.")
    return plan, sources


def render_item(
    item: Item, arms: Sequence[LoadedArm], sources: Sequence[Sources], reach: float
) -> Generator[Event, None, list[Pair]]:
    """Render the tiles of a question; the engine can serve other pictures between two tiles."""
    at = max(item.arm, 0)
    pairs: list[Pair] = []
    for tile in item.tiles:
        attribute = arms[at].attributes[tile.attribute] if tile.attribute else None
        before, after = arms[at].render(sources[at][tile.source], attribute, reach)
        pairs.append((before, drawn(before, tile.effect) if tile.effect else after))
        yield Progress(len(pairs), len(item.tiles), "Rendering a question")
    return pairs


def build_study(arms: Sequence[LoadedArm], settings: StudySettings, folder: Path) -> Generator[Event, None, StudyKey]:
    """Write the study into a new folder and return its key. A job; if cancelled it leaves nothing behind."""
    check_writable(folder, "new folder")
    arms = distinct_names(arms)
    plan, sources = yield from plan_questions(arms, settings)
    faint, total = 0, len(plan.items)
    with new_study_folder(folder, plan, _made_with(arms)) as pack:
        for done, item in enumerate(plan.items, start=1):
            rendering = render_item(item, arms, sources, settings.reach)
            pairs = yield from _step(rendering, done - 1, total)
            # Quantizing is slow: it runs on another thread so that the sliders stay responsive.
            drawing = run_in_thread(partial(draw, item, pairs, settings), "Drawing")
            images = yield from _step(drawing, done - 1, total)
            pack.add(item, images)
            faint += sum(change < MIN_VISIBLE_CHANGE for change in images.changes)
            yield Progress(done, total, "Drawing questions")
        key = pack.finish()
    words = ("example", "picture", "choice", "show_before", "show_after")
    if problem := font_warning(map(settings.texts.word, words)):
        yield Notice(problem, "warning")
    if faint:
        yield Notice(
            f"{faint} of {TILES * total} pictures hardly change "
            f"(less than {MIN_VISIBLE_CHANGE:g} grey levels on average): "
            "people cannot tell what they cannot see. key.json says which.",
            "warning",
        )
    return key


def faces_of(arm: LoadedArm) -> Generator[Event, None, dict[str, Pair]]:
    """Render every attribute of an arm on its first source picture, before and after, for thumbnails."""
    sources = yield from sources_of(arm, 1)
    if not sources:
        return {}
    base = next(iter(sources.values()))
    faces = {}
    for key, attribute in arm.attributes.items():
        faces[key] = arm.render(base, attribute, 1.0)
        yield Progress(len(faces), len(arm.attributes), "Looking at attributes")
    return faces


def preview_of(
    arms: Sequence[LoadedArm], settings: StudySettings, number: int
) -> Generator[Event, None, tuple[Pair, float, int]]:
    """Draw one question: its frames, the seconds that each is shown, and the size of its files (bytes)."""
    arms = distinct_names(arms)
    plan, sources = yield from plan_questions(arms, settings)
    items = [item for item in plan.items if item.role == "item"]
    item = items[number % len(items)]
    pairs = yield from render_item(item, arms, sources, settings.reach)
    frames = panel(pairs, item.kind, settings.tile, settings.texts)
    images = yield from run_in_thread(partial(draw, item, pairs, settings), "Drawing a question")
    size = len(images.moving) + len(images.before) + len(images.after)
    return frames, settings.frame_seconds(item.kind), size


def _step(job: Generator[Event, None, T], done: int, total: int) -> Generator[Event, None, T]:
    """Run a step of the job, reporting the progress of the whole instead of its own."""
    return forward_events(job, lambda _event: Progress(done, total, "Drawing questions"))


def _made_with(arms: Sequence[LoadedArm]) -> dict[str, Any]:
    """Return what the key says about the models, so that the same study can be made again."""
    return {
        "arms": [
            {
                "name": arm.name,
                "explainer": arm.summary.name,
                "model_hash": arm.summary.model_hash,
                "classifier_id": arm.classifier_id,
                "method": arm.method,
                "towards": arm.class_names[arm.target],
                "attributes": {k: a.name for k, a in arm.attributes.items()},
            }
            for arm in arms
        ]
    }
