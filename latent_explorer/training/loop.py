# SPDX-License-Identifier: MIT
"""One step of StylEx training. Encoder path and mapping path take part in every update.

Recipe: reconstruction first; then the classifier's agreement; then the discriminator. In each step one batch of
pictures is reconstructed from E(x) and its own class probabilities, and a smaller batch is generated, from z and from
encoded latents re-paired with another picture's probabilities, so that the generator must draw what it is told and not
only what the encoder saw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latent_explorer.training import losses

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.perceptual import Perceptual
    from latent_explorer.models.stylegan2 import Styles
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.networks import Networks
    from latent_explorer.training.stream import BatchStream

BANK = 1024  # recent encoder latents that mapping's output is aligned to
PROJECTIONS = 64
PATH_LENGTH_DECAY = 0.99


def ramp(images: int, start: int, length: int) -> float:
    """0 until `start` images, then linearly up to 1 over `length`."""
    return min(max((images - start) / max(length, 1), 0.0), 1.0)


class Trainer:
    """State of a training: networks, optimisers, data order, random numbers, counters."""

    def __init__(
        self,
        config: TrainConfig,
        networks: Networks,
        stream: BatchStream,
        classifier: Classifier,
        perceptual: Perceptual,
        generator: torch.Generator,
    ) -> None:
        self.config = config
        self.networks = networks
        self.stream = stream
        self.classifier = classifier
        self.perceptual = perceptual
        self.generator = generator  # every random number of a step comes from here
        self.images = 0
        self.step_count = 0
        self.lr_scale = 1.0  # halved whenever the training diverged and was taken back
        self.bank = torch.zeros(0, config.w_dim)
        self.mean_path_length = torch.zeros([])
        betas = (0.0, 0.99)
        self.optimisers = {
            "G": torch.optim.Adam(networks.G.parameters(), lr=config.lr, betas=betas, eps=1e-8),
            "E": torch.optim.Adam(networks.E.parameters(), lr=config.lr, betas=betas, eps=1e-8),
            "D": torch.optim.Adam(networks.D.parameters(), lr=config.lr, betas=betas, eps=1e-8),
        }

    # -- one step ------------------------------------------------------------------------------------------------

    def step(self) -> dict[str, Tensor]:
        """One update of everything. Returns its losses (detached)."""
        self._set_learning_rate()
        real, cond = self.stream.next()
        real = real.contiguous(memory_format=torch.channels_last)
        adversarial = ramp(self.images, self.config.adversarial_start, self.config.adversarial_ramp)
        logged, fake, fake_cond = self._update_generator(real, cond, adversarial)
        if adversarial > 0:
            logged |= self._update_discriminator(real, cond, fake, fake_cond)
        if adversarial > 0 and self.step_count % self.config.path_length_every == 0:
            logged |= self._regularise_path_length(cond)
        self.images += self.config.batch
        self.step_count += 1
        n = self.config
        self.networks.update_averages(
            n.batch, self.images, n.ema_half_life, self._mapped(n.batch * 4).detach()
        )
        return logged

    def _update_generator(
        self, real: Tensor, cond: Tensor, adversarial: float
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        c, net = self.config, self.networks
        net.D.requires_grad_(False)
        w = net.E(real)
        styles, told = net.G.synthesis.styles(net.G.broadcast(w), cond), cond
        if adversarial > 0:
            more, more_told = self._generated(w.detach(), cond)
            styles = [torch.cat(pair) for pair in zip(styles, more, strict=True)]
            told = torch.cat([cond, more_told])
        img = net.G.synthesis.render(
            styles, net.G.synthesis.noise_random(len(told), self.generator)
        )
        loss, logged = self._reconstruction_losses(real, img[: len(real)], w, told, img)
        keep = torch.cat([torch.arange(c.discriminated), torch.arange(len(real), len(img))])
        if adversarial > 0:
            score = losses.generator_loss(net.D.score(img[keep], told[keep]))
            loss = loss + adversarial * c.adversarial * score
            logged["adversarial"] = score.detach()
        align = self._align()
        sparsity = losses.cond_sparsity(net.G.synthesis)
        self._apply(("G", "E"), loss + c.align * align + c.cond_sparsity * sparsity)
        net.limit_cond(c.cond_limit)
        logged |= {"align": align.detach(), "cond_sparsity": sparsity.detach()}
        self.bank = torch.cat([self.bank, w.detach()])[-BANK:]
        net.D.requires_grad_(True)
        return logged, img[keep].detach(), told[keep]

    def _reconstruction_losses(
        self, real: Tensor, rec: Tensor, w: Tensor, told: Tensor, img: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """L1, LPIPS, the classifier's KL (on generated pictures too: they must show what they were told), latent."""
        c = self.config
        l1 = (rec - real).abs().mean()
        lpips = self.perceptual(rec, real).mean()
        kl = losses.kl_divergence(told, self.classifier.logits(img))
        loss = c.l1 * l1 + c.lpips * lpips + c.kl * ramp(self.images, c.kl_start, c.kl_ramp) * kl
        logged = {"l1": l1.detach(), "lpips": lpips.detach(), "kl": kl.detach()}
        if c.latent and self.step_count % c.latent_every == 0:
            latent = (self.networks.E(rec) - w.detach()).abs().mean()
            loss = loss + c.latent * c.latent_every * latent
            logged["latent"] = latent.detach()
        return loss, logged

    def _update_discriminator(
        self, real: Tensor, cond: Tensor, fake: Tensor, fake_cond: Tensor
    ) -> dict[str, Tensor]:
        c, D = self.config, self.networks.D
        shown = real[: c.discriminated].detach()
        regularise = self.step_count % c.r1_every == 0
        shown.requires_grad_(regularise)
        real_scores, fake_scores = D.score(shown, cond[: c.discriminated]), D.score(fake, fake_cond)
        loss = losses.discriminator_loss(real_scores, fake_scores)
        logged = {"discriminator": loss.detach(), "real_score": real_scores.mean().detach()}
        if regularise:
            penalty = losses.r1_penalty(real_scores, shown)
            loss = loss + 0.5 * c.r1_gamma * c.r1_every * penalty
            logged["r1"] = penalty.detach()
        self._apply(("D",), loss)
        return logged

    def _regularise_path_length(self, cond: Tensor) -> dict[str, Tensor]:
        c, G = self.config, self.networks.G
        n = max(c.batch // 4, 2)
        ws = G.broadcast(self._mapped(n)).contiguous()
        img = G.synthesis(ws, cond[:n], G.synthesis.noise_random(n, self.generator))
        lengths = losses.path_lengths(img, ws, torch.randn(img.shape, generator=self.generator))
        mean = self.mean_path_length.lerp(lengths.detach().mean(), 1 - PATH_LENGTH_DECAY)
        self.mean_path_length = mean
        penalty = (lengths - mean).square().mean()
        self._apply(("G",), c.path_length * c.path_length_every * penalty)
        return {"path_length": mean}

    def _set_learning_rate(self) -> None:
        """Constant, then falling linearly to a tenth at the end."""
        cooldown = min(self.config.cooldown, self.config.images // 4)
        left = (self.config.images - self.images) / max(cooldown, 1)
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = self.config.lr * self.lr_scale * min(max(left, 0.1), 1.0)

    # -- parts of a step -----------------------------------------------------------------------------------------

    def _mapped(self, n: int) -> Tensor:
        z = torch.randn(n, self.config.z_dim, generator=self.generator)
        w: Tensor = self.networks.G.mapping(z)
        return w

    def _generated(self, w: Tensor, cond: Tensor) -> tuple[Styles, Tensor]:
        """Styles of mapping samples and of re-paired encoded latents, and the probabilities that they were told."""
        c, G = self.config, self.networks.G
        other = cond[torch.randperm(len(cond), generator=self.generator)]
        mapped = G.synthesis.styles(G.broadcast(self._mapped(c.mapped)), other[: c.mapped])
        repaired, told = self._repaired(
            G.broadcast(w[: c.repaired]), cond[: c.repaired], other[-c.repaired :]
        )
        styles = [torch.cat(pair) for pair in zip(mapped, repaired, strict=True)]
        return styles, torch.cat([other[: c.mapped], told])

    def _repaired(self, ws: Tensor, own: Tensor, other: Tensor) -> tuple[Styles, Tensor]:
        """Let a random share of the styles of ws (N, num_ws, w_dim) hear another class, as when sliders are moved.

        The classifier shall then see as much of the other class as was moved: probabilities between `own` and `other`
        (N, K) in the space of logits, by the moved share of the class weights. So effects add up, style by style, and
        no single style can carry the class.
        """
        synthesis = self.networks.G.synthesis
        before, after = synthesis.styles(ws, own), synthesis.styles(ws, other)
        share = torch.rand(len(ws), 1, generator=self.generator)
        heard = [torch.rand(x.shape, generator=self.generator) < share for x in before]
        styles = [torch.where(m, y, x) for m, x, y in zip(heard, before, after, strict=True)]
        with torch.no_grad():
            weights = [x.abs().sum(dim=1) for x in losses.class_weights(synthesis)]
        moved = torch.stack([(m * x).sum(dim=1) for m, x in zip(heard, weights, strict=True)])
        total = torch.cat(weights).sum().clamp_min(1e-8)
        moved = moved.sum(dim=0) / total  # (N,) in 0..1
        logits = own.clamp_min(1e-6).log().lerp(other.clamp_min(1e-6).log(), moved[:, None])
        return styles, logits.softmax(dim=1)

    def _align(self) -> Tensor:
        """Pull the distribution of mapping's w towards the encoder's (recent latents, detached)."""
        if len(self.bank) < BANK // 2:
            return torch.zeros([])
        directions = torch.randn(self.config.w_dim, PROJECTIONS, generator=self.generator)
        return losses.sliced_wasserstein(self._mapped(len(self.bank)), self.bank, directions)

    def _apply(self, names: tuple[str, ...], loss: Tensor) -> None:
        """Back-propagate into the named networks and step their optimisers."""
        for name in names:
            self.optimisers[name].zero_grad(set_to_none=True)
        loss.backward()
        if "E" in names:
            torch.nn.utils.clip_grad_norm_(self.networks.E.parameters(), self.config.encoder_clip)
        for name in names:
            self.optimisers[name].step()

    def is_sound(self) -> bool:
        """Whether all weights that are kept are finite numbers; once one is not, none will be soon."""
        net = self.networks
        kept = (net.G, net.E, net.D, net.G_ema, net.E_ema)
        return all(bool(p.isfinite().all()) for module in kept for p in module.parameters())

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "images": self.images,
            "step_count": self.step_count,
            "lr_scale": self.lr_scale,
            "networks": self.networks.state(),
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "stream": self.stream.state(),
            "generator": self.generator.get_state(),
            "bank": self.bank,
            "mean_path_length": self.mean_path_length,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.images, self.step_count = int(state["images"]), int(state["step_count"])
        self.lr_scale = float(state.get("lr_scale", 1.0))  # older checkpoints lack it
        self.networks.load_state(state["networks"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.stream.load_state(state["stream"])
        self.generator.set_state(state["generator"])
        self.bank, self.mean_path_length = state["bank"], state["mean_path_length"]
