# SPDX-License-Identifier: MIT
"""Training step of StylEx. Every update uses both encoded latents and latents of the mapping network.

Recipe: reconstruction first; then the classifier's agreement; then the discriminator. In each step one batch of
pictures is reconstructed from E(x) and its own class probabilities, and a smaller batch is generated, from z and from
encoded latents re-paired with another picture's probabilities, so that the generator must draw what it is told and not
only what the encoder saw. A plain StyleGAN2 (mode "stylegan2") has the adversarial part alone, from the first step.

Convolutions may run in bfloat16; what takes second derivatives (R1, path length), losses and class weights do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from latent_explorer.models.processes import SINGLE_PROCESS, World
from latent_explorer.training import losses
from latent_explorer.training.augment import Augmentation
from latent_explorer.training.classifier_losses import ClassifierLosses
from latent_explorer.training.distributed import check_batch_divisible, path_length_pictures
from latent_explorer.training.randomness import Purpose, StepRandom
from latent_explorer.training.step_inputs import BatchPositions, hear, mix_class_styles, noise_maps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.perceptual import PerceptualDistance
    from latent_explorer.models.synthesis import Styles
    from latent_explorer.training.batches import Batch, BatchStream
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.networks import Networks

BANK = 1024  # recent encoder latents that mapping's output is aligned to
PROJECTIONS = 64
PATH_LENGTH_DECAY = 0.99


def ramp(images: int, start: int, length: int) -> float:
    """0 until `start` images, then linearly up to 1 over `length`."""
    return min(max((images - start) / max(length, 1), 0.0), 1.0)


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Return True if convolutions run in bfloat16: if asked for, or by "auto" on CUDA cards with it in hardware."""
    if precision != "auto":
        return precision == "bfloat16"
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


class GeneratedBatch(NamedTuple):
    """Generated pictures that the discriminator sees."""

    img: Tensor  # (N, 3, H, W), detached
    target_cond: Tensor  # (N, K)
    samples: list[int]  # positions in the step's batch


class Trainer:
    """State of a training: networks, optimisers, counters. Random numbers and data order depend on the counters."""

    def __init__(
        self,
        config: TrainConfig,
        networks: Networks,
        stream: BatchStream,
        classifier: Classifier | None,
        perceptual: PerceptualDistance | None,
        world: World = SINGLE_PROCESS,
    ) -> None:
        """Set up a training; all arguments are on one device. A plain StyleGAN2 needs no classifier and no distance."""
        check_batch_divisible(config, world.size)
        self.config = config
        self.networks = networks
        self.stream = stream
        self.classifier = classifier
        self.perceptual = perceptual
        self.classifier_losses = ClassifierLosses(config, classifier) if classifier else None
        self.world = world
        self.device = networks.G.mapping.w_avg.device
        self.bfloat16 = uses_bfloat16(config.precision, self.device)
        self.positions = BatchPositions(config, world)
        self.images = 0
        self.step_count = 0
        self.lr_scale = 1.0  # halved whenever the training diverged and was rolled back
        self.bank = torch.zeros(0, config.w_dim, device=self.device)
        self.mean_path_length = torch.zeros([], device=self.device)
        self.augmentation = Augmentation(config.ada_target, config.ada_images, self.device)
        trained = {"G": networks.G, "E": networks.E, "D": networks.D}
        self.optimisers = {
            name: torch.optim.Adam(
                module.parameters(),
                lr=config.lr,
                betas=(0.0 if name == "D" else config.momentum, 0.99),
                eps=1e-8,
                fused=self.device.type in ("cpu", "cuda"),
            )
            for name, module in trained.items()
            if module is not None
        }

    # -- one step ------------------------------------------------------------------------------------------------

    def step(self) -> dict[str, Tensor]:
        """Update all networks once. Returns the losses (detached), means over the batch of all processes."""
        c = self.config
        self._set_learning_rate()
        draws = StepRandom(c.seed, self.step_count)
        batch = self.stream.batch(self.images, draws)
        adversarial = ramp(self.images, c.adversarial_start, c.adversarial_ramp)
        if self.networks.E is None:
            adversarial = 1.0
        logged, fakes = self._update_generator(batch, adversarial, draws)
        if adversarial > 0:
            logged |= self._update_discriminator(batch, fakes, draws)
        if adversarial > 0 and c.path_length and self.step_count % c.path_length_every == 0:
            logged |= self._regularise_path_length(batch.cond, draws)
        self.images += c.batch
        self.step_count += 1
        with torch.no_grad():
            z = draws.normal(Purpose.AVERAGE_LATENT, (4 * c.batch, c.z_dim))
            w = self._mapped(z)
        self.networks.update_averages(c.batch, self.images, c.ema_half_life, w)
        return self.world.means(logged)

    def _update_generator(
        self, batch: Batch, adversarial: float, draws: StepRandom
    ) -> tuple[dict[str, Tensor], GeneratedBatch]:
        c, net = self.config, self.networks
        net.D.requires_grad_(False)
        w = self._encode(batch.real)
        img, target_cond, samples = self._draw(batch, w, adversarial > 0, draws)
        logged: dict[str, Tensor] = {}
        loss = torch.zeros([], device=self.device)
        if w is not None:
            loss, logged = self._reconstruction_losses(batch.real, w, target_cond, img)
        rows = self.positions.shown(len(img))
        fakes = GeneratedBatch(img[rows], target_cond[rows], [samples[row] for row in rows])
        if adversarial > 0:
            seen = self.augmentation(fakes.img, draws, Purpose.AUGMENT_GENERATED, fakes.samples)
            score = losses.generator_loss(self._score(seen, fakes.target_cond))
            loss = loss + adversarial * c.adversarial * score
            logged["adversarial"] = score.detach()
        if w is not None:
            align, sparsity = self._align(draws), losses.cond_sparsity(net.G.synthesis)
            loss = loss + c.align * align + c.cond_sparsity * sparsity
            logged |= {"align": align.detach(), "cond_sparsity": sparsity.detach()}
            self.bank = torch.cat([self.bank, self.world.gather(w.detach())])[-BANK:]
        self._apply(("G",) if w is None else ("G", "E"), loss)
        net.limit_cond(c.cond_limit)
        net.D.requires_grad_(True)
        return logged, fakes._replace(img=fakes.img.detach())

    def _reconstruction_losses(
        self, real: Tensor, w: Tensor, target_cond: Tensor, img: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of the reconstruction losses, and each of them detached.

        They are L1, LPIPS or its substitute, the classifier's KL (on generated pictures too: they must show what they
        were told) and the latent loss. A loss without weight is not computed.
        """
        c, rec = self.config, img[: len(real)]
        agreeing = ramp(self.images, c.kl_start, c.kl_ramp)
        l1 = (rec - real).abs().mean()
        loss, logged = c.l1 * l1, {"l1": l1.detach()}
        if c.lpips and self.perceptual is not None:
            distance = self.perceptual(rec, real).mean()
            loss = loss + c.lpips * distance
            logged[self.perceptual.key] = distance.detach()
        if self.classifier_losses is not None:
            shown = [*self.positions.encoded, *self.positions.generated][: len(img)]
            asked = self.classifier_losses(c, real, rec, img, target_cond, shown, self.step_count)
            for name, weight, value in asked:
                loss = loss + weight * agreeing * value
                logged[name] = value.detach()
        if c.latent and self.step_count % c.latent_every == 0:
            again = self._encode(rec)
            assert again is not None
            latent = (again - w.detach()).abs().mean()
            loss = loss + c.latent * c.latent_every * latent
            logged["latent"] = latent.detach()
        return loss, logged

    def _update_discriminator(self, batch: Batch, fakes: GeneratedBatch, draws: StepRandom) -> dict[str, Tensor]:
        c, samples = self.config, self.positions.real
        real, cond = batch.real[: len(samples)], batch.cond[: len(samples)]
        real = self.augmentation(real, draws, Purpose.AUGMENT_REAL, samples).detach()
        fake = self.augmentation(fakes.img, draws, Purpose.AUGMENT_FAKE, fakes.samples)
        regularise = self.step_count % c.r1_every == 0
        real.requires_grad_(regularise)
        real_scores = self._score(real, cond, exact=regularise)
        loss = losses.discriminator_loss(real_scores, self._score(fake, fakes.target_cond))
        logged = {"discriminator": loss.detach(), "real_score": real_scores.mean().detach()}
        if regularise:
            penalty = losses.r1_penalty(real_scores, real)
            loss = loss + 0.5 * c.r1_gamma * c.r1_every * penalty
            logged["r1"] = penalty.detach()
        self._apply(("D",), loss)
        return logged | self.augmentation.adapt(real_scores.detach(), c.batch, self.world)

    def _regularise_path_length(self, cond: Tensor, draws: StepRandom) -> dict[str, Tensor]:
        c, G = self.config, self.networks.G
        samples = self.world.share(path_length_pictures(c))
        z = draws.normal(Purpose.PATH_LATENT, (c.z_dim,), samples)
        ws = G.broadcast(self._mapped(z)).contiguous()
        noise = self._noise(draws, Purpose.PATH_NOISE, samples)
        img = G.synthesis(ws, hear(cond[: len(samples)], self._untold(draws, samples)), noise)
        direction = draws.normal(Purpose.PATH_DIRECTION, tuple(img.shape[1:]), samples)
        lengths = losses.path_lengths(img, ws, direction.to(self.device))
        observed = self.world.mean(lengths.detach().mean())
        mean = self.mean_path_length.lerp(observed, 1 - PATH_LENGTH_DECAY)
        self.mean_path_length = mean
        penalty = (lengths - mean).square().mean()
        self._apply(("G",), c.path_length * c.path_length_every * penalty)
        return {"path_length": mean}

    def _set_learning_rate(self) -> None:
        """Set the learning rate: constant, then falling to a tenth; rising at first if networks were taken over."""
        c = self.config
        cooldown = min(c.cooldown, c.images // 4)
        factor = min(max((c.images - self.images) / max(cooldown, 1), 0.1), 1.0)
        if c.init:
            factor *= ramp(self.images + c.batch, 0, c.warm_up)
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = c.lr * self.lr_scale * factor

    # -- parts of a step -----------------------------------------------------------------------------------------

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def _mapped(self, z: Tensor) -> Tensor:
        w: Tensor = self.networks.G.mapping(z.to(self.device))
        return w

    def _encode(self, img: Tensor) -> Tensor | None:
        """Return w (N, w_dim), or None without an encoder."""
        if self.networks.E is None:
            return None
        with self._autocast():
            w: Tensor = self.networks.E(img)
        return w.float()

    def _score(self, img: Tensor, cond: Tensor, exact: bool = False) -> Tensor:
        """Return the discriminator's scores (N,); `exact` for second derivatives."""
        if exact:
            return self.networks.D.score(img, cond)
        with self._autocast():
            return self.networks.D.score(img, cond).float()

    def _draw(
        self, batch: Batch, w: Tensor | None, generate: bool, draws: StepRandom
    ) -> tuple[Tensor, Tensor, list[int]]:
        """Draw all pictures of a step in one pass: img (N, 3, H, W), what they were told (N, K), their positions."""
        G, parts, samples = self.networks.G, [], list(self.positions.encoded)
        if w is not None:
            heard = hear(batch.cond, self._untold(draws, samples))
            parts.append((G.synthesis.styles(G.broadcast(w), heard), batch.cond))
        if generate:
            parts += self._generated(batch, w, draws)
            samples += self.positions.generated
        styles = [torch.cat(layer) for layer in zip(*(styles for styles, _ in parts), strict=True)]
        noise = self._noise(draws, Purpose.NOISE, samples)
        with self._autocast():
            img = G.synthesis.render(styles, noise)
        img, target_cond = img.float(), torch.cat([target_cond for _, target_cond in parts])
        if generate and self.classifier is not None and self.config.untold:
            self._let_show(self.classifier, img, target_cond, draws)
        return img, target_cond, samples

    def _noise(self, draws: StepRandom, purpose: Purpose, samples: Sequence[int]) -> list[Tensor] | None:
        synthesis = self.networks.G.synthesis
        return noise_maps(synthesis, draws, purpose, samples) if self.config.noise else None

    def _untold(self, draws: StepRandom, samples: Sequence[int]) -> Tensor:
        """(N, 1): which pictures are drawn without being told their class."""
        numbers = draws.uniform(Purpose.UNTOLD, (1,), samples).to(self.device)
        return numbers < self.config.untold

    @torch.no_grad()
    def _let_show(self, classifier: Classifier, img: Tensor, target_cond: Tensor, draws: StepRandom) -> None:
        """A picture from z that was told nothing may show what it likes: the classifier's own verdict is its target."""
        first, mapped = len(self.positions.encoded), self.positions.mapped
        rows = slice(first, first + len(mapped))
        seen = classifier.probs(img[rows])
        target_cond[rows] = torch.where(self._untold(draws, mapped), seen, target_cond[rows])

    def _generated(self, batch: Batch, w: Tensor | None, draws: StepRandom) -> list[tuple[Styles, Tensor]]:
        """Return styles of mapping samples and of re-paired latents, with the probabilities that they were told."""
        at, G = self.positions, self.networks.G
        other = batch.whole[draws.permutation(Purpose.PARTNERS, self.config.batch)]
        parts = []
        if at.mapped:
            z = draws.normal(Purpose.LATENT, (self.config.z_dim,), at.mapped)
            target_cond = other[at.mapped_partner]
            heard = hear(target_cond, self._untold(draws, at.mapped))
            parts.append((G.synthesis.styles(G.broadcast(self._mapped(z)), heard), target_cond))
        if at.repaired and w is not None:
            n = len(at.repaired)
            styles = sum(layer.channels for layer in G.synthesis.layout.layers)
            numbers = draws.uniform(Purpose.HEARD, (1 + styles,), at.repaired).to(self.device)
            ws, partner = G.broadcast(w[:n].detach()), other[at.repaired_partner]
            parts.append(mix_class_styles(G.synthesis, ws, batch.cond[:n], partner, numbers))
        return parts

    def _align(self, draws: StepRandom) -> Tensor:
        """Return the distance of mapping's w from recent latents of the encoder (detached)."""
        c, n = self.config, len(self.bank)
        if n < BANK // 2 or not c.align:
            return torch.zeros([], device=self.device)
        z = draws.normal(Purpose.ALIGN_LATENT, (n, c.z_dim))
        directions = draws.normal(Purpose.ALIGN_DIRECTION, (c.w_dim, PROJECTIONS))
        return losses.sliced_wasserstein(self._mapped(z), self.bank, directions.to(self.device))

    def _apply(self, names: tuple[str, ...], loss: Tensor) -> None:
        """Back-propagate into the named networks and step their optimisers."""
        for name in names:
            self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()
        modules = self.networks.modules()
        self.world.average_gradients(p for name in names for p in modules[name].parameters())
        if "E" in names:
            torch.nn.utils.clip_grad_norm_(modules["E"].parameters(), self.config.encoder_clip)
        for name in names:
            self.optimisers[name].step()

    def is_finite(self) -> bool:
        """Return True if all weights are finite; once one is not, all soon follow."""
        modules = self.networks.modules().values()
        kept: list[Tensor] = [p for module in modules for p in module.parameters()]
        return bool(torch.stack(torch._foreach_norm(kept)).isfinite().all())

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "images": self.images,
            "step_count": self.step_count,
            "lr_scale": self.lr_scale,
            "networks": self.networks.state(),
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "bank": self.bank,
            "mean_path_length": self.mean_path_length,
            "augmentation": self.augmentation.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.images, self.step_count = int(state["images"]), int(state["step_count"])
        self.lr_scale = float(state["lr_scale"])
        self.networks.load_state(state["networks"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.bank = state["bank"].to(self.device)
        self.mean_path_length = state["mean_path_length"].to(self.device)
        self.augmentation.load_state(state["augmentation"])
