# SPDX-License-Identifier: MIT
"""Contents of sheets for papers: counterfactuals, truncation sweeps and style-mixing grids.

`media.sheet` and `media.pdf` draw them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from latent_explorer.app.exploration.recipe_png import recipe_texts
from latent_explorer.app.export.scene import (
    ExportContext,
    caption_context_of,
    name_of,
    state_from_recipe,
    unedited_recipe,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Preview, Progress
from latent_explorer.common.format import signed_text
from latent_explorer.common.paths import check_writable
from latent_explorer.explain.recipe import (
    Base,
    MixBase,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    SampleBase,
    attribute_edits,
    canonical_edits,
    is_generated,
)
from latent_explorer.media.drawing import font_warning
from latent_explorer.media.sheet import Cell, Row, Sheet, Text, draw, layout_sheet, write_picture

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from latent_explorer.app.export.job import Render
    from latent_explorer.explain.recipe import Picture, StyleShift

Kind = Literal["counterfactual", "truncation", "mixing"]
KINDS: tuple[Kind, ...] = ("counterfactual", "truncation", "mixing")
PSIS = (0.0, 0.25, 0.5, 0.75, 1.0)
PNG_SCALE = 2  # output pixels per pixel of the sheet, for sharp letters in print
MAX_CELLS = 400


class SheetPlan(msgspec.Struct, frozen=True):
    """The contents of a sheet. Each kind uses the fields it needs."""

    kind: Kind = "counterfactual"
    bases: tuple[Base, ...] = ()  # one row each
    attributes: int = 3  # counterfactual: the first of the list, one column each
    together: bool = True  # counterfactual: add a column with all of them
    psis: tuple[float, ...] = PSIS  # truncation: one column each
    others: tuple[Base, ...] = ()  # mixing: sources of the rows of ws, one column each
    first: int = 0  # mixing: rows of ws, both included
    last: int = 0


def sheet(path: Path, plan: SheetPlan, context: ExportContext, render: Render) -> Generator[Event, None, Path]:
    """Render the sheet and write it as PNG (with the recipe of its first picture) or PDF, by the suffix of `path`."""
    if path.suffix.lower() not in (".png", ".pdf"):
        raise UserError(f"{path.name} is not a sheet. Choose a name that ends in .png or .pdf.")
    check_writable(path)
    laid_out = yield from sheet_of(plan, context, render)
    if problem := font_warning(mark.text for mark in laid_out.marks if isinstance(mark, Text)):
        yield Notice(problem, "warning")
    if path.suffix.lower() == ".pdf":
        from latent_explorer.media.pdf import write_pdf

        write_pdf(path, laid_out, _title(plan, context))
        return path
    first = unedited_recipe(context, plan.bases[0])
    state = state_from_recipe(first, context.state, context.state.classifier_id)
    write_picture(path, draw(laid_out, PNG_SCALE), recipe_texts(state, context.summary.name))
    return path


def sheet_of(plan: SheetPlan, context: ExportContext, render: Render) -> Generator[Event, None, Sheet]:
    """Render the pictures and return the sheet, laid out."""
    _check(plan, context)
    pictures: dict[PictureRecipe, Picture] = {}
    if plan.kind == "counterfactual":
        before = [unedited_recipe(context, base) for base in plan.bases]
        yield from _rendered(before, pictures, context, render)
        columns, lines = _counterfactual(plan, context, [pictures[recipe] for recipe in before])
    else:
        columns, lines = {"truncation": _truncation, "mixing": _mixing}[plan.kind](plan, context)
    recipes = [recipe for line in lines for recipe in line.recipes if recipe is not None]
    yield from _rendered(recipes, pictures, context, render)
    rows = [_row(line, context, pictures) for line in lines]
    return layout_sheet(rows, columns, _title(plan, context), _footer(plan, context))


def _rendered(
    recipes: Sequence[PictureRecipe], pictures: dict[PictureRecipe, Picture], context: ExportContext, render: Render
) -> Generator[Event, None, None]:
    """Add the pictures of these recipes, each rendered once."""
    missing = [recipe for recipe in dict.fromkeys(recipes) if recipe not in pictures]
    for done, recipe in enumerate(missing, start=1):
        picture = render(PictureRequest(recipe, context.state.classifier_id)).after
        pictures[recipe] = picture
        yield Preview(picture.image)
        yield Progress(done, len(missing), "Rendering the sheet")


@dataclass(frozen=True)
class _Line:
    """A row before it is rendered; `before` is the picture whose class the others may change."""

    title: str
    recipes: tuple[PictureRecipe | None, ...]
    notes: tuple[str, ...] = ()
    before: PictureRecipe | None = None
    photos: tuple[Cell | None, ...] = ()  # projected photos, if any row has one


def _row(line: _Line, context: ExportContext, pictures: Mapping[PictureRecipe, Picture]) -> Row:
    captions = caption_context_of(context.state, context.summary)
    before = pictures.get(line.before) if line.before else None

    def cell(recipe: PictureRecipe | None) -> Cell | None:
        if recipe is None:
            return None
        picture = pictures[recipe]
        changed = before is not None and picture.verdict != before.verdict
        known = captions.target < len(picture.probs)
        caption = f"P({captions.facts['target']}) {picture.probs[captions.target]:.2f}" if known else ""
        return Cell(picture.image, caption, changed)

    return Row(line.title, (*line.photos, *map(cell, line.recipes)), line.notes)


def _counterfactual(
    plan: SheetPlan, context: ExportContext, before: Sequence[Picture]
) -> tuple[list[str], list[_Line]]:
    """Return rows of each picture, then with one attribute at a time, then with all, always away from its class."""
    captions = caption_context_of(context.state, context.summary)
    chosen = list(context.attributes)[: plan.attributes]
    changes = [attribute_edits(attribute) for attribute in chosen]
    columns = [attribute.name for attribute in chosen]
    if plan.together and len(chosen) > 1:
        changes.append(tuple(shift for shifts in changes for shift in shifts))
        columns.append("all of them")
    photos = [context.photos.get(b.latent_id) if isinstance(b, ProjectedBase) else None for b in plan.bases]
    has_photos = any(photo is not None for photo in photos)
    lines = []
    for base, picture, photo in zip(plan.bases, before, photos, strict=True):
        verdict = picture.verdict
        amount = -1.0 if verdict == captions.target else 1.0
        recipe = unedited_recipe(context, base)
        after = [_with(recipe, shifts, amount) for shifts in changes]
        note = f"{captions.class_names[verdict]}: sliders at {signed_text(amount, 0)}"
        cells = ((None if photo is None else Cell(photo)),) if has_photos else ()
        title, notes = _named(base, context)
        lines.append(_Line(title, (recipe, *after), (*notes, note), recipe, cells))
    drawn = bool(context.summary.samples and context.summary.samples.generated)
    generated = all(is_generated(base) or (drawn and isinstance(base, SampleBase)) for base in plan.bases)
    head = ["photo"] if has_photos else []
    return [*head, "generated" if generated else "reconstruction", *columns], lines


def _truncation(plan: SheetPlan, context: ExportContext) -> tuple[list[str], list[_Line]]:
    lines = []
    for base in plan.bases:
        recipe = unedited_recipe(context, base)
        cutoff = context.state.truncation_cutoff
        recipes = tuple(
            msgspec.structs.replace(recipe, truncation_psi=psi, truncation_cutoff=None if psi == 1 else cutoff)
            for psi in plan.psis
        )
        title, notes = _named(base, context)
        lines.append(_Line(title, recipes, notes))
    return [f"psi {psi:.2f}" for psi in plan.psis], lines


def _mixing(plan: SheetPlan, context: ExportContext) -> tuple[list[str], list[_Line]]:
    """Return the sources along the top and the left, with every pair of them in the middle."""
    others = [unedited_recipe(context, base) for base in plan.others]
    head = f"rows {plan.first} to {plan.last}"
    lines = [_Line(head, (None, *others), ("of the latent, from these",))]
    for base in plan.bases:
        mixes = (unedited_recipe(context, MixBase(base, o, plan.first, plan.last)) for o in plan.others)
        title, notes = _named(base, context)
        lines.append(_Line(title, (unedited_recipe(context, base), *mixes), (*notes, "all other rows")))
    return ["", *(_named(base, context)[0] for base in plan.others)], lines


def _with(recipe: PictureRecipe, shifts: Sequence[StyleShift], amount: float) -> PictureRecipe:
    moved = (msgspec.structs.replace(shift, amount=amount * shift.amount) for shift in shifts)
    return msgspec.structs.replace(recipe, edits=canonical_edits(tuple(moved)))


def _named(base: Base, context: ExportContext) -> tuple[str, tuple[str, ...]]:
    """Return the title and the notes of a row: a sample's number, and its name."""
    name = name_of(base, context.summary)
    return (f"sample {base.index}", (name,)) if isinstance(base, SampleBase) else (name, ())


def _title(plan: SheetPlan, context: ExportContext) -> str:
    captions = caption_context_of(context.state, context.summary)
    target = captions.facts["target"]
    titles = {
        "counterfactual": f"What the classifier looks at: {target} or not",
        "truncation": "Truncation: from the average picture to the whole variety",
        "mixing": f"Style mixing: rows {plan.first} to {plan.last} of ws from the top, the rest from the left",
    }
    return titles[plan.kind]


def _footer(plan: SheetPlan, context: ExportContext) -> str:
    summary, state = context.summary, context.state
    parts = [f"{summary.name}, model {summary.model_hash[:12]}, classifier {state.classifier_id[:12]}"]
    if plan.kind == "counterfactual":
        parts.append("Sliders stand at one end of what the data shows")
        parts.append("Bold: the class changed")
    if any(is_generated(base) for base in plan.bases) and plan.kind != "truncation":
        parts.append(f"Psi {state.truncation_psi:.2f}")
    return ". ".join(parts) + "."


def _check(plan: SheetPlan, context: ExportContext) -> None:
    """Raise UserError unless the plan can be drawn."""
    if not plan.bases:
        raise UserError("The sheet has no pictures. Choose at least one seed or sample.")
    columns = {
        "counterfactual": min(plan.attributes, len(context.attributes)) + 2,
        "truncation": len(plan.psis),
        "mixing": len(plan.others) + 1,
    }[plan.kind]
    if (len(plan.bases) + 1) * columns > MAX_CELLS:
        raise UserError(f"A sheet of more than {MAX_CELLS} pictures is too large to be read. Choose fewer.")
    if plan.kind == "counterfactual" and not context.attributes:
        raise UserError(
            "A counterfactual sheet shows attributes, and none are known for this class. Find attributes first."
        )
    if plan.kind == "truncation" and not plan.psis:
        raise UserError("The sheet has no columns. Choose at least one psi.")
    if plan.kind == "mixing":
        rows = context.summary.layout.num_ws
        if not plan.others:
            raise UserError("The sheet has no columns. Choose the pictures to mix in.")
        if not 0 <= plan.first <= plan.last < rows:
            raise UserError(
                f"Rows {plan.first} to {plan.last} are not in a latent of {rows} rows. Choose 0 to {rows - 1}."
            )
