# SPDX-License-Identifier: MIT
"""Networks of torchvision and timm, built by name: "torchvision:resnet18", "timm:vit_tiny_patch16_224".

Only the libraries' code builds them; their tensors come from a file. Nothing is downloaded.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from latent_explorer.common.errors import UserError

LIBRARIES = ("torchvision", "timm")
INSTALL_TIMM = "Install it with: pip install 'latent-explorer[timm]'."


def is_library_network(architecture: str) -> bool:
    """Return True for a name with the prefix of a library."""
    return architecture.partition(":")[0] in LIBRARIES


def build_library_network(architecture: str, outputs: int, input_size: int = 0, channels: int = 3) -> nn.Module:
    """Return a network of a library with random weights, `outputs` numbers wide at its end.

    `input_size` matters to networks that are made for one size, such as ViT; 0 takes the library's own. `channels` is 1
    for a network of grey pictures. Raises UserError for names that the library does not know.
    """
    library, _, name = architecture.partition(":")
    network = (_torchvision if library == "torchvision" else _timm)(name, outputs, input_size)
    if channels != 3:
        _take_channels(network, channels)
    return network


def network_names() -> list[str]:
    """Return the names of all classifiers of the installed libraries."""
    from torchvision import models

    names = [f"torchvision:{name}" for name in models.list_models(module=models)]
    timm = _import_timm()
    return names + ([f"timm:{name}" for name in timm.list_models()] if timm else [])


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


def _timm(name: str, outputs: int, input_size: int) -> nn.Module:
    timm = _import_timm()
    if timm is None:
        raise UserError(f"This classifier is timm's {name[:100]}, and timm is not installed. {INSTALL_TIMM}")
    if not timm.is_model(name):
        raise UserError(f"timm {timm.__version__} has no network called {name[:100]!r}. Update timm.")
    if input_size:
        try:  # only networks that are made for one size take it
            return timm.create_model(name, pretrained=False, num_classes=outputs, img_size=input_size)
        except TypeError:
            pass
    return timm.create_model(name, pretrained=False, num_classes=outputs)


def _take_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for so many channels."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.in_channels == 3:
                conv = nn.Conv2d(
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
