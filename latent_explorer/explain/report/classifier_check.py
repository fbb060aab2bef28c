# SPDX-License-Identifier: MIT
"""Check of an imported classifier on a person's own pictures, before anything is trained: a job.

A wrong preprocessing or a wrong order of class names gives verdicts that look like answers. So the labelled pictures
are asked with the usual preprocessings, the outputs are matched with the labels, and the accuracy at the sizes of
generators says what the classifier loses when it is shown so few pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from latent_explorer.common.events import Progress
from latent_explorer.data.dataset import evenly_spaced_rows
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.models.classifiers import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.classifiers import Classifier

SIZES = (64, 128, 224)  # px, of generators and of most classifiers
SHOWN = 12  # pictures whose verdicts are shown
CLEAR_GAIN = 0.05  # accuracy that another preprocessing or order must gain to be offered
LOSS_WORTH_SAYING = 0.03
MOST_ORDERS = 7  # classes up to which all orders are tried
BATCH = 16

# Preprocessings that trainings use most, as changes of the one that is checked.
USUAL: dict[str, dict[str, Any]] = {
    "ImageNet's mean and deviation": {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "channels": "rgb"},
    "-1 to 1": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "channels": "rgb"},
    "0 to 1": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "channels": "rgb"},
    "0 to 255": {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255), "channels": "rgb"},
    "blue first, 0 to 255 less the mean (Caffe)": {
        "mean": (0.406, 0.456, 0.485), "std": (1 / 255, 1 / 255, 1 / 255), "channels": "bgr",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the classifier says of one picture."""

    name: str
    label: str  # "" without labels
    verdict: str
    probability: float


@dataclass(frozen=True)
class Trial:
    """Accuracy with one preprocessing, and the order of the labels' names in which it is reached."""

    text: str
    preprocessing: Preprocessing
    order: tuple[str, ...]
    accuracy: float


@dataclass(frozen=True)
class ClassifierCheck:
    """What was measured on n pictures. Without labels there are verdicts only."""

    n: int
    verdicts: tuple[Verdict, ...]
    accuracy: Rate | None = None  # as the classifier is, by its class names
    trials: tuple[Trial, ...] = ()  # the first: its own preprocessing
    by_size: tuple[tuple[int, float], ...] = ()  # pixels a side that the pictures were reduced to, and accuracies

    @property
    def best(self) -> Trial | None:
        """Trial with the highest accuracy; of equal ones its own preprocessing, or the more usual one."""
        return max(self.trials, key=lambda trial: trial.accuracy, default=None)

    def advice(self, class_names: Sequence[str]) -> list[str]:
        """Return what should be changed or known before a training, a sentence each."""
        best = self.best
        if self.accuracy is None or best is None:
            return []
        found = []
        own = self.trials[0]
        if best.accuracy > own.accuracy + CLEAR_GAIN:
            found.append(
                f"With pictures as {best.text} it is right in {best.accuracy:.3f}, not {own.accuracy:.3f}: use that."
            )
        else:
            best = own
        if best.order != tuple(class_names) and best.accuracy > self.accuracy.share + CLEAR_GAIN:
            order = ", ".join(best.order)
            found.append(f"With the classes in the order {order} it is right in {best.accuracy:.3f}: use that.")
        sizes = dict(self.by_size)
        most = max(sizes.values(), default=0.0)
        lossy = [size for size, share in sizes.items() if share < most - LOSS_WORTH_SAYING]
        if lossy:
            size = max(lossy)
            found.append(
                f"Shown pictures of {size} px it is right in {sizes[size]:.3f}, not {most:.3f}: an explainer of that "
                "size explains a classifier that sees less."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "n": self.n,
            "verdicts": [vars(each) for each in self.verdicts],
            "accuracy": None if self.accuracy is None else self.accuracy.share,
            "trials": [
                {
                    "name": trial.text,
                    "preprocessing": msgspec.to_builtins(trial.preprocessing),
                    "order": list(trial.order),
                    "accuracy": trial.accuracy,
                }
                for trial in self.trials
            ],
            "by_size": {str(size): share for size, share in self.by_size},
        }


def check_classifier(
    classifier: Classifier, pictures: ImageDataset, n: int = 96
) -> Generator[Event, None, ClassifierCheck]:
    """Ask the classifier about n pictures, evenly spaced over the data set.

    Labels are compared by name, whatever their order; data without labels, or with other labels than the classes,
    gives verdicts and the order of labels that fits best.
    """
    config = classifier.config
    rows = evenly_spaced_rows(pictures.indices("all"), n)
    images = pictures.read(rows, max(SIZES[-1], config.preprocessing.input_size))
    labels = None if pictures.labels is None else pictures.labels[rows]
    total = 1 if labels is None else len(USUAL) + len(SIZES) + 1
    yield Progress(0, total, "Asking the classifier")
    probs = _probs(classifier, images)
    verdicts = _verdicts(pictures, rows, probs, config.class_names)
    if labels is None or len(pictures.class_names) != len(config.class_names):
        return ClassifierCheck(len(rows), verdicts)
    right = _accuracy(probs, _in_order(labels, pictures.class_names, config.class_names))
    trials = [Trial("they are", config.preprocessing, *_best_order(probs, labels, pictures.class_names))]
    for done, (text, change) in enumerate(USUAL.items(), 1):
        yield Progress(done, total, "Trying the usual preprocessings")
        grey = {"channels": "grey"} if config.preprocessing.channels == "grey" else {}
        changed = msgspec.structs.replace(config.preprocessing, **(change | grey))
        asked = _probs(classifier, images, changed)
        trials.append(Trial(text, changed, *_best_order(asked, labels, pictures.class_names)))
    by_size = []
    order = trials[0].order
    for done, size in enumerate(SIZES, len(USUAL) + 1):
        yield Progress(done, total, "Showing it smaller pictures")
        small = images if size == images.shape[1] else pictures.read(rows, size)
        expected = np.array([order.index(name) for name in pictures.class_names])[labels]
        by_size.append((size, _accuracy(_probs(classifier, small), expected)))
    yield Progress(total, total, "Done")
    rate = Rate(round(right * len(rows)), len(rows))
    return ClassifierCheck(len(rows), verdicts, rate, tuple(trials), tuple(by_size))


@torch.inference_mode()
def _probs(classifier: Classifier, images: np.ndarray, preprocessing: Preprocessing | None = None) -> np.ndarray:
    """Return the probabilities (n, K) of pictures (n, s, s, 3), with another preprocessing if one is given."""
    used = classifier if preprocessing is None else classifier.with_preprocessing(preprocessing)
    parts = [
        used.probs(torch.from_numpy(to_float(images[start : start + BATCH]))).cpu().numpy()
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def _verdicts(pictures: ImageDataset, rows: np.ndarray, probs: np.ndarray, names: Sequence[str]) -> tuple[Verdict, ...]:
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int))
    return tuple(
        Verdict(
            pictures.names[rows[i]],
            "" if pictures.labels is None else pictures.class_names[pictures.labels[rows[i]]],
            names[int(probs[i].argmax())],
            float(probs[i].max()),
        )
        for i in chosen
    )


def _in_order(labels: np.ndarray, label_names: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Return labels as outputs: by name where the names are the same, else by their order."""
    if set(label_names) == set(class_names):
        outputs = np.array([class_names.index(name) for name in label_names])
        return np.asarray(outputs[labels])
    return labels


def _accuracy(probs: np.ndarray, expected: np.ndarray) -> float:
    return float((probs.argmax(axis=1) == expected).mean())


def _best_order(probs: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> tuple[tuple[str, ...], float]:
    """Return the labels' names in the order of the outputs with the highest accuracy, and that accuracy."""
    count = len(names)
    table = np.zeros((count, count))  # label, output
    np.add.at(table, (labels, probs.argmax(axis=1)), 1)
    if count <= MOST_ORDERS:
        outputs = max(itertools.permutations(range(count)), key=lambda order: table[range(count), order].sum())
    else:
        outputs = _greedy(table)
    order = tuple(names[outputs.index(output)] for output in range(count))
    return order, float(table[range(count), outputs].sum() / len(labels))


def _greedy(table: np.ndarray) -> tuple[int, ...]:
    """Return an output for each label, the largest counts first."""
    left, outputs = table.copy(), [0] * len(table)
    for _ in outputs:
        label, output = np.unravel_index(left.argmax(), left.shape)
        outputs[label] = int(output)
        left[label], left[:, output] = -1, -1
    return tuple(outputs)
