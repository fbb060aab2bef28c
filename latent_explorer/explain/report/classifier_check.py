# SPDX-License-Identifier: MIT
"""Check of an imported classifier on a person's own pictures, before anything is trained: a job.

A wrong preprocessing or a wrong order of class names gives verdicts that look like answers. So the labelled pictures
are asked with the usual preprocessings, the outputs are matched with the labels, and the accuracy at the sizes of
generators says what the classifier loses when it is shown so few pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.dataset import evenly_spaced_rows
from latent_explorer.data.images import to_float
from latent_explorer.data.threads import map_in_threads
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.models.preprocessing import USUAL, Preprocessing, changed_to

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.classifiers import Classifier

PICTURES = 96
SIZES = (64, 128, 224)  # px, of generators and of most classifiers
SHOWN = 12  # pictures whose verdicts are shown
CLEAR_GAIN = 0.05  # accuracy that another preprocessing or order must gain to be offered
LOSS_WORTH_SAYING = 0.03
MOST_ORDERS = 7  # classes up to which all orders are tried


@dataclass(frozen=True)
class Verdict:
    """What the classifier says of one picture."""

    name: str
    label: str  # "" without labels
    verdict: str
    probability: float
    right: bool | None = None  # None without labels, or with as many as there are no classes


@dataclass(frozen=True)
class Advice:
    """What should be changed or known before a training, and the change that it speaks of."""

    text: str
    preprocessing: Preprocessing | None = None
    class_names: tuple[str, ...] = ()


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
    def clear(self) -> bool:
        """True if it is right so often, in some order of the class names, that its preprocessing is hardly wrong."""
        return bool(self.trials) and self.trials[0].accuracy >= _halfway(len(self.trials[0].order))

    @property
    def best(self) -> Trial | None:
        """Trial with the highest accuracy; of equal ones its own preprocessing, or the more usual one."""
        return max(self.trials, key=lambda trial: trial.accuracy, default=None)

    def advice(self, class_names: Sequence[str]) -> list[Advice]:
        """Return what should be changed or known before a training, one piece for each sentence."""
        best = self.best
        if self.accuracy is None or best is None:
            return []
        found = []
        own = self.trials[0]
        if best.accuracy > own.accuracy + CLEAR_GAIN:
            text = f"With pictures as {best.text} it is right in {best.accuracy:.3f}, not {own.accuracy:.3f}: use that."
            found.append(Advice(text, preprocessing=best.preprocessing))
        else:
            best = own
        order = ", ".join(best.order)
        if best.order != tuple(class_names) and best.accuracy > self.accuracy.share + CLEAR_GAIN:
            text = f"With the classes in the order {order} it is right in {best.accuracy:.3f}: use that."
            found.append(Advice(text, class_names=best.order))
        elif set(best.order) != set(class_names) and best.accuracy >= _halfway(len(best.order)):
            text = f"The labels are called {order}, in the order in which it is right in {best.accuracy:.3f}: use that."
            found.append(Advice(text, class_names=best.order))
        sizes = dict(self.by_size)
        most = max(sizes.values(), default=0.0)
        lossy = [size for size, share in sizes.items() if share < most - LOSS_WORTH_SAYING]
        if lossy:
            size = max(lossy)
            text = (
                f"Shown pictures of {size} px it is right in {sizes[size]:.3f}, not {most:.3f}: an explainer of that "
                "size explains a classifier that sees less."
            )
            found.append(Advice(text))
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


class CheckPictures:
    """Pictures of a check, evenly spaced over a data set, read once for all that is asked about them."""

    def __init__(self, data: ImageDataset, n: int = PICTURES) -> None:
        self._data = data
        self._images: dict[int, np.ndarray] = {}
        self.rows = evenly_spaced_rows(data.indices("all"), n)
        self.label_names = data.class_names

    @property
    def names(self) -> list[str]:
        return [self._data.names[row] for row in self.rows]

    @property
    def labels(self) -> np.ndarray | None:
        """Labels (n,) as indices into `label_names`, or None."""
        return None if self._data.labels is None else self._data.labels[self.rows]

    @property
    def shown(self) -> np.ndarray:
        """Places, among the pictures, of those whose verdicts are shown."""
        return np.unique(np.linspace(0, len(self.rows) - 1, min(SHOWN, len(self.rows))).round().astype(int))

    def read(self, size: int) -> Generator[Event, None, np.ndarray]:
        """Return the pictures, (n, size, size, 3) uint8. Those that cannot be read are left out, unless none can."""
        if size not in self._images:
            found = yield from map_in_threads(lambda i: self._decoded(i, size), len(self.rows), "Reading pictures")
            kept = [image for image in found if isinstance(image, np.ndarray)]
            if not kept:
                raise next(error for error in found if isinstance(error, UserError))
            if len(kept) < len(found):
                self.rows = self.rows[[isinstance(image, np.ndarray) for image in found]]
            self._images[size] = np.stack(kept)
        return self._images[size]

    def _decoded(self, place: int, size: int) -> np.ndarray | UserError:
        try:
            return self._data.decode(self.rows[place], size)
        except UserError as error:
            return error


def check_classifier(
    classifier: Classifier, pictures: CheckPictures, budget: StepBudget = default_budget
) -> Generator[Event, None, ClassifierCheck]:
    """Ask the classifier about pictures. What is known so far is yielded as Kept: the verdicts first.

    Labels are compared by name, whatever their order; data without labels, or with other labels than the classes,
    gives verdicts and the order of labels that fits best.
    """
    config, ask = classifier.config, partial(_probs, budget=budget)
    images = yield from pictures.read(max(SIZES[-1], config.preprocessing.input_size))
    labels, names, shown = pictures.labels, pictures.label_names, pictures.shown
    probs = np.zeros((len(images), len(config.class_names)), np.float32)
    probs[shown] = yield from ask(classifier, images[shown], "Asking the classifier")
    expected = None
    if labels is not None and len(names) == len(config.class_names):
        expected = _in_order(labels, names, config.class_names)
    verdicts = _verdicts(pictures, probs, expected, config.class_names)
    yield Kept(ClassifierCheck(len(images), verdicts))
    if labels is None or expected is None:
        return ClassifierCheck(len(images), verdicts)
    others = np.setdiff1d(np.arange(len(images)), shown)
    if len(others):
        probs[others] = yield from ask(classifier, images[others], "Asking the classifier")
    rate = Rate(int((probs.argmax(axis=1) == expected).sum()), len(images))
    trials = [Trial("they are", config.preprocessing, *_best_order(probs, labels, names))]
    yield Kept(ClassifierCheck(len(images), verdicts, rate, tuple(trials)))
    for place, text in enumerate(USUAL):
        changed = changed_to(config.preprocessing, text)
        asked = probs
        if changed != config.preprocessing:
            message = "Trying the usual preprocessings"
            used = classifier.with_preprocessing(changed)
            asked = yield from _part(ask(used, images, message), place, len(USUAL))
        trials.append(Trial(text, changed, *_best_order(asked, labels, names)))
        yield Kept(ClassifierCheck(len(images), verdicts, rate, tuple(trials)))
    by_size = []
    expected = np.array([trials[0].order.index(name) for name in names])[labels]
    for place, size in enumerate(SIZES):
        small = yield from pictures.read(size)
        asked = yield from _part(ask(classifier, small, "Showing it smaller pictures"), place, len(SIZES))
        by_size.append((size, float((asked.argmax(axis=1) == expected).mean())))
    return ClassifierCheck(len(images), verdicts, rate, tuple(trials), tuple(by_size))


def _probs(
    classifier: Classifier, images: np.ndarray, message: str, budget: StepBudget
) -> Generator[Event, None, np.ndarray]:
    """Return the probabilities (n, K) of pictures (n, s, s, 3), a batch in a step."""

    @torch.inference_mode()
    def compute(rows: slice) -> np.ndarray:
        return classifier.probs(torch.from_numpy(to_float(images[rows]))).cpu().numpy()

    return np.concatenate((yield from BatchSizer(budget).run(compute, len(images), message)))


def _part(job: Generator[Event, None, np.ndarray], place: int, parts: int) -> Generator[Event, None, np.ndarray]:
    """Run a job as one of equal parts of a whole, whose progress is reported."""

    def of_whole(event: Event) -> Event:
        if isinstance(event, Progress):
            return Progress(place * event.total + event.done, parts * event.total, event.message)
        return event

    return forward_events(job, of_whole)


def _verdicts(
    pictures: CheckPictures, probs: np.ndarray, expected: np.ndarray | None, class_names: Sequence[str]
) -> tuple[Verdict, ...]:
    names, labels = pictures.names, pictures.labels
    return tuple(
        Verdict(
            names[i],
            "" if labels is None else pictures.label_names[labels[i]],
            class_names[int(probs[i].argmax())],
            float(probs[i].max()),
            None if expected is None else bool(probs[i].argmax() == expected[i]),
        )
        for i in pictures.shown
    )


def _halfway(classes: int) -> float:
    """Return the accuracy halfway between guessing and always being right."""
    return (1 + 1 / classes) / 2


def _in_order(labels: np.ndarray, label_names: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Return labels as outputs: by name where the names are the same, else by their order."""
    if set(label_names) == set(class_names):
        outputs = np.array([class_names.index(name) for name in label_names])
        return np.asarray(outputs[labels])
    return labels


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
