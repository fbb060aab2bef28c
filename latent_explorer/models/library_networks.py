# SPDX-License-Identifier: MIT
"""Networks of torchvision and timm, built by name: "torchvision:resnet18", "timm:vit_tiny_patch16_224".

Only the libraries' code builds them; their tensors come from a file. Nothing is downloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What a network of timm is built with, other than its name says; truths are 0 and 1.
Option = int | float | str | tuple[int, ...]

LIBRARIES = ("torchvision", "timm")
INSTALL_TIMM = "Install it with: pip install 'latent-explorer[timm]'."
_LIMITS: dict[str, tuple[float, float]] = {
    "patch_size": (1, 64), "embed_dim": (1, 4096), "depth": (1, 64), "num_heads": (1, 64), "mlp_ratio": (0.1, 16),
    "depths": (1, 64), "dims": (1, 4096), "layers": (1, 64), "channels": (1, 4096), "window_size": (1, 24),
    "reg_tokens": (0, 16), "qkv_bias": (0, 1), "init_values": (0, 100), "use_abs_pos_emb": (0, 1),
    "use_rel_pos_bias": (0, 1), "use_shared_rel_pos_bias": (0, 1), "norm_eps": (0, 1), "head_norm_eps": (0, 1),
}  # fmt: skip
_WORDS = {"act_layer": ("gelu", "gelu_tanh", "quick_gelu", "relu", "silu"), "pad_type": ("same",)}
MAX_DEPTH = 64  # blocks
# Networks for one size make tables of all pairs of patches, which no file has to hold.
MAX_FIXED_SIZE = 1024  # px
MAX_PATCHES = 4096
_AFTERWARDS = ("norm_eps", "head_norm_eps")  # set in the network that was built


def is_library_network(architecture: str) -> bool:
    """Return True for a name with the prefix of a library."""
    return architecture.partition(":")[0] in LIBRARIES


def option_problems(architecture: str, options: Mapping[str, Option], input_size: int = 0) -> Iterator[str]:
    """Yield each fault of what a network is to be built with; nothing is built."""
    if options and not architecture.startswith("timm:"):
        yield f"{architecture[:100]!r} takes no options"
    for name, value in options.items():
        if name in _LIMITS:
            values = value if isinstance(value, tuple) else (value,)
            low, high = _LIMITS[name]
            ok = 1 <= len(values) <= 8 and all(not isinstance(v, str) and low <= v <= high for v in values)
        else:
            ok = value in _WORDS.get(name, ())
        if not ok:
            yield f"its network's {name[:50]} is {str(value)[:50]}, which is not known here"
            return
    depths, patch = options.get("depths", 0), options.get("patch_size", 16)
    if isinstance(depths, tuple) and sum(depths) > MAX_DEPTH:
        yield f"its network has {sum(depths)} blocks; at most {MAX_DEPTH} are taken"
    if "embed_dim" in options and isinstance(patch, int) and (input_size / patch) ** 2 > MAX_PATCHES:
        yield f"its network has more than {MAX_PATCHES} patches of {patch} px"


def build_library_network(
    architecture: str,
    outputs: int,
    input_size: int = 0,
    channels: int = 3,
    options: Mapping[str, Option] | None = None,
) -> nn.Module:
    """Return a network of a library with random weights, `outputs` numbers wide at its end.

    `input_size` matters to networks that are made for one size, such as ViT; 0 takes the library's own. `channels` is 1
    for a network of grey pictures. `options` are what timm's builder takes (see `option_problems`), and `norm_eps` and
    `head_norm_eps` of normalisations. Raises UserError for names that the library does not know, or other options.
    """
    options = options or {}
    if problem := next(option_problems(architecture, options, input_size), None):
        raise UserError(f"{problem}. Import the classifier again.")
    library, _, name = architecture.partition(":")
    if library == "torchvision":
        network = _torchvision(name, outputs, input_size)
    else:
        own = {key: value for key, value in options.items() if key not in _AFTERWARDS}
        network = _timm(name, outputs, input_size, own)
    if "norm_eps" in options:
        for module in network.modules():
            if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
                module.eps = float(options["norm_eps"])  # type: ignore[arg-type]
    if "head_norm_eps" in options:
        network.get_submodule("head.norm").eps = options["head_norm_eps"]  # type: ignore[assignment]
    if channels != 3:
        _take_channels(network, channels)
    return network


def network_names() -> list[str]:
    """Return the names of all classifiers of the installed libraries."""
    from torchvision import models

    names = [f"torchvision:{name}" for name in models.list_models(module=models)]
    timm = _import_timm()
    return names + ([f"timm:{name}" for name in timm.list_models()] if timm else [])


def has_timm() -> bool:
    """Return True if timm is installed."""
    return _import_timm() is not None


def penultimate_features(network: nn.Module, x: Tensor) -> Tensor:
    """(N, C, H, W) -> what the network's last linear layer or convolution is given, averaged over space: (N, F)."""
    given: list[Tensor] = []
    layers = [module for module in network.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    hooks = [layer.register_forward_pre_hook(lambda _, args: given.append(args[0])) for layer in layers]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
    last = given[-1]
    if last.ndim == 4:
        return last.mean(dim=(2, 3))
    return last.flatten(1, -2).mean(dim=1) if last.ndim > 2 else last


def library_feature_maps(network: nn.Module, x: Tensor) -> list[Tensor]:
    """(N, C, H, W) -> the last square (N, c, h, w) at each resolution, of convolutions and what follows them."""
    maps: dict[int, Tensor] = {}

    def keep(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3] > 1:
            maps[output.shape[3]] = output

    layers = [module for module in network.modules() if isinstance(module, _OF_MAPS)]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return [maps[size] for size in sorted(maps, reverse=True)]


# Other layers put out four dimensions, too: attention's are (N, heads, tokens, tokens).
_OF_MAPS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.SiLU, nn.Hardswish)


def _torchvision(name: str, outputs: int, input_size: int) -> nn.Module:
    from torchvision import models

    if name not in models.list_models(module=models):
        raise UserError(f"torchvision has no classifier called {name[:100]!r}. Update Latent Explorer.")
    options: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if input_size and name.startswith("vit_"):
        options["image_size"] = input_size
    return models.get_model_builder(name)(num_classes=outputs, **options)


def _timm(name: str, outputs: int, input_size: int, options: Mapping[str, Option]) -> nn.Module:
    timm = _import_timm()
    if timm is None:
        raise UserError(f"This classifier is timm's {name[:100]}, and timm is not installed. {INSTALL_TIMM}")
    if not timm.is_model(name):
        raise UserError(f"timm {timm.__version__} has no network called {name[:100]!r}. Update timm.")
    if 0 < input_size <= MAX_FIXED_SIZE:
        try:  # only networks that are made for one size take it
            return timm.create_model(name, pretrained=False, num_classes=outputs, img_size=input_size, **options)
        except TypeError:
            pass
    return timm.create_model(name, pretrained=False, num_classes=outputs, **options)


def _take_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for so many channels."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.in_channels == 3:
                conv = type(child)(  # timm has convolutions that pad as TensorFlow does
                    channels, child.out_channels, child.kernel_size, child.stride, child.padding,  # type: ignore[arg-type]
                    child.dilation, child.groups, child.bias is not None,  # type: ignore[arg-type]
                )  # fmt: skip
                setattr(module, name, conv)
                return


def _import_timm() -> Any:
    """Return timm, or None if it is not installed."""
    try:
        import timm
    except ImportError:
        return None
    return timm
