# SPDX-License-Identifier: MIT
"""Training that starts from an explainer: at first it computes what the explainer computes."""

from __future__ import annotations

import msgspec
import pytest
import torch
from tiny_training import tiny_config

from latent_explorer.common.errors import UserError
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.ops import upsample
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.training.config import ClassifierTraining, TrainConfig
from latent_explorer.training.export import fold_cond_gain
from latent_explorer.training.networks import Networks
from latent_explorer.training.warm_start import with_sizes_of

CONFIG = tiny_config("", "", mapping_lr_mul=0.1)  # type: ignore[arg-type]


def _explainer(config: TrainConfig, classes: int = 2) -> Explainer:
    """Return an explainer as exported, with weights for `cond` in the convolutions that are not zero."""
    networks = Networks(config, classes)
    with torch.no_grad():
        for layer in networks.G.synthesis.layout.conv_layers:
            networks.G.synthesis.layer(layer.name).affine.weight[:, config.w_dim :].normal_()
        networks.G.mapping.w_avg.normal_()
    fold_cond_gain(networks.G)
    return Explainer("old", networks.G, encoder=networks.E, discriminator=networks.D)


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(4, 8, generator=generator)
    cond = torch.randn(4, 2, generator=generator).softmax(dim=1)
    return z, cond, torch.rand(4, 3, 16, 16, generator=generator) * 2 - 1


@torch.no_grad()
def test_all_networks_of_an_explainer_act_as_before(inputs) -> None:
    z, cond, img = inputs
    old = _explainer(CONFIG)
    new = Networks(msgspec.structs.replace(CONFIG, seed=1, mapping_lr_mul=0.01), 2)
    said = new.load_explainer(old)
    assert [sentence.split(" ")[1] for sentence in said] == ["and", "encoder", "discriminator"]
    noise = old.generator.synthesis.noise_const()
    for G in (new.G, new.G_ema):
        ws = old.generator.ws_from_z(z, psi=0.5)
        assert torch.allclose(G.ws_from_z(z, psi=0.5), ws, atol=1e-5)
        pictures = (x.synthesis(ws, cond, noise) for x in (old.generator, G))
        assert torch.allclose(*pictures, atol=1e-4)
    assert torch.allclose(new.E(img), old.encoder(img), atol=1e-5)
    assert torch.allclose(new.E_ema(img), old.encoder(img), atol=1e-5)
    assert torch.allclose(new.D.score(img, cond), old.discriminator.score(img, cond), atol=1e-5)


@torch.no_grad()
def test_a_plain_stylegan2_is_widened_and_its_discriminator_becomes_the_encoders_trunk(inputs) -> None:
    z, cond, img = inputs
    old = _explainer(msgspec.structs.replace(CONFIG, mode="stylegan2"))
    new = Networks(msgspec.structs.replace(CONFIG, seed=1), 2)
    said = new.load_explainer(old)
    assert "knew no classes" in said[0]
    assert "discriminator's convolutions" in said[1]
    noise = old.generator.synthesis.noise_const()
    ws = old.generator.ws_from_z(z)
    assert torch.allclose(new.G.synthesis(ws, cond, noise), old.generator.synthesis(ws, None, noise), atol=1e-4)
    assert torch.allclose(new.D.score(img, cond), old.discriminator.score(img), atol=1e-5)
    trunks = (x.blocks(x.from_rgb(img)) for x in (new.E, old.discriminator))
    assert torch.allclose(*trunks, atol=1e-5)
    assert torch.allclose(new.E.conv.bias, old.discriminator.conv.bias)


@torch.no_grad()
def test_what_finer_layers_were_told_is_forgotten_where_they_shall_hear_nothing() -> None:
    old = _explainer(CONFIG)
    new = Networks(msgspec.structs.replace(CONFIG, cond_resolution=8), 2)
    said = new.load_explainer(old)
    assert "Convolutions above 8 px are not told" in said[1]
    for network in (new.G, new.G_ema):
        told = {
            layer.resolution: float(_told(network, layer.name).abs().sum())
            for layer in network.synthesis.layout.conv_layers
        }
        assert told[16] == 0
        assert min(told[4], told[8]) > 0
    assert float(_told(old.generator, "b16.conv0").abs().sum()) > 0


def _told(network: Generator, layer: str) -> torch.Tensor:
    return network.synthesis.layer(layer).affine.weight[:, CONFIG.w_dim :]


@torch.no_grad()
def test_a_wider_w_holds_what_it_held_and_room_that_the_generator_does_not_hear(inputs) -> None:
    z, cond, img = inputs
    old = _explainer(CONFIG)
    more = 3
    new = Networks(msgspec.structs.replace(CONFIG, w_dim=CONFIG.w_dim + more, seed=1), 2)
    new.load_explainer(old)
    w, before = new.E(img), old.encoder(img)
    assert torch.allclose(w[:, : CONFIG.w_dim], before, atol=1e-5)
    assert float(w[:, CONFIG.w_dim :].std(dim=0).min()) > 0
    noise = old.generator.synthesis.noise_const()
    drawn = [x.synthesis(x.broadcast(latent), cond, noise) for x, latent in ((new.G, w), (old.generator, before))]
    assert torch.allclose(*drawn, atol=1e-4)
    mapped, was = new.G.mapping(z), old.generator.mapping(z)
    assert torch.allclose(mapped[:, : CONFIG.w_dim], was, atol=1e-5)


def test_room_is_asked_for_as_dimensions_beyond_the_explainers(tmp_path) -> None:
    file = tmp_path / "old.explainer"
    write_explainer(_explainer(CONFIG), file)
    asked = msgspec.structs.replace(CONFIG, w_dim=99, w_extra=5)
    assert with_sizes_of(asked, file).w_dim == CONFIG.w_dim + 5


def test_other_classes_and_missing_networks_are_said() -> None:
    old = _explainer(CONFIG, classes=3)
    new = Networks(CONFIG, 2)
    said = new.load_explainer(old)
    assert "knew 3 classes" in said[0]
    assert "but its last layer" in said[2]
    said = new.load_explainer(Explainer("bare", old.generator))
    assert "encoder starts anew" in said[1]
    assert "discriminator starts anew" in said[2]


@pytest.mark.parametrize("field", [{"w_dim": 4}, {"channels": (8, 8, 4)}, {"hidden": 8}])
def test_other_shapes_are_refused_with_both_in_words(field: dict[str, object]) -> None:
    new = Networks(msgspec.structs.replace(CONFIG, **field), 2)
    with pytest.raises(UserError, match=r"has 16 px with widths 8, 8, 8.*asks for 16 px"):
        new.load_explainer(_explainer(CONFIG))


@pytest.mark.parametrize(
    ("asked", "widths", "resolution", "channels"),
    [(8, (6, 6), 16, CONFIG.channels), (32, (6, 6, 6, 4), 32, (*CONFIG.channels, 4))],
)
def test_the_explainers_sizes_win_over_a_presets_but_for_a_higher_resolution(
    tmp_path, asked: int, widths: tuple[int, ...], resolution: int, channels: tuple[int, ...]
) -> None:
    file = tmp_path / "old.explainer"
    write_explainer(_explainer(CONFIG), file)
    trained = ClassifierTraining(CONFIG.data, resolution=asked)
    wanted = msgspec.structs.replace(
        CONFIG, resolution=asked, channels=widths, z_dim=4, classifier_training=trained, lr=1e-4
    )
    sized = with_sizes_of(wanted, file)
    assert (sized.resolution, sized.channels, sized.z_dim) == (resolution, channels, CONFIG.z_dim)
    assert sized.lr == 1e-4
    assert sized.classifier_training is not None
    assert sized.classifier_training.resolution == resolution
    Networks(sized, 2).load_explainer(read_explainer(file))


@torch.no_grad()
def test_grown_networks_draw_at_first_what_they_drew_enlarged(inputs) -> None:
    z, cond, img = inputs
    old = _explainer(CONFIG)
    larger = msgspec.structs.replace(CONFIG, resolution=32, channels=(*CONFIG.channels, 4), seed=1)
    new = Networks(larger, 2)
    new.load_explainer(old)
    ws = old.generator.ws_from_z(z)
    small = old.generator.synthesis(ws, cond, old.generator.synthesis.noise_const())
    rows = torch.cat([ws, ws[:, -1:].expand(-1, 2, -1)], dim=1)
    for G in (new.G, new.G_ema):
        img = G.synthesis(rows, cond, G.synthesis.noise_const())
        assert torch.allclose(img, upsample(small), atol=1e-4)
    x = torch.randn(2, 8, 16, 16)
    assert old.encoder is not None
    assert torch.allclose(new.E.blocks[1:](x), old.encoder.blocks(x), atol=1e-5)
    assert torch.allclose(new.E.conv.bias, old.encoder.conv.bias)
