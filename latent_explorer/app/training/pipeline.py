# SPDX-License-Identifier: MIT
"""Pipeline from pictures to an explainer with attributes in one run folder: classifier, explainer, export, attributes.

Here are the order of the phases, the status of the run, and early ends; the phases are in `training` and `explain`. A
run that is resumed begins with the first phase that is not finished.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from latent_explorer.app.engine.failure import failure_of
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Progress
from latent_explorer.common.format import valid_text
from latent_explorer.common.jobs import forward_events, forward_until
from latent_explorer.training.run_folder import RunFolder, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from latent_explorer.models.processes import World
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.run_folder import Phase, Request, State

T = TypeVar("T")

STATUS_SECONDS = 1.0
_END_MESSAGES: dict[State, str] = {
    "paused": "Paused; it can be resumed at any time.",
    "stopped": "Ended early as asked; it can be resumed at any time.",
    "finished": "Finished.",
}


def run_pipeline(
    folder: Path,
    config: TrainConfig | None = None,
    *,
    changes: dict[str, Any] | None = None,
    command: Sequence[str] = (),
    stop_request: Callable[[], Request | None] = lambda: None,
) -> Generator[Event, None, RunStatus | None]:
    """Start the run that `config` describes, or resume that in `folder` if it is None. Yields the phases' events.

    changes       settings of a resumed run (images, attributes, device), which never becomes shorter, and `data`, the
                  path to which its pictures were moved
    command       command line of the run, for its status
    stop_request  called between steps, beside the folder's request file: "pause" writes a checkpoint and ends,
                  "stop" also exports the explainer

    Returns the last status. Of the processes that torchrun started only the first yields events; the others return
    None. Raises UserError.
    """
    from latent_explorer.models.processes import process_group

    with process_group() as world:
        run = RunFolder(folder)
        if not world.is_main_process:
            _follow(run, world)
            return None
        settings = _checked(run, config, changes or {}, world)
        with run.hold():
            if config is not None:
                run.create(settings)
            elif changes:
                run.change_config(settings)
            reporter = RunReporter(run, command, stop_request)
            with reporter.record_outcome():
                yield from _phases(run, reporter, world)
    return reporter.status


def _checked(run: RunFolder, config: TrainConfig | None, changes: dict[str, Any], world: World) -> TrainConfig:
    """Return the settings to train with. Raises UserError before the folder is touched or a picture is read."""
    from latent_explorer.training.setup import check, with_data_at
    from latent_explorer.training.warm_start import with_sizes_of

    if config is None:
        others = {name: value for name, value in changes.items() if name != "data"}
        config = with_data_at(run, changes["data"]) if "data" in changes else run.config()
        images = max(config.images, others.get("images", 0))
        config = msgspec.structs.replace(config, **{**others, "images": images})
    elif run.exists():
        run.create(config)  # raises UserError
    elif config.init:
        config = with_sizes_of(config, Path(config.init))
    check(config, run, world)
    return config


def _follow(run: RunFolder, world: World) -> None:
    """Take part in every step as a process that is not the first."""
    from latent_explorer.training.train import train

    try:
        goes_on = world.broadcast(True)  # the first process has made the folder and the classifier
    except RuntimeError as error:
        raise UserError("The first process ended before the training began; it says why.") from error
    if goes_on:
        for _ in train(run, world=world):
            pass


class RunReporter:
    """Status and log of a run while its phases run, and requests to end it."""

    def __init__(self, run: RunFolder, command: Sequence[str], stop_request: Callable[[], Request | None]) -> None:
        from latent_explorer.models.device import choose_device

        config, before = run.config(), run.status()
        self.run = run
        self.stop_request: Request | None = None
        self._stop_requested = stop_request
        self._written = 0.0
        self._phase_message = ""
        self.status = RunStatus(
            "starting",
            "explainer",
            total=config.images,
            device=str(choose_device(config.device)),
            pid=os.getpid(),
            started=time.time(),
            images=before.images if before else 0,
            command=before.command if before and before.command else [valid_text(word) for word in command],
        )
        self.update_status()

    def update_status(self, **changes: Any) -> None:
        self.status = msgspec.structs.replace(self.status, updated=time.time(), **changes)
        self.run.write_status(self.status)
        self._written = time.monotonic()

    def begin(self, phase: Phase, message: str) -> None:
        self.run.log_line(message)
        self._phase_message = message
        done = {"phase_done": 0, "phase_total": 0, "seconds_left": None}
        self.update_status(state="running", phase=phase, message=message, **done)

    def record(self, event: Event) -> Event:
        """Record an event of a phase in status and log, and return it."""
        changes: dict[str, Any] = {}
        phase = self.status.phase
        if isinstance(event, Progress):
            changes = {"phase_done": event.done, "phase_total": event.total, "message": self._phase_message}
            if phase == "explainer":
                changes["images"] = event.done
            if phase != "classifier":  # whose time does not include the phases after it
                changes["seconds_left"] = event.seconds_left
        elif isinstance(event, Metric) and phase == "explainer":
            if rate := event.values.get("images_per_second"):
                changes = {"images_per_second": rate}
            if any(name.startswith("val_") for name in event.values):
                self.run.log_line(_figures(event))
        elif isinstance(event, Notice):
            self.run.log_line(event.text)
            changes = {"message": event.text}  # until the next step: reading and asking can take minutes
        self.status = msgspec.structs.replace(self.status, **changes)
        if changes and time.monotonic() - self._written >= STATUS_SECONDS:
            self.update_status()
        return event

    def should_stop(self) -> bool:
        """Return True if an end was requested. Waits first while the window needs the device."""
        self.run.wait_while_busy()
        self.stop_request = self.stop_request or self._stop_requested() or self.run.pop_request()
        return self.stop_request is not None

    def should_pause(self) -> bool:
        """Return True if an end without an explainer was requested."""
        return self.should_stop() and self.stop_request == "pause"

    def forward(
        self, job: Generator[Event, None, T], should_stop: Callable[[], bool] | None = None
    ) -> Generator[Event, None, T | None]:
        """Record and forward a job's events.

        Returns its value, or None if `should_stop` (default: any request) ended it.
        """
        return forward_until(forward_events(job, self.record), should_stop or self.should_stop)

    def end(self, state: State) -> None:
        """Record that the run ended in this state."""
        self.run.log_line(_END_MESSAGES[state])
        self.update_status(state=state, message=_END_MESSAGES[state], seconds_left=None)

    @contextlib.contextmanager
    def record_outcome(self) -> Iterator[None]:
        """Record in status and log why the context ended early."""
        try:
            yield
        except (KeyboardInterrupt, GeneratorExit):
            self.end("paused")
            raise
        except Exception as error:
            message = failure_of(error).message
            self.run.log_line(message)
            with contextlib.suppress(UserError):
                self.update_status(state="failed", message=message, seconds_left=None)
            raise


def _figures(event: Metric) -> str:
    shown = {name.removeprefix("val_"): value for name, value in event.values.items()}
    figures = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in shown.items())
    return f"{event.step} images: {figures}"


def _phases(run: RunFolder, reporter: RunReporter, world: World) -> Generator[Event, None, None]:
    from latent_explorer.training.setup import copy_classifier
    from latent_explorer.training.train import train

    config = run.config()
    if config.mode == "stylex" and not run.classifier.exists():
        if config.classifier:
            copy_classifier(run)
        else:
            yield from _classifier(run, reporter)
    if not world.broadcast(not reporter.should_stop()):
        reporter.end("paused" if reporter.stop_request == "pause" else "stopped")
        return
    reporter.begin("explainer", "Training the explainer.")
    yield from forward_events(train(run, reporter.should_stop, world=world), reporter.record)
    if reporter.stop_request == "pause":
        reporter.end("paused")
        return
    yield from _export(run, reporter)
    if reporter.stop_request is None and config.mode == "stylex" and config.attributes:
        yield from _attributes(run, reporter)
    end_states: dict[Request | None, State] = {None: "finished", "pause": "paused", "stop": "stopped"}
    reporter.end(end_states[reporter.stop_request])


def _classifier(run: RunFolder, reporter: RunReporter) -> Generator[Event, None, None]:
    """Train the run's own classifier. It takes minutes and starts again after a kill."""
    from latent_explorer.models.classifier_file import write_classifier
    from latent_explorer.training.train_classifier import train_classifier

    settings = run.config().classifier_training
    assert settings is not None  # as `check` made sure
    reporter.begin("classifier", "Training the classifier.")
    trained = yield from reporter.forward(train_classifier(settings))
    if trained is not None:
        classifier, about = trained
        write_classifier(run.classifier, classifier, about)
        test = about["test"]
        text = f"The classifier is right on {test['accuracy']:.1%} of {test['n']} test pictures."
        yield reporter.record(Notice(text))


def _export(run: RunFolder, reporter: RunReporter) -> Generator[Event, None, None]:
    """Write result.explainer, unless it has the networks of the same checkpoint."""
    from latent_explorer.models.explainer_file import write_explainer
    from latent_explorer.training.export import export, select_checkpoint

    images = int(select_checkpoint(run)["images"])
    if images == 0 or images == _result_images(run):
        return
    reporter.begin("attributes", "Writing the explainer.")
    job = export(run.path, run.config().name or run.path.name)
    explainer = yield from reporter.forward(job, reporter.should_pause)
    if explainer is None:
        return
    yield Progress(0, 1, "Writing the explainer")
    with run.explain_write_errors("result.explainer"):
        write_explainer(explainer, run.result)
    text = f"Wrote {run.result.name}, as it stood after {images} images."
    yield reporter.record(Notice(text))


def _attributes(run: RunFolder, reporter: RunReporter) -> Generator[Event, None, None]:
    """Find the attributes of result.explainer, unless it has some."""
    from latent_explorer.explain.attfind.attfind import attfind
    from latent_explorer.explain.attfind.kept_moves import KeptMoves
    from latent_explorer.explain.attfind.settings import AttFindSettings
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import with_attribute_set
    from latent_explorer.models.explainer_file import read_explainer, write_explainer

    model = read_explainer(run.result)
    if model.attribute_sets:
        return
    config = run.config()
    reporter.begin("attributes", "Finding the attributes.")
    settings = AttFindSettings(n=config.attributes)
    device = choose_device(config.device)
    job = attfind(model, settings, ranges=model.style_stats, device=device, kept=KeptMoves())
    search = yield from reporter.forward(job)
    if search is not None:
        write_explainer(with_attribute_set(model, search.attribute_set), run.result)
        count = len(search.attribute_set.attributes)
        yield reporter.record(Notice(f"Found {count} attributes."))


def _result_images(run: RunFolder) -> int | None:
    """Return the images seen by the networks in result.explainer, or None if there is no such file."""
    from latent_explorer.models.explainer_file import info

    try:
        return int(info(run.result).header.provenance["images"])
    except (UserError, KeyError, TypeError, ValueError):
        return None
