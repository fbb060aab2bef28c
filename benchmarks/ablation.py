# SPDX-License-Identifier: MIT
"""Ablation of the training recipe: one part removed at a time, two seeds, everything else the same.

Method. The quick-look preset (32 px) is trained for 20,000 images a row on leaves (split by group), always asking the
same classifier; then AttFind runs on 60 validation pictures and `evaluate` judges on the test pictures. Every row is
the program's own command line, started as a user would. The warm start's row goes on from a plain StyleGAN2 of the
same widths and pictures that has seen 20,000 images of its own (not counted). Rows that are there already are kept, so
that the script can be stopped and started again.

    python benchmarks/ablation.py --out FOLDER [--data "DATA --label COLUMN ..."] [--rows NAME,...] [--seeds 0,1]
        [--set NAME=VALUE ...]

`--set` changes a setting of every row, such as images.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEAVES = ROOT.parent / "shared" / "data" / "leaves-segmented-64"
SELECTION = [
    "--label", "healthy", "--classes", "0=diseased,1=healthy",
    "--where", "crop=apple,bell pepper,strawberry", "--group", "group",
]  # fmt: skip
IMAGES = 20_000
SEEDS = (0, 1)
ROWS: dict[str, tuple[str, list[str]]] = {
    "whole": ("The whole recipe", []),
    "no-mapping": ("without the mapping path", ["mapped=0", "align=0"]),
    "no-repaired": ("without re-paired latents", ["repaired=0"]),
    "no-lpips": ("without LPIPS", ["lpips=0"]),
    "no-kl": ("without KL", ["kl=0"]),
    "quarter": ("classifier asked about every 4th picture", ["classifier_every=4"]),
    "twelfth": ("classifier asked about every 12th picture", ["classifier_every=12"]),
    "all-at-once": (
        "all losses from the start",
        ["adversarial_start=0", "adversarial_ramp=1", "kl_start=0", "kl_ramp=1"],
    ),
    "warm-start": ("warm start from a plain StyleGAN2", []),
}
FIGURES = {
    "agreement": "agreement",
    "kl": "KL (nats)",
    "lpips": "LPIPS (alex)",
    "frechet_mapping": "Fréchet, random seeds",
    "frechet_reconstruction": "Fréchet, reconstructions",
    "flips": "top-10 flips",
    "flips_worse": "flips, harder class",
}


def latent_explorer(*arguments: str | Path) -> dict[str, Any]:
    """Run a command with --json and return its last line. Its stderr is this script's."""
    command = [sys.executable, str(ROOT / "main.py"), *map(str, arguments), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {lines[-1] if lines else done.returncode}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def train(folder: Path, data: list[str], seed: int, *options: str | Path) -> None:
    """Train into `folder`, resuming where an earlier start stopped."""
    if (folder / "config.json").exists():
        latent_explorer("train", "--resume", "--out", folder)
        return
    latent_explorer(
        "train", *data, "--preset", "quick-look", "--images", str(IMAGES), "--set", f"seed={seed}",
        *options, "--out", folder,
    )  # fmt: skip


def run_row(out: Path, data: list[str], name: str, seed: int, common: list[str]) -> dict[str, float]:
    """Train and judge one row with one seed; return its figures, which its folder keeps."""
    folder = out / f"{name}-{seed}"
    kept = folder / "ablation.json"
    if kept.exists():
        figures: dict[str, float] = json.loads(kept.read_text())
        return figures
    options: list[str | Path] = ["--classifier", out / "classifier.classifier"]
    for setting in [*common, *ROWS[name][1]]:
        options += ["--set", setting]
    if name == "warm-start":
        plain = out / f"plain-{seed}"
        if not (plain / "result.explainer").exists():
            train(plain, data, seed, "--set", "mode=stylegan2")
        options += ["--init", plain / "result.explainer"]
    if not (folder / "result.explainer").exists():
        train(folder, data, seed, *options)
    figures = judge(folder, data)
    kept.write_text(json.dumps(figures))
    return figures


def judge(folder: Path, data: list[str]) -> dict[str, float]:
    """Return the test figures of a finished run; Frechet distances are its last validation's."""
    found = latent_explorer("evaluate", folder / "result.explainer", "--images", data[0], *data[1:], "--split", "test")
    flips = next(row for row in found["flips"] if row["k"] == 10 and row["kappa"] == 1)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    worse = [side["flipped"] for side in flips["per_class"].values()]
    last = [row for row in rows if "val_frechet_mapping" in row][-1]
    return {
        "agreement": found["agreement"],
        "kl": found["agreement_kl"],
        "lpips": found["lpips"],
        "frechet_mapping": last["val_frechet_mapping"],
        "frechet_reconstruction": last["val_frechet_reconstruction"],
        "flips": flips["overall"],
        # A class that the classifier sees in no copy cannot be left.
        "flips_worse": math.nan if None in worse else min(worse),
    }


def table(results: dict[str, list[dict[str, float]]]) -> str:
    """Return a Markdown table: the mean of the seeds, and each seed's value."""
    lines = ["| | " + " | ".join(FIGURES.values()) + " |", "| --- |" + " --- |" * len(FIGURES)]
    for name, found in results.items():
        cells = []
        for key in FIGURES:
            values = [row[key] for row in found]
            each = ", ".join(f"{value:.3f}" for value in values)
            cells.append(f"{statistics.mean(values):.3f} ({each})")
        lines.append(f"| {ROWS[name][0]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--data", default=shlex.join([str(LEAVES), *SELECTION]))
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of: {', '.join(ROWS)}")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="for every row")
    options = parser.parse_args()
    data = shlex.split(options.data)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options.out.mkdir(parents=True, exist_ok=True)
    classifier = options.out / "classifier.classifier"
    if not classifier.exists():
        latent_explorer(
            "train-classifier", *data, "--resolution", "32", "--set", "steps=600",
            "--out", classifier,
        )  # fmt: skip
    results: dict[str, list[dict[str, float]]] = {}
    for seed in map(int, options.seeds.split(",")):
        for name in options.rows.split(","):
            results.setdefault(name, []).append(run_row(options.out, data, name, seed, options.set))
            print(name, seed, results[name][-1], file=sys.stderr, flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
