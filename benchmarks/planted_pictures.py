# SPDX-License-Identifier: MIT
"""Leaves whose label rests on a cause that was planted: a paper tag in a corner, or the ground. For planted_tag.py.

Two classes, A and B. Health is made a weak cue: a label is that of the leaf (B: healthy) in 7 of 10 pictures, whatever
else they show. Then the cause is planted: with strength p a picture of B has it with probability p, one of A with
1 - p. Both cues are independent given the label, so the best classifier's margin (log-odds of B) is the sum of
log(0.7 / 0.3) = 0.85 for or against by health and log(p / (1 - p)) for or against by the cause: it knows of both, and
at 65 % the cause weighs less than health. A wider tag or a better look at health changes nothing in that.

The tag is a piece of paper, 7 x 5 px of 32 x 32, in the lower left corner; its place varies by a pixel, its brightness
a little. Grounds are exchanged as in grounds.py: every leaf is put on the ground of another photograph, of a healthy
leaf (the cause is there) or of a diseased one.

Each picture has a counterpart with the cause changed and nothing else (the tag put on or taken off; the ground of a
leaf of the other health). What that changes in a classifier's margin is the truth that methods are judged by.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from grounds import ground_of, leaf_mask, on_ground
from PIL import Image

from latent_explorer.data.dataset import open_dataset
from latent_explorer.data.split_words import SPLITS

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32  # px
FROM_SIDE = 64  # px of the packs, at which grounds are exchanged
HEALTH = 0.7  # share of labels that are the leaf's health
TAG = (5, 7)  # px, height and width
BOX = (slice(25, 31), slice(1, 9))  # rows and columns that a tag may cover
PAPER = (238, 232, 215)
SHADES = 16  # a tag is darker than that by up to so much
SELECTION: dict[str, Any] = {
    "label": "healthy",
    "classes": "0=diseased,1=healthy",
    "where": ("crop=apple,bell pepper,strawberry",),
    "group": "group",
}


@dataclass(frozen=True)
class Planted:
    """Pictures with a planted cause.

    pixels       (N, SIDE, SIDE, 3) uint8
    counterpart  the same with the cause changed
    labels       (N,) 0 for A, 1 for B
    cause        (N,) bool, whether a picture has what is commoner in B
    healthy      (N,) bool
    inside       (N, SIDE, SIDE) bool, where the cause is or would be
    sides        (N,) indices into SPLITS
    """

    pixels: np.ndarray
    counterpart: np.ndarray
    labels: np.ndarray
    cause: np.ndarray
    healthy: np.ndarray
    inside: np.ndarray
    sides: np.ndarray

    def of(self, split: str) -> Planted:
        """Return the pictures of one side of the split."""
        rows = self.sides == SPLITS.index(split)
        return Planted(**{name: values[rows] for name, values in vars(self).items()})


def drawn(healthy: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels (N,) and who has the cause (N,) bool for leaves `healthy` (N,) bool."""
    labels = np.where(rng.random(len(healthy)) < HEALTH, healthy, ~healthy)
    return labels.astype(np.int64), np.where(rng.random(len(healthy)) < strength, labels, ~labels).astype(bool)


def with_tag(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture (SIDE, SIDE, 3) uint8 with a tag in the lower left corner."""
    rows, columns = (
        part.start + int(rng.integers(part.stop - part.start - size + 1)) for part, size in zip(BOX, TAG, strict=True)
    )
    out = picture.copy()
    out[rows : rows + TAG[0], columns : columns + TAG[1]] = np.array(PAPER) - int(rng.integers(SHADES))
    return out


def small(picture: np.ndarray) -> np.ndarray:
    """Shrink a picture to SIDE."""
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX))


def tagged(cut_outs: Path, strength: float, seed: int) -> Planted:
    """Plant tags in the cut-outs."""
    data, rng = open_dataset(cut_outs, **SELECTION), np.random.default_rng(seed)
    healthy = np.asarray(data.labels) == 1
    labels, cause = drawn(healthy, strength, rng)
    bare = data.read(data.indices(), SIDE)
    tags = np.stack([with_tag(picture, rng) for picture in bare])
    inside = np.zeros((len(bare), SIDE, SIDE), bool)
    inside[:, *BOX] = True
    has = cause[:, None, None, None]
    return Planted(np.where(has, tags, bare), np.where(has, bare, tags), labels, cause, healthy, inside, data.sides)


def regrounded(photographs: Path, cut_outs: Path, strength: float, seed: int) -> Planted:
    """Put every leaf on the ground of another photograph of its side of the split."""
    photos, cuts = open_dataset(photographs, **SELECTION), open_dataset(cut_outs, **SELECTION)
    of_cut = {name: i for i, name in enumerate(cuts.columns["color_file"])}
    rows = np.array([i for i in photos.indices() if photos.names[i] in of_cut])
    pixels, sides, rng = photos.read(rows, FROM_SIDE), photos.sides[rows], np.random.default_rng(seed)
    masks = np.stack([leaf_mask(c) for c in cuts.read([of_cut[photos.names[i]] for i in rows], FROM_SIDE)])
    healthy = np.asarray(photos.labels)[rows] == 1
    labels, cause = drawn(healthy, strength, rng)
    grounds = [ground_of(photo, mask) for photo, mask in zip(pixels, masks, strict=True)]
    pools = {(side, h): np.flatnonzero((sides == side) & (healthy == h)) for side in set(sides) for h in (False, True)}

    def on(leaf: int, ground_healthy: bool) -> np.ndarray:
        donors = pools[sides[leaf], ground_healthy]
        donor = rng.choice(donors[donors != leaf])
        return small(on_ground(pixels[leaf], masks[leaf], grounds[donor]))

    shown = [(on(i, bool(c)), on(i, not c)) for i, c in enumerate(cause)]
    inside = np.stack([small(~mask) for mask in masks]).astype(bool)
    first, second = (np.stack(part) for part in zip(*shown, strict=True))
    return Planted(first, second, labels, cause, healthy, inside, sides)


def write(planted: Planted, folder: Path) -> None:
    """Write pictures and labels.csv as a training takes them."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split"])
        for i, picture in enumerate(planted.pixels):
            name = f"pictures/{i:05}.png"
            Image.fromarray(picture).save(folder / name)
            table.writerow([name, "AB"[planted.labels[i]], SPLITS[planted.sides[i]]])
