# SPDX-License-Identifier: MIT
"""What turns a verdict where only the leaf, or only the ground, may change. For docs/results.md, "Painted regions".

Pictures of the bundled explainers' files, from both classes in turn. The leaf's mask is that of its cut-out photograph,
the ground is the rest. Processor seconds, so that other work on the machine does not count.

    nice python benchmarks/painted_regions.py [--cut-outs DATA] [--count 24]
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.counterfactuals.region import RegionQuestion, RegionStudy, study, with_control
from latent_explorer.explain.counterfactuals.region_looks import look
from latent_explorer.explain.counterfactuals.turning_sets import MAX_CANDIDATES
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import by_effect, newest_set
from latent_explorer.models.explainer_file import read_explainer

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "leaves-segmented-64"
EXPLAINERS = ("leaf-health", "leaf-shortcut")
DARK = 12  # of 255: what the cut-outs leave of the ground


def leaf_mask(cut_out: np.ndarray) -> np.ndarray:
    """Return where a cut-out photograph (R, R, 3) shows the leaf, (R, R) float32."""
    return (cut_out.max(axis=2) > DARK).astype(np.float32)


def asked(renderer: Renderer, question: RegionQuestion, attributes: list) -> tuple[RegionStudy, float, float]:
    """Return a study, the control of its best set alone, and the seconds of the answer and of the control."""
    running, answers, began = study(question, attributes), None, time.process_time()
    try:
        while True:
            requests = next(running) if answers is None else running.send(answers)
            answers = [look(renderer, each) for each in requests]
    except StopIteration as stop:
        found: RegionStudy = stop.value
    answered, best = time.process_time(), found.best
    if best is not None:
        looks = [look(renderer, each) for each in question.controls(best.attributes)]
        found = found.with_result(with_control(best, looks, question.target))
    return found, answered - began, time.process_time() - answered


def report(name: str, region: str, aim: str, rows: list[tuple[RegionStudy, float, float]]) -> None:
    """Print the figures of one region and class."""
    found = [row[0] for row in rows]
    best = [each.best for each in found if each.best]
    shares = np.array([[each.share for each in study.ranked] for study in found])
    turned, drawn = (sum(each.random[i] for each in best if each.random) for i in (0, 1))
    of_random = np.mean([each.random_share for each in best]) if best else float("nan")
    print(
        f"{name}, {region}, to {aim}: n {len(found)}, area {np.mean([f.area for f in found]):.2f}, share of the first "
        f"{shares[:, 0].mean():.2f}, of the last {shares[:, -1].mean():.2f}, of random edits "
        f"{of_random:.2f}; something helps {len(best)}, turns {sum(bool(f.sets) for f in found)}, random "
        f"{turned} of {drawn}, the same everywhere else {sum(each.turns_outside for each in best)}, everywhere "
        f"{sum(each.turns_whole for each in best)}; answer {np.median([r[1] for r in rows]):.2f} s (most "
        f"{max(r[1] for r in rows):.2f}), control {np.median([r[2] for r in rows]):.2f} s",
        flush=True,
    )


def main() -> None:
    """Print the figures of both explainers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut-outs", type=Path, default=DATA)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--explainer", choices=EXPLAINERS, nargs="+", default=EXPLAINERS)
    given = parser.parse_args()
    pictures = open_dataset(given.cut_outs)
    rows = {name: row for row, name in enumerate(pictures.names)}
    with (given.cut_outs / "labels.csv").open(newline="", encoding="utf-8") as file:  # of the same leaf on its ground
        rows |= {line["color_file"]: rows[line["file"]] for line in csv.DictReader(file)}
    for name in given.explainer:
        model = read_explainer(ROOT / "resources" / "explainers" / f"{name}.explainer")
        renderer, samples = Renderer(model), model.samples
        listed = newest_set(model.attribute_sets, model.classifier_id).attributes
        verdicts = samples.probs.argmax(axis=1)
        for target, aim in enumerate(model.classifier.config.class_names):
            attributes = by_effect([each for each in listed if each.target == target])[:MAX_CANDIDATES]
            chosen = [i for i, known in enumerate(samples.ids) if known in rows and int(verdicts[i]) != target]
            found: dict[str, list[tuple[RegionStudy, float, float]]] = {"leaf": [], "ground": []}
            for i in chosen[: given.count // 2]:
                leaf = leaf_mask(pictures.read(np.array([rows[samples.ids[i]]]), model.generator.config.resolution)[0])
                request = PictureRequest(PictureRecipe(SampleBase(i)), model.classifier_id)
                for region, mask in (("leaf", leaf), ("ground", 1 - leaf)):
                    question = RegionQuestion(
                        request, target, mask, lambda each: tuple(e for a in each for e in attribute_edits(a))
                    )
                    found[region].append(asked(renderer, question, attributes))
            for region, results in found.items():
                report(name, region, aim, results)


if __name__ == "__main__":
    main()
