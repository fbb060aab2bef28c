# SPDX-License-Identifier: MIT
"""Training of an encoder for a generator that has none, on the generator's own pictures, whose w is known.

Projections start from the encoder. Generator and encoder are trained together in `training.train`.
"""

from __future__ import annotations

import copy
import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Progress
from latent_explorer.common.paths import atomic_path
from latent_explorer.models.architecture import TrunkConfig
from latent_explorer.models.discriminator import Encoder
from latent_explorer.models.perceptual import perceptual_for
from latent_explorer.training.checkpoints import read_state, write_state
from latent_explorer.training.loop import LOG_EVERY, RunningMeans, TrainingLoop
from latent_explorer.training.randomness import Purpose, StepRandom, stream
from latent_explorer.training.warm_start import copy_trunk

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.perceptual import PerceptualDistance
    from latent_explorer.training.config import EncoderTraining

CHECKPOINT_SECONDS = 60.0
_HELD_OUT = 1 << 40  # step number of the pictures that are never trained on
_JUDGED = 64  # pictures
_LOOKED_AT = 256  # px: LPIPS was made from smaller pictures, and above them it costs the most


def train_encoder(
    explainer: Explainer,
    config: EncoderTraining,
    checkpoint: Path,
    *,
    device: str | torch.device = "cpu",
    resume: bool = False,
    should_stop: Callable[[], object] = lambda: None,
) -> Generator[Event, None, Explainer | None]:
    """Train an encoder and return the explainer with it, or None if `should_stop` ended the training early.

    It can then be resumed from `checkpoint`. Yields Progress, Metric (by the images seen) and Notice. Raises UserError
    if the explainer has an encoder.
    """
    if explainer.encoder is not None:
        raise UserError(f"{explainer.name} has an encoder already; projections start from it.")
    training = _EncoderTrainingRun(explainer, config, checkpoint, torch.device(device))
    if resume:
        training.load()
        yield Notice(f"Going on at {training.images} images.")
    elif checkpoint.exists():
        raise UserError(f"{checkpoint} holds a training that was not finished. Go on with --resume, or delete it.")
    try:
        finished = yield from training.run_steps(should_stop)
    except (Exception, KeyboardInterrupt):
        training.save()  # out of memory, say: the images since the last checkpoint are not lost
        raise
    if not finished:
        return None
    found = training.result(explainer)
    checkpoint.unlink(missing_ok=True)
    return found


class _EncoderTrainingRun(TrainingLoop):
    """Running training: the networks, and everything that the next step depends on."""

    def __init__(self, explainer: Explainer, config: EncoderTraining, checkpoint: Path, device: torch.device) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self.device = device
        self.images = self._first = 0
        self.generator = copy.deepcopy(explainer.generator).to(device)
        self.encoder = _new_encoder(explainer, config).to(device)
        self.kept = copy.deepcopy(self.encoder)
        self.optimiser = torch.optim.Adam(self.encoder.parameters(), config.lr, betas=(0.9, 0.99))
        cond_samples = explainer.samples.cond if explainer.samples is not None else None
        self.cond_samples = cond_samples if cond_samples is not None and cond_samples.shape[1] else None
        classifier = explainer.classifier if explainer.classifiers else None
        distance: PerceptualDistance | None = perceptual_for(classifier)
        self.distance = None if distance is None else distance.to(device)
        self.identity = explainer.model_hash
        self._means = RunningMeans()
        self._began = self._saved = time.monotonic()

    def is_finished(self) -> bool:
        return self.images >= self.config.images

    def progress(self) -> Progress:
        done, total = self.images, self.config.images
        seconds = time.monotonic() - self._began
        left = seconds * (total - done) / max(done - self._first, 1)
        return Progress(min(done, total), total, "Training an encoder (images)", max(0.0, left))

    def step(self) -> list[Event]:
        self._means.add(self._learn())
        if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self.save()
        if self.images // self.config.batch % LOG_EVERY == 0 or self.is_finished():
            return [Metric(self.images, self._means.take())]
        return []

    def _learn(self) -> dict[str, Tensor]:
        config = self.config
        share = self.images / config.images
        img, w, cond = self.pairs(self.images // config.batch, config.batch)
        draws = StepRandom(config.seed, self.images // config.batch)
        noise = draws.normal(Purpose.AUGMENT_REAL, tuple(img.shape[1:]), range(len(img)))
        guess = self.encoder((img + config.blur * noise.to(img)).clamp(-1, 1))
        losses = {"w": self.error(guess, w).mean()}
        if config.picture and share >= config.picture_from:
            losses["picture"] = config.picture * self.difference(guess, img, cond).mean()
        for group in self.optimiser.param_groups:
            group["lr"] = config.lr * min(1.0, 2 * (1 - share))
        self.optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        self.optimiser.step()
        self._average()
        self.images += config.batch
        return losses

    def pairs(self, step: int, count: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Generate pictures (n, 3, R, R) of a step. Returns them, w (n, w_dim) and class probabilities (n, K)."""
        generator, like = self.generator, self.generator.mapping.w_avg
        draws, rng = StepRandom(self.config.seed, step), stream(self.config.seed, step, Purpose.PARTNERS)
        z = draws.normal(Purpose.LATENT, (generator.config.z_dim,), range(count)).to(like)
        c = cond = None
        if generator.config.c_dim:
            classes = torch.from_numpy(rng.integers(generator.config.c_dim, size=count))
            c = F.one_hot(classes, generator.config.c_dim).to(like)
        if generator.config.num_classes:
            even = torch.full((1, generator.config.num_classes), 1 / generator.config.num_classes)
            cond_samples = even if self.cond_samples is None else self.cond_samples
            cond = cond_samples[torch.from_numpy(rng.integers(len(cond_samples), size=count))].to(like)
        with torch.no_grad():
            w = generator.mapping(z, c)
            img = self.render(w, cond).clamp(-1, 1)
        return img, w, cond

    def render(self, w: Tensor, cond: Tensor | None) -> Tensor:
        synthesis = self.generator.synthesis
        return synthesis(self.generator.broadcast(w), cond, synthesis.noise_const())

    def error(self, guess: Tensor, w: Tensor) -> Tensor:
        """Return the mean squared error of w in units of its variance, (n,): 1 is no better than the mean."""
        return (guess - w).square().mean(dim=1) / self.variance

    @functools.cached_property
    def variance(self) -> float:
        """Mean variance of w over its dimensions."""
        _, w, _ = self.pairs(_HELD_OUT, 4 * _JUDGED)
        return max(float(w.var(dim=0).mean()), 1e-12)

    def difference(self, guess: Tensor, img: Tensor, cond: Tensor | None) -> Tensor:
        """Return the difference between the pictures and those of the guessed w, (n,)."""
        shown = self.render(guess, cond)
        pixels = (shown - img).square().mean(dim=(1, 2, 3))
        if self.distance is None:
            return pixels
        if img.shape[-1] > _LOOKED_AT:
            shown, img = (F.interpolate(x, size=_LOOKED_AT, mode="area") for x in (shown, img))
        return pixels + self.distance(shown, img)

    @torch.no_grad()
    def _average(self) -> None:
        """Update the averaged weights. The average is short at first, to forget the initial weights soon."""
        step = self.images // self.config.batch
        keep = min(self.config.average, (1 + step) / (10 + step))
        for mean, now in zip(self.kept.parameters(), self.encoder.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)

    @torch.no_grad()
    def figures(self) -> dict[str, float]:
        """Measure on held-out pictures the error of w (1: no better than the mean) and of the pictures."""
        img, w, cond = self.pairs(_HELD_OUT, _JUDGED)
        guess = torch.cat([self.kept(x) for x in img.split(8)])
        found = {"w_error": float(self.error(guess, w).mean())}
        if self.distance is not None:
            mean = self.generator.mapping.w_avg.expand_as(guess)
            for name, shown in (("", guess), ("mean_", mean)):
                far = self.distance(self.render(shown, cond).clamp(-1, 1), img).mean()
                found[f"{name}{self.distance.key}"] = float(far)
        return found

    def result(self, explainer: Explainer) -> Explainer:
        figures = {"images": self.images, **self.figures()}
        return replace(
            explainer,
            encoder=self.kept.cpu().eval().requires_grad_(False),
            provenance={**explainer.provenance, "encoder": msgspec.to_builtins(self.config)},
            figures={**explainer.figures, "encoder": figures},
        )

    def save(self) -> None:
        path = self.checkpoint
        state = {
            "model": self.identity,
            "config": msgspec.json.encode(self.config).decode(),
            "images": self.images,
            "encoder": self.encoder.state_dict(),
            "kept": self.kept.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        try:
            with atomic_path(path) as temporary:
                write_state(state, temporary)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written ({error.strerror or error}). Free some space, then go on with --resume."
            ) from error
        self._saved = time.monotonic()

    def load(self) -> None:
        """Load the checkpoint. Raises UserError if it is missing, damaged or of another training."""
        path = self.checkpoint
        if not path.exists():
            raise UserError(f"There is no {path} to go on from. Leave out --resume.")
        state = read_state(path, self.device)
        damaged = UserError(f"{path} cannot be read: it is damaged. Delete it and start again.")
        if state is None:
            raise damaged
        try:
            same = state["model"] == self.identity
            same &= state["config"] == msgspec.json.encode(self.config).decode()
            if same:
                self.encoder.load_state_dict(state["encoder"])
                self.kept.load_state_dict(state["kept"])
                self.optimiser.load_state_dict(state["optimiser"])
                self.images = self._first = int(state["images"])
        except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise damaged from error
        if not same:
            raise UserError(f"{path} is of a training with another model or other settings. Give those, or delete it.")


def _new_encoder(explainer: Explainer, config: EncoderTraining) -> Encoder:
    """Return an encoder as wide as the generator, up to a limit, whose output is near w_avg for every picture.

    It starts from the discriminator's convolutions if their shape is the same.
    """
    generator = explainer.generator
    channels = tuple(min(width, config.widest) for width in generator.config.channels)
    critic = explainer.discriminator
    hidden = config.hidden
    if critic is not None and critic.config.channels == channels:
        hidden = critic.config.hidden
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = Encoder(TrunkConfig(channels, generator.config.w_dim, hidden))
    if critic is not None and critic.config.channels == channels:
        copy_trunk(encoder, critic, "discriminator")
    with torch.no_grad():
        encoder.out.bias.copy_(generator.mapping.w_avg)
        encoder.out.weight.mul_(0.1)
    return encoder
