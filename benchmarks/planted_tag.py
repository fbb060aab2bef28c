# SPDX-License-Identifier: MIT
"""What finds a cause that was planted in photographs: a paper tag at five strengths, and exchanged grounds.

Method. The pictures are those of planted_pictures.py, 32 px. For each row a small classifier is trained on the labels
(600 steps, its temperature left at 1), then a StylEx explainer that is never told the class, with the settings below.
What the classifier truly makes of the cause is measured on test pictures and their counterparts. Then every method
makes its list of ten for each class from the explainer's validation pictures, 250 (AttFind 100, and 20 where it renders
every move), and each item is judged on test pictures in which the cause speaks against the class, by planted_judge.py:
with the place of the cause put back as it was, is more than half of the change gone? Attributes are moved to the
observed end (kappa 1), directions by 3 standard deviations, those without a class of their own with the sign that
raises it.
- AttFind: raced (as the window does), by rendering every move, by the procedure of the paper, and each class by itself;
- Wu et al. by either score, boundary, guided (without identity loss), SeFa and GANSpace in their own order and by what
  the ten do to probabilities of held-out pictures;
- random coordinates and ends, random directions of W: what chance gives, by a sample of all;
- Grad-CAM on the photographs that have the cause: heat in its place by its area, and rank of that place among those of
  its size;
- of photographs: how simple properties go with the logit, and how many of the 20 first and last by the logit have the
  cause.

    python benchmarks/planted_tag.py --out FOLDER [--rows 95,85,75,65,55,grounds] [--images N]

What is there is kept: a stopped script goes on. FOLDER/ROW/run/judged.json holds all figures of a row.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import planted_pictures
import torch
from ablation import ROOT, latent_explorer
from planted_lists import LISTED, judged_lists
from planted_photographs import of_photographs

from latent_explorer.common.jobs import run_job
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.training.fit_mapping import fit_mapping

if TYPE_CHECKING:
    from planted_pictures import Planted

DATA = ROOT.parent / "shared" / "data"
GROUNDS = "grounds"
ROWS = ("55", "65", "75", "85", "95", GROUNDS)
GROUND_STRENGTH = 0.9
COLUMNS = ("--label", "label", "--classes", "A,B", "--split", "split")
CLASSIFIER = ("resolution=32", "steps=600", "blur=0", "label_smoothing=0", "confidence=0")
# Not mirrored: the tag stays in its corner. MAPPING_STEPS fit the mapping when a row is judged.
COMMON = ("kl_start=500", "kl_ramp=1000", "ema_half_life=1000", "flip=false", "mapping_steps=0")
RECIPES = {
    # Nothing tells the generator the class; no discriminator (docs/training.md, "Recipe search").
    "untold": (
        *COMMON, "adversarial_start=100000000", "mapped=0", "repaired=0", "align=0", "path_length=0", "cond_sparsity=0",
        "untold=1", "noise=false", "momentum=0.9", "evidence=1", "margin=0.2",
        "validate_every=3000", "sheet_every=3000",
    ),
    # The preset's, which tells the generator the class, with a schedule for few images.
    "told": (*COMMON, "adversarial_start=2000", "adversarial_ramp=1000", "validate_every=3000", "sheet_every=3000"),
}  # fmt: skip
MAPPING_STEPS = 500
WANTED = 3  # "found" is a rank up to that


def settings(pairs: tuple[str, ...]) -> list[str]:
    """Return NAME=VALUE pairs as the command line takes them."""
    return [part for pair in pairs for part in ("--set", pair)]


def planted(name: str, data: Path, seed: int) -> Planted:
    """Return the pictures of a row."""
    if name == GROUNDS:
        return planted_pictures.regrounded(data / "leaves-64", data / "leaves-segmented-64", GROUND_STRENGTH, seed)
    return planted_pictures.tagged(data / "leaves-segmented-64", int(name) / 100, seed)


def run_of(folder: Path, recipe: str) -> Path:
    """Return the run folder of a row's explainer."""
    return folder / ("run" if recipe == "untold" else f"run-{recipe}")


def make(folder: Path, name: str, recipe: str, data: Path, seed: int, images: int) -> None:
    """Write the pictures and train classifier and explainer, each unless it exists; a stopped training goes on."""
    classifier, run = folder / "classifier.classifier", run_of(folder, recipe)
    if not (folder / "labels.csv").exists():
        planted_pictures.write(planted(name, data, seed), folder)
    if not classifier.exists():
        latent_explorer("train-classifier", folder, *COLUMNS, *settings(CLASSIFIER), "--out", classifier)
    if (run / "config.json").exists():
        latent_explorer("train", "--resume", "--out", run)
    else:
        latent_explorer(
            "train", folder, *COLUMNS, "--preset", "quick-look", "--classifier", classifier, "--images", str(images),
            *settings(RECIPES[recipe]), "--attributes", "0", "--name", f"planted-{name}", "--out", run,
        )  # fmt: skip


def judged(folder: Path, name: str, recipe: str, data: Path, seed: int, quick: bool) -> dict[str, Any]:
    """Return the figures of a row, which its folder keeps."""
    kept = run_of(folder, recipe) / "judged.json"
    if kept.exists():
        figures: dict[str, Any] = json.loads(kept.read_text())
        return figures
    explainer = read_explainer(run_of(folder, recipe) / "result.explainer")
    assert explainer.samples is not None
    # GANSpace asks it for random w; the training leaves it out.
    run_job(fit_mapping(explainer.generator.mapping, explainer.samples.ws[:, 0].float(), MAPPING_STEPS))
    test = planted(name, data, seed).of("test")
    figures = of_photographs(explainer.classifier, test, tiled=name != GROUNDS)
    figures |= judged_lists(explainer, test, figures["truth"]["effect"], seed, quick)
    kept.write_text(json.dumps(figures, indent=1, default=float))
    return figures


def rank_text(rank: int, faint: int) -> str:
    """Return a rank; in brackets that of the first edit that shows the cause faintly, if none before it shows it."""
    if faint < rank:
        return f"– ({faint})" if rank > LISTED else f"{rank} ({faint})"
    return "–" if rank > LISTED else str(rank)


def cell(found: dict[str, Any]) -> str:
    """Return rank towards B, rank towards A; effect carried by the first three."""
    ranks = ", ".join(rank_text(*both) for both in zip(found["ranks"], found["faint_ranks"], strict=True))
    return f"{ranks}; {found['carried']:.2f}"


def tables(rows: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown tables."""
    head = "| | " + " | ".join(rows) + " |\n| --- |" + " --- |" * len(rows)
    first = next(iter(rows.values()))
    parts = [head]
    for group in ("truth", "photographs"):
        for key in first[group]:
            values = [row[group].get(key, float("nan")) for row in rows.values()]
            parts.append(f"| {key} | " + " | ".join(f"{v:.2f}" for v in values) + " |")
    parts += ["", head]
    for method in first["lists"]:
        parts.append(f"| {method} | " + " | ".join(cell(row["lists"][method]) for row in rows.values()) + " |")
    for what in first["chance"]:
        parts.append(f"| {what} | " + " | ".join(f"{row['chance'][what]:.2f}" for row in rows.values()) + " |")
    strengths = {name: row for name, row in rows.items() if name != GROUNDS}
    parts.append("")
    for method in first["lists"]:
        one, both = (
            sum(which(row["lists"][method]["ranks"]) <= WANTED for row in strengths.values()) for which in (min, max)
        )
        parts.append(f"{method}: among the first {WANTED} at {one} of {len(strengths)} strengths, both ways at {both}")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs, one for each row")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with leaves-64 and leaves-segmented-64")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--recipe", default="untold", choices=tuple(RECIPES), help="of the explainers' training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=6_000, help="of each explainer's training")
    parser.add_argument("--quick", action="store_true", help="judge AttFind's race and Wu et al. alone")
    parser.add_argument("--only", choices=("train", "judge"), help="train the rows, or judge what is trained")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = {}
    for name in args.rows.split(","):
        folder = args.out / name
        finished = (run_of(folder, args.recipe) / "result.explainer").exists()
        if args.only != "judge" and not finished:
            make(folder, name, args.recipe, args.data, args.seed, args.images)
        if args.only == "train" or (args.only == "judge" and not finished):
            continue
        rows[name] = judged(folder, name, args.recipe, args.data, args.seed, args.quick)
        print(name, json.dumps(rows[name]["truth"]), file=sys.stderr, flush=True)
    if rows:
        print(tables(rows))


if __name__ == "__main__":
    main()
