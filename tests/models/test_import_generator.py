# SPDX-License-Identifier: MIT
"""Generators of other programs, in the containers that people have: they render what their source renders."""

from __future__ import annotations

import argparse
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from test_generator_state_dicts import rosinality_state

from latent_explorer.common.errors import UserError
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.importers.generators.file import holds_generator, import_generator
from latent_explorer.models.stylegan2 import Generator

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GeneratorConfig((6, 5, 4), z_dim=7, w_dim=8, mapping_layers=2)
SOURCE = "class SynthesisLayer:\n    def __init__(self, conv_clamp = {}): import os; os.abort()\n"


def random_generator(config: GeneratorConfig = CONFIG) -> Generator:
    torch.manual_seed(0)
    generator = Generator(config)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
        generator.mapping.w_avg.normal_()
    return generator.eval()


@torch.inference_mode()
def same_pictures(found: Generator, expected: Generator, c: torch.Tensor | None = None) -> None:
    z = torch.randn(2, expected.config.z_dim, generator=torch.Generator().manual_seed(1))
    pictures = [
        g.synthesis(g.ws_from_z(z, given, psi=0.7), None, g.synthesis.noise_const())
        for g, given in ((found, None), (expected, c))
    ]
    torch.testing.assert_close(*pictures, rtol=0, atol=1e-4)


class Persistent:
    """Pickles as NVIDIA's decorated modules do: a call of theirs with the class's source and state."""

    def __init__(self, module: torch.nn.Module, clamp: str = "None", **kwargs: Any) -> None:
        self.module, self.clamp, self.kwargs = module, clamp, kwargs

    def __reduce__(self) -> tuple[Any, ...]:
        module = self.module
        state = {
            "training": False,
            "_parameters": dict(module._parameters),
            "_buffers": dict(module._buffers),
            "_modules": {name: Persistent(child) for name, child in module._modules.items()},
            "_init_kwargs": self.kwargs,
        }
        meta = {"type": "class", "version": 6, "module_src": SOURCE.format(self.clamp), "class_name": "Generator"}
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, ({**meta, "state": state},)


class Network:
    """Pickles as NVIDIA's TensorFlow networks do."""

    def __init__(self, variables: dict[str, np.ndarray], components: dict[str, Any], **kwargs: Any) -> None:
        self.state = {"version": 6, "static_kwargs": kwargs, "components": components, "build_module_src": "import os",
                      "variables": list(variables.items())}  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return self.state


def _reconstruct_persistent_obj(meta: object) -> None:
    pytest.fail(f"called with {meta}")


@pytest.fixture(autouse=True)
def their_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give pickle the names that it looks up; reading must not need them, so they refuse to be called."""
    persistence, network = types.ModuleType("torch_utils.persistence"), types.ModuleType("dnnlib.tflib.network")

    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    monkeypatch.setattr(_reconstruct_persistent_obj, "__module__", "torch_utils.persistence")
    network.Network = Network  # type: ignore[attr-defined]
    monkeypatch.setattr(Network, "__module__", "dnnlib.tflib.network")
    for module in (persistence, network, types.ModuleType("torch_utils"), types.ModuleType("dnnlib"),
                   types.ModuleType("dnnlib.tflib")):  # fmt: skip
        monkeypatch.setitem(sys.modules, module.__name__, module)


def with_filters(generator: Generator) -> Generator:
    taps = torch.tensor([1.0, 3, 3, 1])
    for name, module in generator.named_modules():
        if name.endswith(("conv0", "torgb")):
            module.register_buffer("resample_filter", torch.outer(taps, taps) / 64)
    return generator


@pytest.mark.parametrize("kwargs", [{"conv_clamp": 0.5}, {"synthesis_kwargs": {"conv_clamp": 0.5}}, {}])
def test_nvidias_pickles(tmp_path: Path, kwargs: dict[str, Any]) -> None:
    config = GeneratorConfig((6, 5, 4), 7, 8, mapping_layers=2, conv_clamp=0.5)
    source = random_generator(config)
    # The pickle's own code says the default; the settings that were given go before it.
    content = {
        "G": None,
        "D": None,
        "G_ema": Persistent(with_filters(random_generator(config)), "256" if kwargs else "0.5", **kwargs),
    }
    (tmp_path / "network.pkl").write_bytes(pickle.dumps(content))
    found = import_generator(tmp_path / "network.pkl")
    assert found.generator.config == config
    assert found.source == "StyleGAN2 (NVIDIA)"
    assert "G, D" in found.notes[0]
    same_pictures(found.generator, source)


@pytest.mark.parametrize("kept", ["G", "D", "G_ema"])
def test_snapshots_of_one_network(tmp_path: Path, kept: str) -> None:
    discriminator = torch.nn.Module()
    discriminator.b4 = torch.nn.Module()
    discriminator.b4.conv, discriminator.b4.out = torch.nn.Conv2d(3, 2, 1), torch.nn.Linear(2, 1)
    source = random_generator()
    content = {kept: Persistent(discriminator if kept == "D" else with_filters(random_generator()))}
    path = tmp_path / "network-snapshot-000001.pkl"
    path.write_bytes(pickle.dumps(content))
    assert holds_generator(path)
    if kept == "D":
        with pytest.raises(UserError, match="the discriminator of a StyleGAN2 without its generator"):
            import_generator(path)
        return
    found = import_generator(path)
    same_pictures(found.generator, source)
    assert found.notes == (("It holds no averaged generator: the trained one, G, is taken.",) if kept == "G" else ())


@pytest.mark.parametrize("lacks", ["kernel", "noises.", "latent_avg"])
def test_rosinalitys_files_that_lack_a_part(tmp_path: Path, lacks: str) -> None:
    """Kernels are those of every StyleGAN2; noise is drawn, and the mean of w estimated, always the same."""
    source = random_generator()
    state = rosinality_state(CONFIG, source)
    taps = torch.tensor([1.0, 3, 3, 1])
    state |= {f"convs.{i}.conv.blur.kernel": torch.outer(taps, taps) / 16 for i in (0, 2)}
    content = {"g_ema": {n: t for n, t in state.items() if lacks not in n}, "latent_avg": source.mapping.w_avg}
    torch.save({name: value for name, value in content.items() if name != lacks}, tmp_path / "x.pt")
    found, again = import_generator(tmp_path / "x.pt"), import_generator(tmp_path / "x.pt")
    same_pictures(found.generator, again.generator)
    assert ("noise maps" in " ".join(found.notes)) == (lacks == "noises.")
    if lacks == "kernel":
        same_pictures(found.generator, source)
    if lacks == "latent_avg":
        z = torch.randn(20_000, CONFIG.z_dim, generator=torch.Generator().manual_seed(3))
        with torch.inference_mode():
            mean = source.mapping(z).mean(dim=0)
        torch.testing.assert_close(found.generator.mapping.w_avg, mean, rtol=0, atol=0.05)


def test_rosinalitys_state_alone_leaves_nothing_out(tmp_path: Path) -> None:
    torch.save(rosinality_state(CONFIG, random_generator()), tmp_path / "x.pt")
    assert import_generator(tmp_path / "x.pt").notes == ()


def test_a_class_is_built_in(tmp_path: Path) -> None:
    config = GeneratorConfig((6, 5, 4), 7, 8, c_dim=3, mapping_layers=2)
    source = random_generator(config)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"G_ema": Persistent(source)}))
    for index in range(3):
        found = import_generator(tmp_path / "x.pkl", index).generator
        assert found.config.c_dim == 0
        c = torch.nn.functional.one_hot(torch.tensor([index, index]), 3).float()
        same_pictures(found, source, c)
    for wrong in (None, 3, -1):
        with pytest.raises(UserError, match="0 to 2"):
            import_generator(tmp_path / "x.pkl", wrong)


def tensorflow_variables(generator: Generator) -> dict[str, np.ndarray]:
    """Return the variables that TensorFlow's network of the same weights would have, by NVIDIA's conventions."""
    out: dict[str, np.ndarray] = {}
    for name, tensor in generator.state_dict().items():
        array, (part, *rest) = tensor.numpy(), name.split(".")
        if part == "mapping":
            if rest == ["w_avg"]:
                out["dlatent_avg"] = array
            else:
                out[f"mapping/Dense{rest[0][2:]}/{rest[1]}"] = array.T
            continue
        size, layer = int(rest[0][1:]), rest[1]
        if layer == "const":
            out["synthesis/4x4/Const/const"] = array[None]
        elif rest[-1] == "noise_const":
            out[f"synthesis/noise{2 * int(np.log2(size)) - (5 if layer == 'conv0' else 4)}"] = array[None, None]
        else:
            names = {"conv0": "Conv0_up", "conv1": "Conv" if size == 4 else "Conv1", "torgb": "ToRGB"}
            prefix = f"synthesis/{size}x{size}/{names[layer]}"
            if rest[2] == "affine":
                out[f"{prefix}/mod_{rest[3]}"] = array.T if rest[3] == "weight" else array - 1
            elif rest[2] == "weight":
                kernel = array.transpose(2, 3, 1, 0)
                out[f"{prefix}/weight"] = kernel[::-1, ::-1] if layer == "conv0" else kernel
            else:
                out[f"{prefix}/{rest[2]}"] = array
    return out


def tensorflow_pickle(values: dict[str, np.ndarray], **settings: Any) -> bytes:
    def part(prefix: str) -> dict[str, np.ndarray]:
        return {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}

    components = {name: Network(part(f"{name}/"), {}, **settings) for name in ("mapping", "synthesis")}
    averaged = Network({n: v for n, v in values.items() if "/" not in n}, components, mapping_lrmul=0.01)
    return pickle.dumps((Network({}, {}), Network({}, {}), averaged))


def test_tensorflows_pickles(tmp_path: Path) -> None:
    source = random_generator()
    (tmp_path / "x.pkl").write_bytes(tensorflow_pickle(tensorflow_variables(source)))
    found = import_generator(tmp_path / "x.pkl")
    assert found.source == "StyleGAN2 (TensorFlow)"
    same_pictures(found.generator, source)


def test_tensorflows_settings_are_honoured_or_refused(tmp_path: Path) -> None:
    source = random_generator(GeneratorConfig((6, 5, 4), z_dim=7, w_dim=8, mapping_layers=2, conv_clamp=0.5))
    values = tensorflow_variables(source)
    usual = {"resample_kernel": [1, 3, 3, 1], "nonlinearity": "lrelu", "normalize_latents": True}
    (tmp_path / "x.pkl").write_bytes(tensorflow_pickle(values, conv_clamp=0.5, **usual))
    same_pictures(import_generator(tmp_path / "x.pkl").generator, source)
    for changed, words in (
        ({"resample_kernel": [1, 2, 1]}, r"\[1, 2, 1\]"),
        ({"resample_kernel": None}, "filter None"),
        ({"resample_kernel": np.ones(4)}, "filter"),
        ({"resample_kernel": np.zeros(4)}, "filter"),
        ({"resample_kernel": ["a", {}]}, "filter"),
        ({"nonlinearity": "relu"}, "'relu'"),
        ({"normalize_latents": False}, "normalize"),
    ):
        (tmp_path / "x.pkl").write_bytes(tensorflow_pickle(values, **changed))
        with pytest.raises(UserError, match=words):
            import_generator(tmp_path / "x.pkl")


def test_pytorchs_settings_are_refused_too(tmp_path: Path) -> None:
    content = {"G_ema": Persistent(random_generator(), synthesis_kwargs={"activation": "relu"})}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match="leaky ReLU"):
        import_generator(tmp_path / "x.pkl")


def test_missing_noise_is_drawn_and_a_network_without_noise_has_none(tmp_path: Path) -> None:
    source = random_generator()
    values = tensorflow_variables(source)
    maps = {name: value for name, value in values.items() if "/noise" in name and "strength" not in name}
    (tmp_path / "x.pkl").write_bytes(tensorflow_pickle({n: v for n, v in values.items() if n not in maps}))
    found = import_generator(tmp_path / "x.pkl")
    assert f"{len(maps)} noise maps" in found.notes[0]
    again = import_generator(tmp_path / "x.pkl")
    same_pictures(found.generator, again.generator)
    (tmp_path / "x.pkl").write_bytes(tensorflow_pickle({n: v for n, v in values.items() if "noise" not in n}))
    found = import_generator(tmp_path / "x.pkl")
    assert "noise" not in " ".join(found.notes)
    with torch.no_grad():
        for name, parameter in source.named_parameters():
            if name.endswith("noise_strength"):
                parameter.zero_()
    same_pictures(found.generator, source)


@pytest.mark.parametrize("zipped", [True, False])
def test_rosinalitys_training_files(tmp_path: Path, zipped: bool) -> None:
    """As its train.py writes them: the trained and the averaged network, the optimisers, and the command line."""
    expected, trained = random_generator(), rosinality_state(CONFIG)
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    weight.grad = torch.ones(3)
    optimiser.step()
    content = {
        "g": {name: tensor + 1 for name, tensor in trained.items()},
        "d": {"convs.0.0.weight": torch.ones(4, 3, 1, 1), "final_linear.1.bias": torch.zeros(1)},
        "g_ema": rosinality_state(CONFIG, expected),
        "g_optim": optimiser.state_dict(),
        "d_optim": optimiser.state_dict(),
        "args": argparse.Namespace(size=16, latent=8, n_mlp=2, lr=0.002, path="data", arch="stylegan2"),
        "ada_aug_p": torch.tensor(0.25),
    }
    torch.save(content, tmp_path / "010000.pt", _use_new_zipfile_serialization=zipped)
    found = import_generator(tmp_path / "010000.pt")
    z = torch.randn(20_000, 7, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        mean = expected.mapping(z).mean(dim=0)
    torch.testing.assert_close(found.generator.mapping.w_avg, mean, rtol=0, atol=0.05)
    found.generator.mapping.w_avg.copy_(expected.mapping.w_avg)
    same_pictures(found.generator, expected)
    assert "args" in " ".join(found.notes)


def test_a_missing_mean_of_w_is_estimated(tmp_path: Path) -> None:
    source = random_generator()
    values = tensorflow_variables(source)
    del values["dlatent_avg"]
    (tmp_path / "x.pkl").write_bytes(tensorflow_pickle(values))
    found = import_generator(tmp_path / "x.pkl").generator
    z = torch.randn(20_000, CONFIG.z_dim)
    with torch.inference_mode():
        torch.testing.assert_close(found.mapping.w_avg, source.mapping(z).mean(dim=0), rtol=0, atol=0.05)


REFUSED = {
    "StyleGAN1": lambda: tensorflow_pickle({"synthesis/4x4/Const/StyleMod/weight": np.zeros((2, 2), np.float32)}),
    "StyleGAN3": lambda: pickle.dumps({"synthesis.input.weight": np.zeros(2), "synthesis.L0.weight": np.zeros(2)}),
    "StyleGAN2 generator": lambda: pickle.dumps({"some": {"weights": np.zeros(2)}}),
}


@pytest.mark.parametrize("words", REFUSED)
def test_other_networks_are_named(tmp_path: Path, words: str) -> None:
    (tmp_path / "x.pkl").write_bytes(REFUSED[words]())
    with pytest.raises(UserError, match=words):
        import_generator(tmp_path / "x.pkl")
