# SPDX-License-Identifier: MIT
"""Rebuild `leaf-shortcut`, the explainer of a classifier that looks at the ground, and prove that it does.

Method, all on the photographs *with* background, split by camera series; chosen on validation, reported on test.
1. The same small network is trained on the outer 6 pixels alone ("frame-only"): what the ground gives away. It is
   stored in the explainer, beside the classifier that is explained, so that it can be asked in the window.
2. The classifier is trained with the middle of every picture covered by a grey square (0.6 to 0.9 of a side) and every
   picture blurred: what a person would look at was mostly hidden from it. It is then asked about whole photographs, as
   is, with grounds of other leaves of the same class (the price of the cutting), and with grounds of the other class.
   Of six lengths and blurs, the one that fell deepest on validation leaves.
3. A StylEx explainer is trained for it by the "64" preset. Only convolutions up to 16 px hear the class: else it came
   to travel in the finest layer, as a faint pattern. Each style may depend on the class more than in the preset:
   else a dozen shared the class, and none moved the ground visibly. AttFind runs with five seeds, which draw 150 of its
   250 validation leaves. An attribute "moves the ground" if, at kappa 1 on reconstructions of test leaves that are not
   of its target class, the frame-only network's probability of the target moves by 0.3 or more on average.
With --init the training starts from another explainer of these photographs, and brings in all losses at once. Every
step is the program's own command line; steps that are there already are kept, so that it can be stopped and started
again.

    python benchmarks/leaf_shortcut.py --out FOLDER [--photographs DATA] [--cut-outs DATA] [--images N] [--init X]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ablation import ROOT, latent_explorer
from grounds import exchanged, leaf_mask

DATA = ROOT.parent / "shared" / "data"
SELECTION: dict[str, Any] = {
    "label": "healthy",
    "classes": "0=diseased,1=healthy",
    "where": ("crop=apple,bell pepper,strawberry",),
    "group": "group",
}
FRAME = 6  # px
SIZE = 64  # px
EXPLAINER = "both.explainer"  # with the frame-only network, before any search
HEARING = ("cond_resolution=16", "cond_limit=2.8")  # how styles hear the class
AT_ONCE = ("kl_start=0", "kl_ramp=2000", "adversarial_start=2000", "adversarial_ramp=4000")
SEEDS = range(5)
SEARCHED = 150
MOVES_GROUND = 0.3


def arguments_of(data: Path) -> list[str]:
    """Return DATA and its selection as the command line takes them."""
    pairs = [(f"--{key}", value if isinstance(value, str) else value[0]) for key, value in SELECTION.items()]
    return [str(data), *(part for pair in pairs for part in pair)]


def make(out: Path, photographs: Path, images: int, init: Path | None) -> None:
    """Make the frame-only network, the classifier and the explainer with both, each unless it exists."""
    data = arguments_of(photographs)
    frame, classifier, run = out / "frame.classifier", out / "shortcut.classifier", out / "run"
    if not frame.exists():
        latent_explorer(
            "train-classifier", *data, "--frame-only", str(FRAME), "--set", "steps=400", "--out", frame
        )  # fmt: skip
    if not classifier.exists():
        latent_explorer(
            "train-classifier", *data, *settings("covered=1.0", "blur=1.0", "steps=500"), "--out", classifier
        )  # fmt: skip
    if not (run / "result.explainer").exists():
        train(run, data, classifier, images, init)
    if not (out / EXPLAINER).exists():
        latent_explorer(
            "add-classifier", run / "result.explainer", frame, "--name", "frame-only", "--out", out / EXPLAINER
        )  # fmt: skip


def train(run: Path, data: list[str], classifier: Path, images: int, init: Path | None) -> None:
    """Train the explainer of the classifier, or resume its training."""
    if (run / "config.json").exists():
        latent_explorer("train", "--resume", "--out", run)
        return
    start = [] if init is None else ["--init", str(init), *settings(*AT_ONCE)]
    latent_explorer(
        "train", *data, "--preset", "64", "--classifier", classifier, *settings(*HEARING), *start,
        "--images", str(images), "--attributes", "0", "--name", "leaf-shortcut", "--out", run,
    )  # fmt: skip


def settings(*pairs: str) -> list[str]:
    """Return NAME=VALUE pairs as the command line takes them."""
    return [part for pair in pairs for part in ("--set", pair)]


def accuracy(classifier: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of pictures (N, H, W, 3) uint8 that the classifier labels correctly."""
    return float((probabilities(classifier, images).argmax(axis=1) == labels).mean())


@torch.inference_mode()
def probabilities(classifier: Any, images: np.ndarray) -> np.ndarray:
    """Return probabilities (N, K) of pictures (N, H, W, 3) uint8."""
    from latent_explorer.training.batches import to_img

    parts = [classifier.probs(to_img(images[i : i + 128])) for i in range(0, len(images), 128)]
    return torch.cat(parts).numpy()


def proof(out: Path, photographs: Path, cut_outs: Path) -> dict[str, float]:
    """Measure on test leaves what the ground gives away, and how far the classifier falls without it."""
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.models.classifier_file import read_classifier

    photos, cuts = open_dataset(photographs, **SELECTION), open_dataset(cut_outs, **SELECTION)
    of_cut = {name: i for i, name in enumerate(cuts.columns["color_file"])}
    rows = [i for i in photos.indices("test") if photos.names[i] in of_cut]
    assert photos.labels is not None
    pixels, labels = photos.read(rows, SIZE), photos.labels[rows]
    masks = np.stack([leaf_mask(c) for c in cuts.read([of_cut[photos.names[i]] for i in rows], SIZE)])
    classifier, _ = read_classifier(out / "shortcut.classifier")
    _, frame = read_classifier(out / "frame.classifier")
    return {
        "leaves": len(rows),
        "frame_only": frame["test"]["accuracy"],
        "as_is": accuracy(classifier, pixels, labels),
        "own_class_grounds": accuracy(classifier, exchanged(pixels, masks, labels, other_class=False), labels),
        "other_class_grounds": accuracy(classifier, exchanged(pixels, masks, labels, other_class=True), labels),
    }


def measured(explainer: Any, attribute: Any, latents: Any) -> dict[str, Any]:
    """Measure the attribute's effect at kappa 1 on both networks' probability of its target."""
    from latent_explorer.api import Latents, attribute_edits

    [frame] = [c for c in explainer.model.classifiers.values() if c.config.frame_only == FRAME]
    before = explainer.render(latents)
    rows = np.flatnonzero(before.probs.argmax(axis=1) != attribute.target)
    chosen = Latents(latents.ws[rows], None if latents.cond is None else latents.cond[rows])
    after = explainer.render(chosen, attribute_edits(attribute))
    outer = [probabilities(frame, x)[:, attribute.target] for x in (before.images[rows], after.images)]
    change = outer[1] - outer[0]
    return {
        "style_index": attribute.entries[0].style_index,
        "direction": attribute.entries[0].end,
        "target": attribute.target,
        "frame_only": float(np.abs(change).mean()),
        "frame_only_signed": float(change.mean()),
        "classifier": float((after.probs - before.probs[rows])[:, attribute.target].mean()),
    }


def searches(out: Path, photographs: Path) -> list[dict[str, Any]]:
    """Return for each seed of AttFind its first three attributes with their effects on the ground."""
    import latent_explorer as le
    from latent_explorer.data.dataset import open_dataset

    photos = open_dataset(photographs, **SELECTION)
    found = []
    for seed in SEEDS:
        path = out / f"attfind-{seed}.explainer"
        if not path.exists():
            latent_explorer(
                "attfind", out / EXPLAINER, "--n", str(SEARCHED), "--seed", str(seed), "--out", path
            )  # fmt: skip
        explainer = le.open(path)
        latents = explainer.encode(photos.read(photos.indices("test"), SIZE))
        first = [a for t in (0, 1) for a in [x for x in explainer.attributes if x.target == t][:3]]
        found.append({"seed": seed, "first": [measured(explainer, a, latents) for a in first]})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--photographs", type=Path, default=DATA / "leaves-64")
    parser.add_argument("--cut-outs", type=Path, default=DATA / "leaves-segmented-64")
    parser.add_argument("--images", type=int, default=48_000)
    parser.add_argument("--init", type=Path, help="explainer to start from")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    make(options.out, options.photographs, options.images, options.init)
    figures: dict[str, Any] = {"proof": proof(options.out, options.photographs, options.cut_outs)}
    figures["searches"] = searches(options.out, options.photographs)
    good = [any(a["frame_only"] >= MOVES_GROUND for a in s["first"]) for s in figures["searches"]]
    figures["seeds_with_an_attribute_that_moves_the_ground"] = sum(good)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
