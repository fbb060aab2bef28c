# SPDX-License-Identifier: MIT
"""Training of a run: figures, sheets and checkpoints between its steps, speed and remaining time, and resuming.

A step is in `stylex_trainer`, the loop over steps in `loop`, the setup of a run in `setup`, its files in `run_folder`
and `checkpoints`.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Preview, Progress
from latent_explorer.models.processes import SINGLE_PROCESS, World
from latent_explorer.training.checkpoints import Checkpoints, score
from latent_explorer.training.loop import LOG_EVERY, RunningMeans, TrainingLoop
from latent_explorer.training.setup import build_training, read_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.run_folder import RunFolder
    from latent_explorer.training.stylex_trainer import Trainer
    from latent_explorer.training.validate import Validation

MAX_ROLLBACKS = 3  # to earlier checkpoints, before a training that diverges is given up
FULL_COST = 2.0  # assumed cost of a step with discriminator and mapping path, in steps of reconstruction


class Throughput:
    """Images per second in each of the two stages of the schedule, and the remaining time.

    Time within `paused`, as of validation and writing, does not count.
    """

    def __init__(self, config: TrainConfig, images: int) -> None:
        self._config = config
        # The first image that the discriminator takes part in.
        self._full_from = config.adversarial_start if config.mode == "stylex" else 0
        self._started = time.monotonic()  # moved on by all pauses
        self._paused_at: float | None = None
        self._lap = (images, 0.0)  # images seen and seconds trained at its start
        self._rates: dict[bool, float] = {}  # True: the discriminator takes part
        self._validations: list[float] = []

    def seconds(self) -> float:
        """Return the seconds trained so far by this process."""
        return (self._paused_at or time.monotonic()) - self._started

    @contextlib.contextmanager
    def paused(self, validation: bool = False) -> Iterator[None]:
        """Pause the timer while the context lasts."""
        self._paused_at = started = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - started
            self._started += took
            self._paused_at = None
            if validation:
                self._validations.append(took)

    def lap(self, images: int) -> float:
        """Return images per second since the last lap, and begin the next."""
        rate = self._rate(images)
        self._rates[self._is_full(self._lap[0])] = rate
        self._lap = images, self.seconds()
        return rate

    def taken_back(self, images: int) -> None:
        """Restart the lap after the training was rolled back to `images`."""
        self._lap = images, self.seconds()

    def seconds_left(self, images: int) -> float | None:
        """Return the seconds to the end of the schedule, including validations; None before the first measurement."""
        rates = dict(self._rates)
        if images > self._lap[0]:
            rates.setdefault(self._is_full(self._lap[0]), self._rate(images))
        if not rates:
            return None
        full = rates[True] if True in rates else rates[False] / FULL_COST
        first = rates.get(False, full * FULL_COST)
        end = self._config.images
        before = max(min(end, self._full_from) - images, 0)
        validations = end // self._config.validate_every - images // self._config.validate_every
        each = sum(self._validations) / max(len(self._validations), 1)
        return before / first + max(end - images - before, 0) / full + validations * each

    def _rate(self, images: int) -> float:
        return (images - self._lap[0]) / max(self.seconds() - self._lap[1], 1e-9)

    def _is_full(self, images: int) -> bool:
        return images >= self._full_from


def train(
    run: RunFolder, should_stop: Callable[[], bool] = lambda: False, world: World = SINGLE_PROCESS
) -> Generator[Event, None, bool]:
    """Train until the images of the run's config were seen, from its newest checkpoint if there is one.

    `should_stop` is called between two steps, may wait, and ends the training early if it returns True. A checkpoint is
    written then, at the end, and when the generator is closed. Yields Metric, Preview, Progress and Notice. Returns
    True if all images were seen.

    The state after n images does not depend on how often a run was killed: everything that the next step and the next
    line of figures depend on is in the checkpoint. The first process of `world` decides, measures and writes; all have
    the same weights at every step.
    """
    yield Notice("Reading the pictures.")
    data, pixels = yield from read_pictures(run, world)
    fresh = world.broadcast(not Checkpoints(run).exist())
    built = yield from build_training(run, data, pixels, fresh=fresh, world=world)
    training = TrainingRun(run, *built, fresh, world)
    yield from training.begin()
    return (yield from training.run_steps(should_stop))


class TrainingRun(TrainingLoop):
    """Running training with everything that its checkpoints contain."""

    def __init__(self, run: RunFolder, trainer: Trainer, validation: Validation, fresh: bool, world: World) -> None:
        self.run = run
        self.world = world
        self.config = run.config()
        self.checkpoints = Checkpoints(run)
        self.trainer, self.validation, self.is_fresh = trainer, validation, fresh
        self.means = RunningMeans()
        self.taken_back = 0  # times that it diverged and was rolled back
        self.best: float | None = None
        self.last: float | None = None  # score of the newest validation
        self.throughput = Throughput(self.config, 0)
        self._saved = 0.0  # seconds of training

    def begin(self) -> Generator[Event, None, None]:
        """Load the newest checkpoint, or write the first: the run can be resumed from the first moment."""
        if self.is_fresh:
            self._drop_metrics_after(-1)
            self.save()
        else:
            self._load(self.checkpoints.load())
            if self.checkpoints.damaged:
                yield Notice(f"Damaged and left out: {self.checkpoints.damaged}.", "warning")
            yield Notice(f"Going on at {self.trainer.images} images.")
        self.throughput = Throughput(self.config, self.trainer.images)

    def is_finished(self) -> bool:
        return self.trainer.images >= self.config.images

    def should_stop(self, asked: Callable[[], object]) -> bool:
        """Return True if the first process is asked to end here. The throughput timer is paused while waiting."""
        with self.throughput.paused():
            return self.world.broadcast(bool(asked()))

    def step(self) -> list[Event]:
        """Take one step and do what is due after it. Events are returned last: the reader may stop at any of them."""
        before = self.trainer.images
        self.means.add(self.trainer.step())
        due = self._due(before, self.trainer.images)
        if self.world.broadcast(bool(due) and not self.is_finite()):
            return [self._roll_back()]
        return self._report(due) if self.world.is_main_process else []

    def _report(self, due: set[str]) -> list[Event]:
        events: list[Event] = []
        if "figures" in due:
            rate = self.throughput.lap(self.trainer.images)
            events.append(self._figures(self.means.take() | {"images_per_second": rate}))
        if "validation" in due:
            with self.throughput.paused(validation=True):
                events.append(self._validate())
        with self.throughput.paused():
            if "sheet" in due:
                events.append(self._sheet())
            if "checkpoint" in due:
                self.save()
        return events

    def _due(self, before: int, after: int) -> set[str]:
        c = self.config
        at = {
            "figures": self.trainer.step_count % LOG_EVERY == 0,
            "validation": _crossed(before, after, c.validate_every) or after >= c.images,
            "sheet": _crossed(before, after, c.sheet_every) or after >= c.images,
            "checkpoint": self.throughput.seconds() - self._saved >= c.checkpoint_seconds,
        }
        return {name for name, due in at.items() if due}

    def progress(self) -> Progress:
        images = self.trainer.images
        return Progress(images, self.config.images, "Training (images)", self.throughput.seconds_left(images))

    def is_finite(self) -> bool:
        """Return True if all weights and losses are finite; once one is not, all soon follow."""
        return self.means.are_finite() and self.trainer.is_finite()

    def _figures(self, values: dict[str, float]) -> Metric:
        self.run.append_metrics(self.trainer.images, values)
        return Metric(self.trainer.images, values)

    def _validate(self) -> Metric:
        values = self.validation.measure(self.trainer.networks)
        self.last = score(values)
        best = math.inf if self.best is None else self.best
        if self.last is not None and self.last < best and self._counts():
            self.best = self.last
            self.checkpoints.save_best(self.state())
        return self._figures(values)

    def _counts(self) -> bool:
        """Return True if all losses have their full weight: scores before that are of an easier problem."""
        c = self.config
        full = max(c.kl_start + c.kl_ramp, c.adversarial_start + c.adversarial_ramp)
        return self.trainer.images >= full

    def _sheet(self) -> Preview:
        sheet = self.validation.sheet(self.trainer.networks)
        self.run.write_sheet(self.trainer.images, sheet)
        return Preview(sheet, f"{self.trainer.images} images")

    def _roll_back(self) -> Notice:
        """Return to the last checkpoint with half the learning rate, after weights became infinite or NaN."""
        at, taken_back = self.trainer.images, self.taken_back + 1
        if taken_back > MAX_ROLLBACKS:
            raise UserError(
                f"The training diverged at {at} images and was rolled back {MAX_ROLLBACKS} times already, each time "
                f"with half the learning rate. Export what it has with `latent-explorer export {self.run.path} --out "
                f"X.explainer`, or start again with a smaller one, such as --set lr={self.config.lr / 4:g}."
            )
        self._load(self.checkpoints.load())
        self.taken_back = taken_back
        self.trainer.lr_scale = 0.5**taken_back
        self.throughput.taken_back(self.trainer.images)
        self.save()  # a resumed run must have the smaller learning rate, too
        return Notice(
            f"The training diverged at {at} images. It goes on from {self.trainer.images} images with "
            f"{self.trainer.lr_scale:g} of the learning rate.",
            "warning",
        )

    def save(self) -> None:
        """Write a checkpoint, unless its values are not finite."""
        if self.world.is_main_process and self.is_finite():
            self.checkpoints.save(self.state())
        self._saved = self.throughput.seconds()

    def state(self) -> dict[str, Any]:
        """Return everything that the next step and the next figures depend on."""
        return self.trainer.state() | {
            "means": self.means.state(),
            "taken_back": self.taken_back,
            "best": self.best,
            "last": self.last,
        }

    def _load(self, state: dict[str, Any]) -> None:
        self.trainer.load_state(state)
        self.means.load_state(state["means"], self.trainer.device)
        self.taken_back = int(state["taken_back"])
        self.best, self.last = state["best"], state["last"]
        self._drop_metrics_after(self.trainer.images)

    def _drop_metrics_after(self, images: int) -> None:
        if self.world.is_main_process:
            self.run.drop_metrics_after(images)


def _crossed(before: int, after: int, every: int) -> bool:
    return before // every != after // every
