# SPDX-License-Identifier: MIT
"""lucidrains' generators draw what the program draws, and all that explains a StyleGAN2 works on them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import lucidrains_files
import pytest
import torch
from colour_explainer import tiny_classifier
from lucidrains_files import as_maps, drawn
from projection_runs import changed, pictures_of_seeds, projected

from latent_explorer.cli import root
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.explain.recipe import Noise, PictureRecipe, PictureRequest, SeedBase, StyleShift
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models import explainer_file
from latent_explorer.models.architecture import GeneratorConfig, LucidrainsConfig
from latent_explorer.models.explainer import Explainer
from latent_explorer.models.explainer_file import info, read_explainer, write_explainer
from latent_explorer.models.importers.generators.file import holds_generator, import_generator
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.warm_start import with_sizes_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


CASES = {
    "plain": LucidrainsConfig(),
    "attention": LucidrainsConfig(attention=(2,)),
    "no_const": LucidrainsConfig(input_from_w=True),
    "transparent": LucidrainsConfig(transparent=True),
}


@pytest.mark.parametrize("case", CASES)
def test_pictures_of_the_source(tmp_path: Path, case: str) -> None:
    path = lucidrains_files.write(tmp_path / "model_9.pt", case)
    if case == "attention":
        (tmp_path / ".config.json").write_text(json.dumps({"image_size": 16, "lr_mlp": 0.2}))
    found = import_generator(path)
    assert holds_generator(path)
    assert found.source == "StyleGAN2 (lucidrains)"
    assert any("lr_mlp" in note for note in found.notes) == (case != "attention")
    lr_mul = 0.2 if case == "attention" else 0.1
    depth = 3 if case == "plain" else 2
    assert found.generator.config == GeneratorConfig(
        (8, 4, 2), 8, 8, mapping_layers=depth, mapping_lr_mul=lr_mul, lucidrains=CASES[case]
    )
    values = lucidrains_files.known(case)[1]
    synthesis = found.generator.synthesis
    with torch.inference_mode():
        torch.testing.assert_close(found.generator.mapping(values["z"]), values["w"], rtol=0, atol=1e-5)
        img = synthesis(values["ws"], None, as_maps(found.generator, values["noise"]))
        torch.testing.assert_close(img, drawn(values), rtol=0, atol=1e-4)
        assert (synthesis(values["ws"]) - img).abs().max() > 0.01  # the noise is really in it
        w = found.generator.mapping(torch.randn(4096, 8, generator=torch.Generator().manual_seed(1)))
    assert (found.generator.mapping.w_avg - w.mean(dim=0)).abs().max() < 0.1 * w.std(dim=0).max()
    assert w.mean(dim=0).abs().max() > 0.2 * w.std(dim=0).max()  # an average of zeros would be noticed


@pytest.mark.parametrize(("settings", "why"), [
    (None, "There is no .config.json"), (b"{", "cannot be read (Input data was truncated)"),
    (b'{"lr_mlp": -1}', "names no lr_mlp that can be"), (b'{"lr_mlp": true}', "names no lr_mlp that can be"),
])  # fmt: skip
def test_why_the_learning_rate_is_the_default(tmp_path: Path, settings: bytes | None, why: str) -> None:
    if settings is not None:
        (tmp_path / ".config.json").write_bytes(settings)
    notes = " ".join(import_generator(lucidrains_files.write(tmp_path / "x.pt", "plain")).notes)
    assert why in notes
    assert "lr_mlp is taken to be 0.1" in notes


def test_info_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lucidrains_files.write(tmp_path / "x.pt", "plain")
    assert root.main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert "StyleGAN2 (lucidrains), 16 px, 34 style coordinates" in said
    assert "latent-explorer import" in said


@pytest.mark.parametrize("case", CASES)
def test_gradients_reach_the_latent(tmp_path: Path, case: str) -> None:
    generator = import_generator(lucidrains_files.write(tmp_path / "x.pt", case)).generator
    ws = lucidrains_files.known(case)[1]["ws"].requires_grad_()
    generator.synthesis(ws, None, generator.synthesis.noise_const()).square().mean().backward()
    assert ws.grad is not None
    assert ws.grad.isfinite().all()
    assert (ws.grad.abs().amax(dim=(0, 2)) > 0).all()


def test_noise_is_of_mean_0_and_variance_1(tmp_path: Path) -> None:
    synthesis = import_generator(lucidrains_files.write(tmp_path / "x.pt", "plain")).generator.synthesis
    for maps in (synthesis.noise_const(), synthesis.noise_random(3, torch.Generator().manual_seed(1))):
        assert [m.shape[-1] for m in maps] == [4, 4, 8, 8, 16, 16]
        assert torch.equal(maps[0], maps[-1][:, :, :4, :4])
        assert abs(float(maps[-1].mean())) < 0.2
        assert abs(float(maps[-1].std()) - 1) < 0.1


def test_the_trained_network_is_taken_where_there_is_no_average(tmp_path: Path) -> None:
    state, values = lucidrains_files.known("plain")
    trained = {name.replace("GE.", "G.").replace("SE.", "S."): tensor for name, tensor in state.items()}
    alone = import_generator(lucidrains_files.write(tmp_path / "x.pt", "plain", trained)).generator
    both = {**{name: tensor + 1 for name, tensor in trained.items()}, **state, "D.final_conv.bias": torch.ones(2)}
    averaged = import_generator(lucidrains_files.write(tmp_path / "y.pt", "plain", both)).generator
    with torch.inference_mode():
        for generator in (alone, averaged):
            maps = as_maps(generator, values["noise"])
            torch.testing.assert_close(generator.synthesis(values["ws"], None, maps), drawn(values), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("before 0.20", {"GE.initial_conv.weight": None}),
        ("before 1.8", {"GE.attns.0.0.fn.g": torch.zeros(1)}),
        ("mapping network", {f"SE.net.{i}.weight": None for i in (0, 2, 4)}),
        ("GE?.blocks.1.conv1.weight", {"GE.blocks.1.conv1.weight": None}),
        ("weights", {"GE.weights": torch.zeros(1)}),
        ("1-2-1", {"GE.blocks.0.to_rgb.upsample.1.f": torch.ones(3)}),
        ("shape", {"GE.blocks.1.to_style1.weight": torch.ones(8, 9)}),
        ("8,193 wide", {"SE.net.0.weight": torch.ones(8, 8193)}),
        ("the blocks", {"GE.blocks.20.conv1.weight": torch.ones(1, 1, 3, 3)}),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, words: str, change: dict[str, Tensor | None]) -> None:
    state = {n: t for n, t in {**lucidrains_files.known("plain")[0], **change}.items() if t is not None}
    with pytest.raises(UserError, match=words):
        import_generator(lucidrains_files.write(tmp_path / "x.pt", "plain", state))


@pytest.fixture(scope="module")
def explainer(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    """Return an explainer of the network with attention, as read from its file."""
    folder = tmp_path_factory.mktemp("lucidrains")
    generator = import_generator(lucidrains_files.write(folder / "x.pt", "attention")).generator
    for layer in generator.synthesis.layout.layers:  # its random weights move too little, and out of [-1, 1]
        module = generator.synthesis.layer(layer.name)
        module.affine.weight *= 20
        if layer.kind == "torgb":
            module.weight.abs_().mul_(0.2)
            module.weight[1] = module.weight[0].flip(0)
    made = run_job(explainer_of_generator(generator, "x", samples=24))
    write_explainer(made, folder / "x.explainer")
    read = read_explainer(folder / "x.explainer")
    classifier = tiny_classifier(gain=5.0)
    return run_job(explainer_of_generator(read.generator, "x", classifier, samples=24))


def test_the_file_says_that_earlier_versions_cannot_open_it(
    tmp_path: Path, explainer: Explainer, tiny_explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run_job(explainer_of_generator(explainer.generator, "x"))
    write_explainer(made, tmp_path / "x.explainer")
    write_explainer(tiny_explainer, tmp_path / "stylegan2.explainer")
    read = read_explainer(tmp_path / "x.explainer")
    assert read.model_hash == made.model_hash
    assert read.generator.config == made.generator.config
    ws = made.generator.ws_from_z(torch.ones(1, 8))
    assert torch.equal(read.generator.synthesis(ws), made.generator.synthesis(ws))
    assert info(tmp_path / "x.explainer").format_version == 2
    assert info(tmp_path / "stylegan2.explainer").format_version == 1
    with pytest.raises(UserError, match="explored here but not trained"):
        with_sizes_of(TrainConfig(data=tmp_path), tmp_path / "x.explainer")
    monkeypatch.setattr(explainer_file, "FORMAT_VERSION", 1)  # an earlier version
    read_explainer(tmp_path / "stylegan2.explainer")
    with pytest.raises(UserError, match="Update Latent Explorer"):
        read_explainer(tmp_path / "x.explainer")


def test_attributes_and_seeds(explainer: Explainer) -> None:
    found = run_job(attfind(explainer, AttFindSettings(n=12, wanted=2))).attribute_set
    best = next(each for each in found.attributes if each.target == 0)
    assert best.mean_effect > 0.1
    renderer = Renderer(explainer)
    edit = StyleShift(best.entries[0].style_index, best.entries[0].end, 1.0)
    request = PictureRequest(PictureRecipe(SeedBase(3), 0.7, edits=(edit,)), explainer.classifier_id)
    result = renderer.render(request)
    assert (result.after.image != result.before.image).any()
    seeded = renderer.img(PictureRecipe(SeedBase(3), noise=Noise("seed", 7)))
    assert not torch.equal(seeded, renderer.img(PictureRecipe(SeedBase(3))))


def test_projections(
    explainer: Explainer, tiny_explainer: Explainer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # without LPIPS
    model = replace(explainer, classifiers=tiny_explainer.classifiers, samples=None)
    target = pictures_of_seeds(model, range(5, 6))
    settings = changed(space="w+", noise="optimise", steps=40)
    picture = projected(model, target, settings).found[0]
    start = projected(model, target, changed(settings, steps=1)).found[0]
    assert picture.report.psnr > start.report.psnr
    assert picture.ws.shape == (model.generator.num_ws, 8)
