# SPDX-License-Identifier: MIT
"""Which recipe makes latents carry the classifier's evidence: one row a recipe, the same pictures and classifier.

Method. Each row is a training on leaves split by group, started as a user would: of the quick-look preset (32 px) from
the start, or "warm", of the 64-px preset from the shipped leaf-health; always with one and the same ordinary classifier
(trained without blur, on 32 px). Figures are of *validation* leaves, since rows are chosen by them: the controls of
`evaluate --controls`; a second network, of other widths and another seed, which says whether it agrees with itself on
pictures told nothing, too, for the first one may have been talked round by patterns that mean nothing to others; LPIPS
by SqueezeNet, which no row was trained on; and lesion recall, the share of a photograph's brown pixels (red above green
by more than 8 of 255) that have one of the reconstruction's within 1 px at 32 px, 2 px at 64, on leaves that the
classifier calls diseased. Beside it stands what the reconstruction of another diseased leaf would find, since a blotch
everywhere finds every lesion. Second network and lesions are of pictures told nothing and drawn without noise. Rows
that are there already are kept, so that the script can be stopped and started again.

    python benchmarks/recipe_search.py --out FOLDER [--data "DATA --label COLUMN ..."] [--rows NAME,...] [--n N]
    python benchmarks/recipe_search.py --out FOLDER --judge RUN_OR_EXPLAINER ...
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from ablation import LEAVES, ROOT, SELECTION, latent_explorer
from torch import Tensor

from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.explain.report.controls import controls
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.perceptual import LpipsDistance
from latent_explorer.training.batches import to_img

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

CLASSIFIER = ["resolution=32", "steps=600", "blur=0"]
SECOND = ["seed=1", "widths=32,64,128,128"]
SHIPPED = ROOT / "resources" / "explainers" / "leaf-health.explainer"
# No discriminator: what is asked is what passes through w, and it takes half of the time.
ALONE = ["mapped=0", "repaired=0", "align=0", "path_length=0", "mapping_steps=0", "adversarial_start=100000000"]
NOTHING = ["untold=1", "cond_sparsity=0", "noise=false"]
SMALL = [  # 32 px, from the start
    "images=10000", "kl_start=1000", "kl_ramp=2000", "adversarial_ramp=4000", *ALONE,
]  # fmt: skip
WARM = [  # 64 px, from leaf-health as it is shipped
    "images=3000", "kl_start=0", "kl_ramp=1000", "warm_up=500", "cooldown=1500", "lr=0.001", "momentum=0.9",
    "ema_half_life=1000", "validate_every=3000", "sheet_every=3000", *ALONE,
]  # fmt: skip
# What it is called in the table, its preset, and its settings.
ROWS: dict[str, tuple[str, str, list[str]]] = {
    "nothing": ("32 px, told nothing", "quick-look", [*SMALL, *NOTHING]),
    "evidence": (
        "32 px, told nothing, evidence 2, margin 0.2",
        "quick-look",
        [*SMALL, *NOTHING, "evidence=2", "margin=0.2"],
    ),
    "momentum": (
        "32 px, told nothing, momentum 0.9",
        "quick-look",
        [*SMALL, *NOTHING, "momentum=0.9"],
    ),
    "warm-nothing": ("64 px warm, told nothing", "64", [*WARM, *NOTHING]),
    "warm-evidence": (
        "64 px warm, told nothing, evidence 1",
        "64",
        [*WARM, *NOTHING, "evidence=1"],
    ),
    "warm-wider": (
        "64 px warm, told nothing, evidence 1, w of 256",
        "64",
        [*WARM, *NOTHING, "evidence=1", "w_extra=128"],
    ),
    "warm-tenth": (
        "64 px warm, told a tenth of the pictures, evidence 1",
        "64",
        [*WARM, "noise=false", "untold=0.9", "evidence=1"],
    ),
}
BROWN = 8 / 127.5  # red above green, in [-1, 1]
BATCH = 32


@torch.inference_mode()
def judge(file: Path, data: list[str], side: str, second: Classifier, n: int | None) -> dict[str, Any]:
    """Figures of an explainer on one side of the split; `second` is the network that nothing was trained on."""
    explainer = read_explainer(file)
    size = explainer.generator.config.resolution
    pictures = open_dataset(data[0], **_selection(data[1:]))
    rows = evenly_spaced_rows(pictures.indices(side), n)
    pixels = pictures.read(rows, size)
    names = [pictures.names[i] for i in rows]
    found = run_job(controls(explainer, lambda part: pixels[part], names)).to_dict()
    real = to_img(pixels)
    shown, bare = _drawn(explainer, real)
    squeeze = LpipsDistance("squeeze")
    lpips = torch.cat([squeeze(a, b) for a, b in zip(real.split(BATCH), shown.split(BATCH), strict=True)])
    asked = torch.cat([second.probs(x).argmax(dim=1) for x in real.split(BATCH)])
    said = torch.cat([second.probs(x).argmax(dim=1) for x in bare.split(BATCH)])
    verdicts = torch.cat([explainer.classifier.probs(x).argmax(dim=1) for x in real.split(BATCH)])
    return {
        **found,
        "lpips_squeeze": float(lpips.mean()),
        "second": float((asked == said).float().mean()),
        **lesion_recall(real[verdicts == 0], bare[verdicts == 0], reach=size // 32),
    }


def _drawn(explainer: Explainer, real: Tensor) -> tuple[Tensor, Tensor]:
    """Reconstructions as the program shows them, and those told nothing and drawn without noise."""
    generator, shown, bare = explainer.generator, [], []
    assert explainer.encoder is not None
    for img in real.split(BATCH):
        ws = generator.broadcast(explainer.encoder(img))
        told = explainer.classifier.probs(img)
        even = torch.full_like(told, 1 / told.shape[1])
        synthesis = generator.synthesis
        shown.append(synthesis(ws, told, synthesis.noise_const()).clamp(-1, 1))
        bare.append(synthesis(ws, even, None).clamp(-1, 1))
    return torch.cat(shown), torch.cat(bare)


def lesion_recall(real: Tensor, drawn: Tensor, reach: int) -> dict[str, float]:
    """Share of brown pixels of `real` (N, 3, H, W) with a brown one of `drawn` within `reach` px; and by chance.

    Means over pictures. "small" are those with fewer brown pixels than the median picture.
    """
    lesions, found = _brown(real), _grown(_brown(drawn), reach)
    count = lesions.sum(dim=(1, 2))
    has = count > 0
    small = has & (count < count[has].median())
    recall = (lesions & found).sum(dim=(1, 2)) / count.clamp_min(1)
    chance = (lesions & found.roll(1, dims=0)).sum(dim=(1, 2)) / count.clamp_min(1)
    return {
        "lesions": float(recall[has].mean()),
        "lesions_chance": float(chance[has].mean()),
        "lesions_small": float(recall[small].mean()),
        "lesions_small_chance": float(chance[small].mean()),
    }


def _brown(img: Tensor) -> Tensor:
    return img[:, 0] > img[:, 1] + BROWN


def _grown(mask: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(mask[:, None].float(), 2 * reach + 1, stride=1, padding=reach)[:, 0] > 0


def _selection(options: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    for name in ("--label", "--classes", "--group"):
        parser.add_argument(name)
    parser.add_argument("--where", action="append", default=[])
    chosen = vars(parser.parse_args(options))
    return {**chosen, "where": tuple(chosen["where"])}


def run_row(out: Path, data: list[str], name: str) -> Path:
    """Train one row, going on where an earlier start stopped; its explainer."""
    folder = out / name
    if (folder / "result.explainer").exists():
        return folder / "result.explainer"
    if (folder / "config.json").exists():
        latent_explorer("train", "--resume", "--out", folder)
    else:
        _, preset, settings = ROWS[name]
        init = ["--init", SHIPPED] if preset == "64" else []
        latent_explorer(
            "train", *data, "--preset", preset, *init, "--classifier", out / "ordinary.classifier",
            "--attributes", "0", *_set(settings), "--out", folder,
        )  # fmt: skip
    return folder / "result.explainer"


def _set(settings: list[str]) -> list[str]:
    return [x for setting in settings for x in ("--set", setting)]


def line(name: str, found: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    share = {key: value["share"] for key, value in found["agreement"].items()}
    margin = ", ".join("-" if x is None else f"{x:.2f}" for x in found["margin_correlation"].values())
    bands = ", ".join(f"{band['without_noise']:.2f}" for band in found["band_power"][1:])
    coherence = ", ".join(f"{band['coherence']:.2f}" for band in found["band_power"][1:])
    cells = [
        *(f"{share[key]:.3f}" for key in ("own", "nothing", "mean", "foreign", "other")),
        f"{found['second']:.3f}",
        margin,
        f"{found['lpips_squeeze']:.3f}",
        bands,
        coherence,
        f"{found['lesions']:.2f} ({found['lesions_chance']:.2f})",
        f"{found['lesions_small']:.2f} ({found['lesions_small_chance']:.2f})",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


HEAD = (
    "| | own | told nothing | mean w | foreign w | told other | second network | margin within verdicts | "
    "LPIPS (squeeze) | power above 4 cycles, without noise | coherence | lesions (chance) | few lesions (chance) |\n"
    "| --- |" + " --- |" * 12
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--data", default=shlex.join([str(LEAVES), *SELECTION]))
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of: {', '.join(ROWS)}")
    parser.add_argument("--judge", nargs="+", type=Path, help="only judge these, train nothing")
    parser.add_argument("--side", default="val", choices=("val", "test"))
    parser.add_argument("--n", type=int, help="judge by so many pictures; all without it")
    options = parser.parse_args()
    data = shlex.split(options.data)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    classifier, second = options.out / "ordinary.classifier", options.out / "second.classifier"
    options.out.mkdir(parents=True, exist_ok=True)
    for file, settings in ((classifier, []), (second, SECOND)):
        if not file.exists():
            latent_explorer("train-classifier", *data, *_set([*CLASSIFIER, *settings]), "--out", file)
    print(HEAD)
    for given in options.judge or options.rows.split(","):
        if options.judge:
            file = given / "result.explainer" if given.is_dir() else given
            name = given.name
        else:
            file, name = run_row(options.out, data, given), ROWS[given][0]
        found = judge(file, data, options.side, read_classifier(second)[0], options.n)
        if given in ROWS or given.is_dir():
            file.with_name(f"judged-{options.side}.json").write_text(json.dumps(found))
        print(line(name, found), flush=True)


if __name__ == "__main__":
    main()
