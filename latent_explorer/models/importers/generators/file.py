# SPDX-License-Identifier: MIT
"""StyleGAN2 generators of other programs: what a file is, and the generator that is made of it. Nothing is executed."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer import __version__
from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.generators import lucidrains, nvidia, rosinality, tensorflow
from latent_explorer.models.importers.generators.assemble import check_settings, refused
from latent_explorer.models.importers.pickle_values import Record, StoredTensor
from latent_explorer.models.importers.state_dicts import (
    Tensors,
    find_state_dicts,
    flatten_module,
    is_module,
    module_attributes,
)
from latent_explorer.models.lucidrains import LucidrainsEncoder
from latent_explorer.models.ops import EqualizedLinear, normalize_second_moment
from latent_explorer.models.stylegan2 import Generator, MappingNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FAMILIES = {  # names in a state dict of networks that are known and not read
    "synthesis.input.": "a StyleGAN3 network",
    "synthesis.first_stage": "a StyleGAN-XL network",
    "MainLayers.": "an R3GAN network",
    "model.diffusion_model.": "a diffusion model",
    "conv_in.weight": "a diffusion model",
}

_AVERAGED, _TRAINED = ("G_ema", "g_ema"), ("G", "g")  # generators in the file of a training


@dataclass(frozen=True)
class ImportedGenerator:
    """A generator, and what is worth knowing of where it came from."""

    generator: Generator
    source: str  # "StyleGAN2 (NVIDIA)"
    notes: tuple[str, ...]  # a sentence each
    encoder: LucidrainsEncoder | None = None
    told: int = 0  # classes of the classifier whose answers a StylEx was given, which it needs; 0 for other generators


def import_generator(path: Path, class_index: int | None = None) -> ImportedGenerator:
    """Read a StyleGAN2 generator: NVIDIA's .pkl of PyTorch or TensorFlow, rosinality's .pt, lucidrains' .pt.

    class_index  the class that a conditional network draws; it is built in, so the result takes none

    Raises UserError for any other file, or when a conditional network's class is missing or out of range.
    """
    return choose_class(path, read_generator(path), class_index)


def read_generator(path: Path) -> ImportedGenerator:
    """Read a StyleGAN2 generator as it is: a conditional one still takes a class. Raises UserError for other files."""
    with Checkpoint(path) as checkpoint:
        try:
            return _read(checkpoint)
        except DamagedData as error:
            raise UserError(f"{path} cannot be imported: {error}. Check that the file is whole.") from error


def choose_class(path: Path, found: ImportedGenerator, class_index: int | None) -> ImportedGenerator:
    """Return the generator for one class, which is built in. Raises UserError for a class that does not fit."""
    classes = found.generator.config.c_dim
    if not classes:
        if class_index is not None:
            raise UserError(f"{path} draws no classes. Leave out the class.")
        return found
    if class_index is None or not 0 <= class_index < classes:
        raise UserError(f"{path} draws {classes} classes. Choose the one to explore: 0 to {classes - 1} (--class).")
    notes = (*found.notes, f"Draws class {class_index} of {classes}.")
    return ImportedGenerator(with_class(found.generator, class_index), found.source, notes)


def likely_class_names(count: int) -> tuple[str, ...]:
    """Return ImageNet's names for a generator of 1,000 classes, which such files do not name; else nothing."""
    if count != 1000:
        return ()
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def holds_generator(path: Path) -> bool:
    """Return True if the names in a file are those of a generator, of whatever kind; no numbers are read."""
    if path.is_dir():
        return False
    try:
        with Checkpoint(path) as checkpoint:
            content = checkpoint.content
            if tensorflow.find_network(content) is not None:
                return True
            return any(
                _family(tensors)
                or _is_nvidia(tensors)
                or _is_rosinality(tensors)
                or lucidrains.can_import(tensors)
                or _is_discriminator(tensors)
                for tensors, *_ in _candidates(content)
            )
    except (UserError, DamagedData):
        return False


def provenance(path: Path, found: ImportedGenerator) -> dict[str, Any]:
    """Return where an imported generator comes from, as its explainer keeps it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    origin = {"file": path.name, "sha256": digest, "source": found.source, "notes": list(found.notes)}
    return {"imported": origin, "made": datetime.now(UTC).strftime("%Y-%m-%d"), "version": __version__}


def _family(tensors: Tensors) -> str:
    """Return the kind of a network that is known and not read; "" for any other."""
    return next((what for prefix, what in _FAMILIES.items() if any(n.startswith(prefix) for n in tensors)), "")


def _read(checkpoint: Checkpoint) -> ImportedGenerator:
    content = checkpoint.content
    network = tensorflow.find_network(content)
    if network is not None:
        state = tensorflow.to_state_dict(tensorflow.variables(network), checkpoint.read)
        given = tensorflow.settings(network)
        check_settings(given, tensorflow.KIND)
        generator = _from_nvidia(state, _clamp(given.get("conv_clamp")), _number(given.get("mapping_lrmul"), 0.01))
        notes = (*_noise_note(state), *_left_out(content, tensorflow.place_of(content, network)))
        return ImportedGenerator(generator, tensorflow.KIND, notes)
    for tensors, module, place in _candidates(content):
        if family := _family(tensors):
            raise UserError(f"{checkpoint.path} is {family}. Only StyleGAN2 networks can be imported.")
        if _is_nvidia(tensors):
            state = _tensors(checkpoint, tensors)
            clamp, lr_mul = _nvidia_settings(module)
            notes = (*_noise_note(state), *_left_out(content, place))
            return ImportedGenerator(_from_nvidia(state, clamp, lr_mul), nvidia.KIND, notes)
        if _is_rosinality(tensors):
            state = _tensors(checkpoint, tensors)
            average = content.get("latent_avg") if isinstance(content, dict) else None
            latent_avg = None
            if isinstance(average, (StoredTensor, np.ndarray)):
                latent_avg = torch.from_numpy(checkpoint.read(average).copy())
            generator = rosinality.generator_from_state(state, latent_avg)
            drawn = sum(f"noises.noise_{i}" not in state for i in range(len(generator.config.layout.conv_layers)))
            return ImportedGenerator(generator, rosinality.KIND, (*_drawn_note(drawn), *_left_out(content, place)))
        if lucidrains.can_import(tensors):
            return _from_lucidrains(checkpoint, tensors)
    if any(_is_discriminator(tensors) for tensors, *_ in _candidates(content)):
        raise UserError(
            f"{checkpoint.path} holds the discriminator of a StyleGAN2 without its generator. Choose the file that "
            "holds the generator, too (G_ema, g_ema)."
        )
    raise UserError(
        f"{checkpoint.path} holds no StyleGAN2 generator that is read here. Choose NVIDIA's network .pkl (PyTorch or "
        "TensorFlow), or rosinality's or lucidrains' .pt."
    )


def _is_nvidia(tensors: Tensors) -> bool:
    return nvidia.can_import(dict.fromkeys(tensors))  # type: ignore[arg-type]  # it looks at names only


def _is_rosinality(tensors: Tensors) -> bool:
    return rosinality.can_import(dict.fromkeys(tensors))  # type: ignore[arg-type]  # it looks at names only


def _is_discriminator(tensors: Tensors) -> bool:
    """Return True for the names of NVIDIA's discriminator, and of rosinality's."""
    return tensors.keys() >= {"b4.conv.weight", "b4.out.weight"} or tensors.keys() >= {
        "convs.0.0.weight",
        "final_conv.0.weight",
        "final_linear.1.weight",
    }


def _candidates(content: Any) -> list[tuple[Tensors, Record | None, str]]:
    """Return the networks of a checkpoint, averaged ones first: tensors, the module of them, if any, and the place."""
    entries = content.attributes() if isinstance(content, Record) else content
    named = entries if isinstance(entries, dict) else {}
    modules = [(key, named[key]) for key in (*_AVERAGED, *_TRAINED) if is_module(named.get(key))]
    found = [(flatten_module(module), module, key) for key, module in modules]
    if is_module(content):
        found.append((flatten_module(content), content, ""))
    return found + [(state.tensors, None, state.place) for state in find_state_dicts(content)]


def _tensors(checkpoint: Checkpoint, tensors: Tensors) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(checkpoint.read(tensor).copy())
        for name, tensor in tensors.items()
        if not name.startswith(("augment", "D."))
    }


def _nvidia_settings(module: Record | None) -> tuple[float | None, float]:
    """Return conv_clamp and the mapping's learning-rate multiplier: as given, else the default of the file's own code.

    The code is text in the file. It is searched for the default and never run.
    """
    if module is None:
        return None, 0.01
    attributes = module_attributes(module)
    given = _flat_settings(attributes.get("_init_kwargs"))
    check_settings(given, nvidia.KIND)
    meta = module.args[0] if module.args else None
    meta = meta.attributes() if isinstance(meta, Record) else meta
    code = meta.get("module_src", "") if isinstance(meta, dict) else ""
    default = re.search(r"conv_clamp\s*=\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)", code) if isinstance(code, str) else None
    clamp = given.get("conv_clamp", float(default[1]) if default else None)
    return _clamp(clamp), _number(given.get("lr_multiplier"), 0.01)


def _flat_settings(given: Any) -> dict[str, Any]:
    """Return settings with those of synthesis_kwargs and mapping_kwargs, which older files nest, one level deep."""
    given = _entries(given)
    return {**_entries(given.get("synthesis_kwargs")), **_entries(given.get("mapping_kwargs")), **given}


def _entries(value: Any) -> dict[Any, Any]:
    value = value.attributes() if isinstance(value, Record) else value
    return value if isinstance(value, dict) else {}


def _clamp(value: Any) -> float | None:
    return None if value is None else _number(value, 256.0)


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 < value < 1e6 else default


def _noise_note(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return that noise maps were drawn here, if some are missing: pictures then differ from the source's in detail."""
    strengths = {name.removesuffix("_strength") for name in state if name.endswith("noise_strength")}
    return _drawn_note(sum(f"{name}_const" not in state for name in strengths))


def _drawn_note(missing: int) -> tuple[str, ...]:
    return (f"{missing} noise maps are not in the file; they were drawn from a fixed seed.",) if missing else ()


def _left_out(content: Any, place: str) -> tuple[str, ...]:
    """Return what a file holds beside the generator at `place`, and that this is not the averaged one."""
    top = place.partition(".")[0]
    if isinstance(content, dict) and top:
        others = [str(key) for key in content if key not in (top, "latent_avg")]
        if top in _TRAINED:
            trained = f"It holds no averaged generator: the trained one, {top}, is taken."
            return (trained, f"Not read: {', '.join(others[:8])}.") if others else (trained,)
    elif isinstance(content, (list, tuple)):
        others = ["G", "D"]
    else:
        return ()
    return (f"Not read: {', '.join(others[:8])}.",) if others else ()


def _from_nvidia(state: Mapping[str, Tensor], conv_clamp: float | None, mapping_lr_mul: float) -> Generator:
    """Return the generator of a state dict, with an estimated mean of w where the file has none."""
    known = "mapping.w_avg" in state
    if not known:
        w_dim = next((len(x) for name, x in state.items() if re.fullmatch(r"mapping\.fc[0-9]+\.bias", name)), 0)
        state = {**state, "mapping.w_avg": torch.zeros(w_dim)}
    generator = nvidia.generator_from_state(state, conv_clamp=conv_clamp, mapping_lr_mul=mapping_lr_mul)
    if not known and not generator.config.c_dim:
        estimate_w_avg(generator)
    return generator


def _from_lucidrains(checkpoint: Checkpoint, tensors: Tensors) -> ImportedGenerator:
    """Return lucidrains' generator, or the StylEx built on it: with an encoder, and told answers of a classifier.

    The first such StylEx was told logits, which its mapping makes, too: they are part of its w. Later it was told
    probabilities, which are appended to w.
    """
    names = lucidrains.wanted(tensors)
    state = {name: torch.from_numpy(checkpoint.read(tensors[place]).copy()) for name, place in names.items()}
    lr_mul, notes = _lucidrains_lr_mul(checkpoint.path)
    stylex = any(name.startswith("encoder.") for name in state)
    in_root = not stylex and _version(checkpoint.content) >= (1, 8, 8)
    generator = lucidrains.generator_from_state(state, lr_mul=lr_mul, norm_eps_in_root=in_root)
    estimate_w_avg(generator)
    if names["G.initial_conv.weight"].startswith("GE."):
        notes = ("The averaged network is taken.", *notes)
    config = generator.config
    if not stylex:
        if config.num_classes:
            raise refused(lucidrains.KIND, f"its layers take {config.num_classes} numbers more than w has")
        return ImportedGenerator(generator, lucidrains.KIND, notes)
    if not lucidrains.has_encoder(state):
        notes = ("Its encoder is of another kind, and was not read: pictures are projected.", *notes)
        return ImportedGenerator(generator, lucidrains.STYLEX, notes, told=config.num_classes)
    encoder = lucidrains.encoder_from_state(state, norm_eps_in_root=in_root)
    told = config.latent_dim - encoder.config.outputs
    if encoder.config.resolution != config.resolution or told < 2 or config.num_classes not in (0, told):
        raise refused(lucidrains.STYLEX, "its encoder does not fit its generator")
    notes = (f"It is told {'probabilities' if config.num_classes else 'logits'} of {told} classes.", *notes)
    return ImportedGenerator(generator, lucidrains.STYLEX, notes, encoder, told)


def _lucidrains_lr_mul(path: Path) -> tuple[float, tuple[str, ...]]:
    """Return the mapping's learning-rate multiplier, which their program writes into a file beside the network."""
    try:
        given = guarded_json.read(path.parent / ".config.json", dict[str, Any], max_bytes=1 << 16).get("lr_mlp")
        why = "The .config.json beside it names no lr_mlp that can be"
    except FileNotFoundError:
        given, why = None, "There is no .config.json beside it"
    except (OSError, DamagedData) as error:
        given, why = None, f"The .config.json beside it cannot be read ({guarded_json.shortened(str(error))})"
    if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 < given < 1e6:
        return float(given), ()
    return lucidrains.LR_MUL, (f"{why}, so lr_mlp is taken to be {lucidrains.LR_MUL}, the default.",)


def _version(content: Any) -> tuple[int, ...]:
    """Return the version of the program that saved a checkpoint, as numbers; the newest where it is not told."""
    text = content.get("version") if isinstance(content, dict) else None
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})", text) if isinstance(text, str) else None
    return tuple(map(int, match.groups())) if match else (sys.maxsize,)


@torch.no_grad()
def estimate_w_avg(generator: Generator, samples: int = 8192) -> None:
    """Set the centre of truncation to the mean of w over fixed random z."""
    z = torch.randn(samples, generator.config.z_dim, generator=torch.Generator().manual_seed(0))
    generator.mapping.w_avg.copy_(generator.mapping(z).mean(dim=0))


@torch.no_grad()
def with_class(generator: Generator, class_index: int) -> Generator:
    """Return a conditional generator with one class built in: its embedding becomes part of the first layer's bias.

    The mapping's first layer is linear in [z, embedding], so the result draws exactly what the network draws for that
    class, and takes no class.
    """
    old, config = generator.mapping, generator.config
    c = torch.zeros(1, config.c_dim)
    c[0, class_index] = 1
    embedding = normalize_second_moment(old.embed(c))[0]
    new_config = msgspec.structs.replace(config, c_dim=0)
    mapping = MappingNetwork(new_config)
    state = {name: value for name, value in old.state_dict().items() if not name.startswith("embed.")}
    first, old_first = mapping.get_submodule("fc0"), old.get_submodule("fc0")
    assert isinstance(first, EqualizedLinear)
    assert isinstance(old_first, EqualizedLinear)
    z_dim, weight, gain = config.z_dim, old_first.weight, old_first.weight_gain
    state["fc0.weight"] = weight[:, :z_dim] * (gain / first.weight_gain)
    state["fc0.bias"] = state["fc0.bias"] + weight[:, z_dim:] @ embedding * (gain / first.bias_gain)
    mapping.load_state_dict(state)
    generator.mapping, generator.config = mapping, new_config
    return generator.eval().requires_grad_(False)
