# SPDX-License-Identifier: MIT
"""Check of an imported classifier on a person's own pictures, before anything is trained: a job.

A wrong preprocessing or a wrong order of class names gives verdicts that look like answers. So the labelled pictures
are asked with the usual preprocessings, the outputs are matched with the labels, and the accuracy at the sizes of
generators says what the classifier loses when it is shown so few pixels.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

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

    from torch import nn

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.classifiers import Classifier

PICTURES = 96
SIZES = (64, 128, 224)  # px, of generators and of most classifiers
INPUTS = (64, 112)  # px that a network for larger pictures may be given, which makes it 12 or 4 times as fast
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
    severity: str = "warning"  # or "note"


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
    by_input: tuple[tuple[int, float], ...] = ()  # likewise, the network being given no more than these pixels

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
        enough = [(size, share) for size, share in self.by_input if share >= own.accuracy - LOSS_WORTH_SAYING]
        if enough and not found:
            size, share = enough[0]
            usual = own.preprocessing.input_size
            text = (
                f"Given {size} px instead of {usual} px its network is right in {share:.3f} and about "
                f"{(usual / size) ** 2:.0f} times as fast, and so is most of a training, which then explains it at "
                "that size."
            )
            smaller = msgspec.structs.replace(own.preprocessing, input_size=size)
            found.append(Advice(text, preprocessing=smaller, severity="note"))
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
            "by_input": {str(size): share for size, share in self.by_input},
        }


class CheckPictures:
    """Pictures of a check, evenly spaced over a data set, read once for all that is asked about them.

    answers  of a network by preprocessing and size, (n, K) probabilities: other class names ask for nothing again
    """

    def __init__(self, data: ImageDataset, n: int = PICTURES) -> None:
        self._data = data
        self._images: dict[int, list[np.ndarray]] = {}
        self.answers: WeakKeyDictionary[nn.Module, dict[tuple[Preprocessing, int], np.ndarray]] = WeakKeyDictionary()
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

    def read(self, size: int) -> Generator[Event, None, list[np.ndarray]]:
        """Return the pictures, (s, s, 3) uint8 each, reduced to `size`; smaller ones are as they are.

        They are not enlarged: the classifier itself does that, and its verdicts depend on how. Those that cannot be
        read are left out, unless none can.
        """
        if size not in self._images:
            found = yield from map_in_threads(lambda i: self._decoded(i, size), len(self.rows), "Reading pictures")
            kept = [image for image in found if isinstance(image, np.ndarray)]
            if not kept:
                raise next(error for error in found if isinstance(error, UserError))
            if len(kept) < len(found):
                self.rows = self.rows[[isinstance(image, np.ndarray) for image in found]]
            self._images[size] = kept
        return self._images[size]

    def side(self, size: int) -> int:
        """Return the side of the largest picture that was read at `size`."""
        return max(len(image) for image in self._images[size])

    def _decoded(self, place: int, size: int) -> np.ndarray | UserError:
        try:
            return self._data.decode(self.rows[place], size, enlarge=False)
        except UserError as error:
            return error


def check_classifier(
    classifier: Classifier, pictures: CheckPictures, budget: StepBudget = default_budget
) -> Generator[Event, None, ClassifierCheck]:
    """Ask the classifier about pictures. What is known so far is yielded as Kept: the verdicts first.

    Labels are compared by name, whatever their order; data without labels, or with other labels than the classes,
    gives verdicts and the order of labels that fits best.
    """
    config, size = classifier.config, whole_size(classifier.config.preprocessing)
    images = yield from pictures.read(size)
    labels, names, shown = pictures.labels, pictures.label_names, pictures.shown
    expected = None
    if labels is not None and len(names) == len(config.class_names):
        expected = _in_order(labels, names, config.class_names)
    known = pictures.answers.setdefault(classifier.network, {})
    own = config.preprocessing, pictures.side(size)
    message = "Asking the classifier"
    probs = known.get(own)
    first = probs if probs is not None else np.zeros((len(images), len(config.class_names)), np.float32)
    if probs is None:
        first[shown] = yield from _probs(classifier, [images[i] for i in shown], message, budget)
    verdicts = _verdicts(pictures, first, expected, config.class_names)
    yield Kept(ClassifierCheck(len(images), verdicts))
    if labels is None or expected is None:
        return ClassifierCheck(len(images), verdicts)
    if probs is None:
        others = np.setdiff1d(np.arange(len(images)), shown)
        if len(others):
            first[others] = yield from _probs(classifier, [images[i] for i in others], message, budget)
        probs = known[own] = first
    rate = Rate(int((probs.argmax(axis=1) == expected).sum()), len(images))
    trials = [Trial("they are", config.preprocessing, *_best_order(probs, labels, names))]
    yield Kept(ClassifierCheck(len(images), verdicts, rate, tuple(trials)))
    for place, text in enumerate(USUAL):
        changed = classifier.with_preprocessing(changed_to(config.preprocessing, text))
        job = _asked(changed, pictures, size, "Trying the usual preprocessings", budget)
        asked = yield from _part(job, place, len(USUAL))
        trials.append(Trial(text, changed.config.preprocessing, *_best_order(asked, labels, names)))
        yield Kept(ClassifierCheck(len(images), verdicts, rate, tuple(trials)))
    found = ClassifierCheck(len(images), verdicts, rate, tuple(trials))
    if found.clear:  # then another order is one of the names, not a better fit of wrong verdicts
        expected = np.array([trials[0].order.index(name) for name in names])[labels]
    by_size = yield from _on_smaller_pictures(classifier, pictures, expected, budget)
    by_input = (yield from _with_smaller_input(classifier, pictures, expected, budget)) if found.clear else ()
    return dataclasses.replace(found, by_size=by_size, by_input=by_input)


def _on_smaller_pictures(
    classifier: Classifier, pictures: CheckPictures, expected: np.ndarray, budget: StepBudget
) -> Generator[Event, None, tuple[tuple[int, float], ...]]:
    """Return the accuracies on pictures reduced to the sizes of generators."""
    found = []
    for place, size in enumerate(SIZES):
        job = _asked(classifier, pictures, size, "Showing it smaller pictures", budget)
        asked = yield from _part(job, place, len(SIZES))
        found.append((size, float((asked.argmax(axis=1) == expected).mean())))
    return tuple(found)


def _with_smaller_input(
    classifier: Classifier, pictures: CheckPictures, expected: np.ndarray, budget: StepBudget
) -> Generator[Event, None, tuple[tuple[int, float], ...]]:
    """Return the accuracies with fewer pixels given to the network, at the sizes that it takes."""
    found = []
    usual = classifier.config.preprocessing
    for size in INPUTS:
        given = classifier.with_preprocessing(msgspec.structs.replace(usual, input_size=size))
        if 2 * size <= usual.input_size and _takes_size(given):
            asked = yield from _asked(given, pictures, size, "Giving its network fewer pixels", budget)
            found.append((size, float((asked.argmax(axis=1) == expected).mean())))
    return tuple(found)


def whole_size(preprocessing: Preprocessing) -> int:
    """Return the pixels a side of which pictures lose nothing: those that are cropped for the network, or more."""
    return max(SIZES[-1], math.ceil(preprocessing.input_size / preprocessing.crop))


def _takes_size(classifier: Classifier) -> bool:
    try:
        classifier.check_size()
    except UserError:
        return False
    return True


def _asked(
    classifier: Classifier, pictures: CheckPictures, size: int, message: str, budget: StepBudget
) -> Generator[Event, None, np.ndarray]:
    """Return the probabilities (n, K) of all pictures at a size, which are kept for the next time."""
    known = pictures.answers.setdefault(classifier.network, {})
    images = yield from pictures.read(size)
    asked = classifier.config.preprocessing, pictures.side(size)  # reducing changes no smaller pictures
    if asked not in known:
        known[asked] = yield from _probs(classifier, images, message, budget)
    return known[asked]


def _probs(
    classifier: Classifier, images: Sequence[np.ndarray], message: str, budget: StepBudget
) -> Generator[Event, None, np.ndarray]:
    """Return the probabilities (n, K) of pictures (s, s, 3), a batch in a step; one by one if their sizes differ."""
    alike = len({len(image) for image in images}) == 1

    @torch.inference_mode()
    def compute(rows: slice) -> np.ndarray:
        parts = [images[rows]] if alike else [[image] for image in images[rows]]
        return np.concatenate(
            [classifier.probs(torch.from_numpy(to_float(np.stack(part)))).cpu().numpy() for part in parts]
        )

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
