# SPDX-License-Identifier: MIT
"""Families of transformers' image classifiers that torchvision and timm can carry: names of tensors, and sizes.

A row of `names` is a pattern and the library's name: {s}, {b}, {c} and {i} stand for numbers, {p} for a tensor of a
layer, and {s+1} for the next number. Tensors whose new names differ only behind "#" become one, in that order: query,
key and value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.models.importers.classifiers.config_values import ConfigValues
    from latent_explorer.models.library_networks import Option


class Network(NamedTuple):
    """A library's network, and what it is built with."""

    architecture: str  # with "*" at its end: the one of these that fits
    options: dict[str, Option] = {}  # noqa: RUF012  # never written to
    input_size: int = 0  # px, of a network that is made for one size


class Family(NamedTuple):
    """How transformers' tensors are called in a library's network."""

    network: Callable[[ConfigValues], Network]
    names: tuple[tuple[str, str], ...]  # the first pattern that is a whole name counts
    block: Callable[[ConfigValues, int], dict[str, str]] | None = (
        None  # more values for a name, by the number {i} in it
    )
    # What differs for pictures of so many px; "" if nothing.
    caution: Callable[[ConfigValues, int], str] | None = None


# ---------------------------------------------------------------------------------------------- ViT, DeiT, BEiT


def _tokens(settings: ConfigValues, base: str) -> Network:
    """Return what ViT, DeiT and BEiT share."""
    width = settings.integer("hidden_size", 768)
    options: dict[str, Option] = {
        "patch_size": settings.square("patch_size", 16),
        "embed_dim": width,
        "depth": settings.integer("num_hidden_layers", 12),
        "num_heads": settings.integer("num_attention_heads", 12),
        "mlp_ratio": settings.integer("intermediate_size", 3072) / max(1, width),
        "norm_eps": settings.number("layer_norm_eps", 1e-12),
    }
    size = {192: "tiny", 384: "small", 1024: "large"}.get(width, "base")
    return Network(f"timm:{base.format(size=size)}", options, settings.square("image_size", 224))


def _vit(settings: ConfigValues, base: str = "vit_{size}_patch16_224", **more: Option) -> Network:
    found = _tokens(settings, base)
    own: dict[str, Option] = {"act_layer": settings.activation("gelu"), "qkv_bias": settings.flag("qkv_bias", True)}
    return found._replace(options={**found.options, **own, **more})


def _deit_with_teacher(settings: ConfigValues) -> Network:
    large = settings.integer("hidden_size", 768) == 1024
    return _vit(settings, "deit_base_distilled_patch16_224" if large else "deit_{size}_distilled_patch16_224")


def _beit(settings: ConfigValues) -> Network:
    settings.choice("use_mean_pooling", True)
    settings.choice("hidden_act", "gelu")
    large = settings.integer("hidden_size", 768) == 1024
    found = _tokens(settings, "beit_large_patch16_224" if large else "beit_base_patch16_224")
    own: dict[str, Option] = {
        "init_values": settings.number("layer_scale_init_value", 0.1),
        "use_abs_pos_emb": settings.flag("use_absolute_position_embeddings", False),
        "use_rel_pos_bias": settings.flag("use_relative_position_bias", False),
        "use_shared_rel_pos_bias": settings.flag("use_shared_relative_position_bias", False),
    }
    return found._replace(options={**found.options, **own})


def _token_names(trunk: str) -> tuple[tuple[str, str], ...]:
    layer = f"{trunk}.encoder.layer.{{i}}."
    return (
        (f"{trunk}.embeddings.cls_token", "cls_token"),
        (f"{trunk}.embeddings.position_embeddings", "pos_embed"),
        (f"{trunk}.embeddings.patch_embeddings.projection.{{p}}", "patch_embed.proj.{p}"),
        (f"{layer}attention.output.dense.{{p}}", "blocks.{i}.attn.proj.{p}"),
        (f"{layer}intermediate.dense.{{p}}", "blocks.{i}.mlp.fc1.{p}"),
        (f"{layer}output.dense.{{p}}", "blocks.{i}.mlp.fc2.{p}"),
        (f"{layer}layernorm_before.{{p}}", "blocks.{i}.norm1.{p}"),
        (f"{layer}layernorm_after.{{p}}", "blocks.{i}.norm2.{p}"),
        (f"{trunk}.layernorm.{{p}}", "norm.{p}"),
        ("classifier.{p}", "head.{p}"),
    )


def _joined_attention(attention: str, target: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{attention}.{part}.{{p}}", f"{target}.qkv.{{p}}#{place}")
        for place, part in enumerate(("query", "key", "value"))
    )


def _vit_names(trunk: str, distillation: str = "") -> tuple[tuple[str, str], ...]:
    attention = f"{trunk}.encoder.layer.{{i}}.attention.attention"
    return (
        *_joined_attention(attention, "blocks.{i}.attn"),
        (f"{trunk}.embeddings.distillation_token", distillation),
        ("cls_classifier.{p}", "head.{p}"),
        ("distillation_classifier.{p}", "head_dist.{p}"),
        *_token_names(trunk),
    )


_BEIT_ATTENTION = "beit.encoder.layer.{i}.attention.attention"
_BEIT_NAMES = (
    (f"{_BEIT_ATTENTION}.query.bias", "blocks.{i}.attn.q_bias"),  # BEiT's keys have no bias
    (f"{_BEIT_ATTENTION}.value.bias", "blocks.{i}.attn.v_bias"),
    *_joined_attention(_BEIT_ATTENTION, "blocks.{i}.attn"),
    (
        f"{_BEIT_ATTENTION}.relative_position_bias.relative_position_bias_table",
        "blocks.{i}.attn.relative_position_bias_table",
    ),
    (
        "beit.encoder.relative_position_bias.relative_position_bias_table",
        "rel_pos_bias.relative_position_bias_table",
    ),
    ("beit.encoder.layer.{i}.lambda_1", "blocks.{i}.gamma_1"),
    ("beit.encoder.layer.{i}.lambda_2", "blocks.{i}.gamma_2"),
    ("beit.pooler.layernorm.{p}", "fc_norm.{p}"),
    *_token_names("beit"),
)


# ---------------------------------------------------------------------------------------------- Swin, ConvNeXT


def _swin(settings: ConfigValues) -> Network:
    settings.choice("use_absolute_embeddings", False)
    settings.choice("hidden_act", "gelu")
    width = settings.integer("embed_dim", 96)
    options: dict[str, Option] = {
        "patch_size": settings.square("patch_size", 4),
        "embed_dim": width,
        "depths": settings.integers("depths", (2, 2, 6, 2)),
        "num_heads": settings.integers("num_heads", (3, 6, 12, 24)),
        "window_size": settings.square("window_size", 7),
        "mlp_ratio": settings.number("mlp_ratio", 4.0),
        "qkv_bias": settings.flag("qkv_bias", True),
        "norm_eps": settings.number("layer_norm_eps", 1e-5),
    }
    size = {128: "base", 192: "large"}.get(width, "tiny")
    return Network(f"timm:swin_{size}_patch4_window7_224", options, settings.square("image_size", 224))


_SWIN_BLOCK = "swin.encoder.layers.{s}.blocks.{b}."
_SWIN_NAMES = (
    ("swin.embeddings.patch_embeddings.projection.{p}", "patch_embed.proj.{p}"),
    ("swin.embeddings.norm.{p}", "patch_embed.norm.{p}"),
    *_joined_attention(f"{_SWIN_BLOCK}attention.self", "layers.{s}.blocks.{b}.attn"),
    (
        f"{_SWIN_BLOCK}attention.self.relative_position_bias_table",
        "layers.{s}.blocks.{b}.attn.relative_position_bias_table",
    ),
    (f"{_SWIN_BLOCK}attention.output.dense.{{p}}", "layers.{s}.blocks.{b}.attn.proj.{p}"),
    (f"{_SWIN_BLOCK}intermediate.dense.{{p}}", "layers.{s}.blocks.{b}.mlp.fc1.{p}"),
    (f"{_SWIN_BLOCK}output.dense.{{p}}", "layers.{s}.blocks.{b}.mlp.fc2.{p}"),
    (f"{_SWIN_BLOCK}layernorm_before.{{p}}", "layers.{s}.blocks.{b}.norm1.{p}"),
    (f"{_SWIN_BLOCK}layernorm_after.{{p}}", "layers.{s}.blocks.{b}.norm2.{p}"),
    # transformers halves at the end of a stage, timm at the start of the next.
    ("swin.encoder.layers.{s}.downsample.norm.{p}", "layers.{s+1}.downsample.norm.{p}"),
    ("swin.encoder.layers.{s}.downsample.reduction.{p}", "layers.{s+1}.downsample.reduction.{p}"),
    ("swin.layernorm.{p}", "norm.{p}"),
    ("classifier.{p}", "head.fc.{p}"),
)


def _convnext(settings: ConfigValues, version: str = "") -> Network:
    widths = settings.integers("hidden_sizes", (96, 192, 384, 768))
    options: dict[str, Option] = {
        "depths": settings.integers("depths", (3, 3, 9, 3)),
        "dims": widths,
        "patch_size": settings.square("patch_size", 4),
        "act_layer": settings.activation("gelu"),
        "norm_eps": 1e-6,
        "head_norm_eps": settings.number("layer_norm_eps", 1e-12),
    }
    size = {128: "base", 192: "large"}.get(widths[0] if widths else 0, "tiny")
    return Network(f"timm:convnext{version}_{size}", options)


def _convnext_names(trunk: str) -> tuple[tuple[str, str], ...]:
    block, target = f"{trunk}.encoder.stages.{{s}}.layers.{{b}}.", "stages.{s}.blocks.{b}."
    return (
        (f"{trunk}.embeddings.patch_embeddings.{{p}}", "stem.0.{p}"),
        (f"{trunk}.embeddings.layernorm.{{p}}", "stem.1.{p}"),
        (f"{block}layer_scale_parameter", f"{target}gamma"),
        (f"{block}dwconv.{{p}}", f"{target}conv_dw.{{p}}"),
        (f"{block}layernorm.{{p}}", f"{target}norm.{{p}}"),
        (f"{block}pwconv{{c}}.{{p}}", f"{target}mlp.fc{{c}}.{{p}}"),
        (f"{block}grn.{{p}}", f"{target}mlp.grn.{{p}}"),
        (f"{trunk}.encoder.stages.{{s}}.downsampling_layer.{{c}}.{{p}}", "stages.{s}.downsample.{c}.{p}"),
        (f"{trunk}.layernorm.{{p}}", "head.norm.{p}"),
        ("classifier.{p}", "head.fc.{p}"),
    )


# ---------------------------------------------------------------------------------------------- ResNet, RegNet

_RESNETS: dict[tuple[str, tuple[int, ...], tuple[int, ...]], str] = {
    ("basic", (2, 2, 2, 2), (64, 128, 256, 512)): "resnet18",
    ("basic", (3, 4, 6, 3), (64, 128, 256, 512)): "resnet34",
    ("bottleneck", (3, 4, 6, 3), (256, 512, 1024, 2048)): "resnet50",
    ("bottleneck", (3, 4, 23, 3), (256, 512, 1024, 2048)): "resnet101",
    ("bottleneck", (3, 8, 36, 3), (256, 512, 1024, 2048)): "resnet152",
}


def _resnet(settings: ConfigValues) -> Network:
    kind = settings.choice("layer_type", "bottleneck", "basic")
    settings.choice("hidden_act", "relu")
    settings.choice("downsample_in_first_stage", False)
    settings.choice("downsample_in_bottleneck", False)
    depths = settings.integers("depths", (3, 4, 6, 3))
    widths = settings.integers("hidden_sizes", (256, 512, 1024, 2048))
    if name := _RESNETS.get((kind, depths, widths)):
        return Network(f"torchvision:{name}")
    if kind == "basic":
        return Network("timm:resnet18", {"layers": depths, "channels": widths})
    return Network("timm:resnet50", {"layers": depths, "channels": tuple(width // 4 for width in widths)})


_RESNET_LAYER = "resnet.encoder.stages.{s}.layers.{b}."
_RESNET_NAMES = (
    ("resnet.embedder.embedder.convolution.{p}", "conv1.{p}"),
    ("resnet.embedder.embedder.normalization.{p}", "bn1.{p}"),
    (f"{_RESNET_LAYER}layer.{{c}}.convolution.{{p}}", "layer{s+1}.{b}.conv{c+1}.{p}"),
    (f"{_RESNET_LAYER}layer.{{c}}.normalization.{{p}}", "layer{s+1}.{b}.bn{c+1}.{p}"),
    (f"{_RESNET_LAYER}shortcut.convolution.{{p}}", "layer{s+1}.{b}.downsample.0.{p}"),
    (f"{_RESNET_LAYER}shortcut.normalization.{{p}}", "layer{s+1}.{b}.downsample.1.{p}"),
    ("classifier.1.{p}", "fc.{p}"),
)


def _regnet(settings: ConfigValues) -> Network:
    settings.choice("hidden_act", "relu")
    settings.choice("downsample_in_first_stage", True)
    return Network(f"timm:regnet{settings.choice('layer_type', 'y', 'x')}_*")


_REGNET_LAYER = "regnet.encoder.stages.{s}.layers.{b}."
_REGNET_NAMES = (
    ("regnet.embedder.embedder.convolution.{p}", "stem.conv.{p}"),
    ("regnet.embedder.embedder.normalization.{p}", "stem.bn.{p}"),
    (f"{_REGNET_LAYER}layer.3.convolution.{{p}}", "s{s+1}.b{b+1}.conv3.conv.{p}"),  # layer.2 weights the channels
    (f"{_REGNET_LAYER}layer.3.normalization.{{p}}", "s{s+1}.b{b+1}.conv3.bn.{p}"),
    (f"{_REGNET_LAYER}layer.2.attention.0.{{p}}", "s{s+1}.b{b+1}.se.fc1.{p}"),
    (f"{_REGNET_LAYER}layer.2.attention.2.{{p}}", "s{s+1}.b{b+1}.se.fc2.{p}"),
    (f"{_REGNET_LAYER}layer.{{c}}.convolution.{{p}}", "s{s+1}.b{b+1}.conv{c+1}.conv.{p}"),
    (f"{_REGNET_LAYER}layer.{{c}}.normalization.{{p}}", "s{s+1}.b{b+1}.conv{c+1}.bn.{p}"),
    (f"{_REGNET_LAYER}shortcut.convolution.{{p}}", "s{s+1}.b{b+1}.downsample.conv.{p}"),
    (f"{_REGNET_LAYER}shortcut.normalization.{{p}}", "s{s+1}.b{b+1}.downsample.bn.{p}"),
    ("classifier.1.{p}", "head.fc.{p}"),
)


# ------------------------------------------------------------------------------------ MobileNetV2, EfficientNet

_MOBILENETS = {0.35: "035", 0.5: "050", 0.75: "075", 1.0: "100", 1.4: "140"}


def _mobilenet_v2(settings: ConfigValues) -> Network:
    for name, value in (("output_stride", 32), ("expand_ratio", 6.0), ("hidden_act", "relu6")):
        settings.choice(name, value)
    settings.choice("first_layer_is_expansion", True)
    width = settings.choice("depth_multiplier", 1.0, *_MOBILENETS)
    options: dict[str, Option] = {"norm_eps": settings.number("layer_norm_eps", 1e-3)}
    if settings.flag("tf_padding", True):
        options["pad_type"] = "same"
    return Network(f"timm:mobilenetv2_{_MOBILENETS[width]}", options)


def _stage_of(block: int, repeats: tuple[int, ...]) -> tuple[int, int]:
    """Return stage and place of a block that is numbered through all stages."""
    for stage, count in enumerate(repeats):
        if block < count:
            return stage, block
        block -= count
    return len(repeats), block


def _mobilenet_block(_: ConfigValues, block: int) -> dict[str, str]:
    stage, place = _stage_of(block + 1, (1, 2, 3, 4, 3, 3, 1))  # transformers counts the stem's block apart
    return {"block": f"blocks.{stage}.{place}"}


def _mobilenet_names() -> tuple[tuple[str, str], ...]:
    rows = (
        ("conv_stem.first_conv", "conv_stem", "bn1"),
        ("conv_stem.conv_3x3", "blocks.0.0.conv_dw", "blocks.0.0.bn1"),
        ("conv_stem.reduce_1x1", "blocks.0.0.conv_pw", "blocks.0.0.bn2"),
        ("layer.{i}.expand_1x1", "{block}.conv_pw", "{block}.bn1"),
        ("layer.{i}.conv_3x3", "{block}.conv_dw", "{block}.bn2"),
        ("layer.{i}.reduce_1x1", "{block}.conv_pwl", "{block}.bn3"),
        ("conv_1x1", "conv_head", "bn2"),
    )
    names = []
    for source, convolution, norm in rows:
        names.append((f"mobilenet_v2.{source}.convolution.{{p}}", f"{convolution}.{{p}}"))
        names.append((f"mobilenet_v2.{source}.normalization.{{p}}", f"{norm}.{{p}}"))
    return (*names, ("classifier.{p}", "classifier.{p}"))


_EFFICIENTNETS = {
    (1.0, 1.0): "b0", (1.0, 1.1): "b1", (1.1, 1.2): "b2", (1.2, 1.4): "b3", (1.4, 1.8): "b4", (1.6, 2.2): "b5",
    (1.8, 2.6): "b6", (2.0, 3.1): "b7", (2.2, 3.6): "b8",
}  # fmt: skip
_EFFICIENTNET_REPEATS = (1, 2, 2, 3, 3, 4, 1)


def _efficientnet(settings: ConfigValues) -> Network:
    for name, values in (
        ("strides", [1, 2, 2, 2, 1, 2, 1]),
        ("kernel_sizes", [3, 3, 5, 3, 5, 5, 3]),
        ("expand_ratios", [1, 6, 6, 6, 6, 6, 6]),
        ("num_block_repeats", [*_EFFICIENTNET_REPEATS]),
        ("hidden_act", "swish"),
        ("pooling_type", "mean"),
    ):
        settings.choice(name, values)
    scale = settings.number("width_coefficient", 2.0), settings.number("depth_coefficient", 3.1)
    if scale not in _EFFICIENTNETS:
        raise UserError(f"timm has no EfficientNet with the width and depth {scale[0]:g} and {scale[1]:g}")
    options: dict[str, Option] = {"norm_eps": settings.number("batch_norm_eps", 1e-3)}
    return Network(f"timm:tf_efficientnet_{_EFFICIENTNETS[scale]}", options)


def _efficientnet_repeats(settings: ConfigValues) -> tuple[int, ...]:
    depth = settings.number("depth_coefficient", 3.1)
    return tuple(math.ceil(depth * count) for count in _EFFICIENTNET_REPEATS)


def _efficientnet_block(settings: ConfigValues, block: int) -> dict[str, str]:
    stage, place = _stage_of(block, _efficientnet_repeats(settings))
    first = stage == 0  # it does not widen, so it has one convolution less
    return {
        "block": f"blocks.{stage}.{place}",
        "bn_dw": "bn1" if first else "bn2",
        "conv_out": "conv_pw" if first else "conv_pwl",
        "bn_out": "bn2" if first else "bn3",
    }


def _efficientnet_caution(settings: ConfigValues, size: int) -> str:
    """Compare the padding: transformers lists the blocks of odd sizes, timm pads by the size that is there."""
    odd = settings.integers("depthwise_padding", ())
    same = size % 2 == 0
    block, size = 0, -(-size // 2)
    for stride, repeats in zip((1, 2, 2, 2, 1, 2, 1), _efficientnet_repeats(settings), strict=True):
        if stride == 2:
            same = same and (block in odd) == (size % 2 == 1)
            size = -(-size // 2)
        block += repeats
    return "" if same else "At this size transformers pads the borders of pictures in another way than timm."


_EFFICIENTNET_BLOCK = "efficientnet.encoder.blocks.{i}."
_EFFICIENTNET_NAMES = (
    ("efficientnet.embeddings.convolution.{p}", "conv_stem.{p}"),
    ("efficientnet.embeddings.batchnorm.{p}", "bn1.{p}"),
    (f"{_EFFICIENTNET_BLOCK}expansion.expand_conv.{{p}}", "{block}.conv_pw.{p}"),
    (f"{_EFFICIENTNET_BLOCK}expansion.expand_bn.{{p}}", "{block}.bn1.{p}"),
    (f"{_EFFICIENTNET_BLOCK}depthwise_conv.depthwise_conv.{{p}}", "{block}.conv_dw.{p}"),
    (f"{_EFFICIENTNET_BLOCK}depthwise_conv.depthwise_norm.{{p}}", "{block}.{bn_dw}.{p}"),
    (f"{_EFFICIENTNET_BLOCK}squeeze_excite.reduce.{{p}}", "{block}.se.conv_reduce.{p}"),
    (f"{_EFFICIENTNET_BLOCK}squeeze_excite.expand.{{p}}", "{block}.se.conv_expand.{p}"),
    (f"{_EFFICIENTNET_BLOCK}projection.project_conv.{{p}}", "{block}.{conv_out}.{p}"),
    (f"{_EFFICIENTNET_BLOCK}projection.project_bn.{{p}}", "{block}.{bn_out}.{p}"),
    ("efficientnet.encoder.top_conv.{p}", "conv_head.{p}"),
    ("efficientnet.encoder.top_bn.{p}", "bn2.{p}"),
    ("classifier.{p}", "classifier.{p}"),
)


# By the class that `architectures` of a config.json names.
FAMILIES = {
    "ViTForImageClassification": Family(_vit, _vit_names("vit")),
    "DeiTForImageClassification": Family(lambda s: _vit(s, reg_tokens=1), _vit_names("deit", "reg_token")),
    "DeiTForImageClassificationWithTeacher": Family(_deit_with_teacher, _vit_names("deit", "dist_token")),
    "BeitForImageClassification": Family(_beit, _BEIT_NAMES),
    "SwinForImageClassification": Family(_swin, _SWIN_NAMES),
    "ConvNextForImageClassification": Family(_convnext, _convnext_names("convnext")),
    "ConvNextV2ForImageClassification": Family(lambda s: _convnext(s, "v2"), _convnext_names("convnextv2")),
    "ResNetForImageClassification": Family(_resnet, _RESNET_NAMES),
    "RegNetForImageClassification": Family(_regnet, _REGNET_NAMES),
    "MobileNetV2ForImageClassification": Family(_mobilenet_v2, _mobilenet_names(), _mobilenet_block),
    "EfficientNetForImageClassification": Family(
        _efficientnet, _EFFICIENTNET_NAMES, _efficientnet_block, _efficientnet_caution
    ),
}
READ = "ViT, DeiT, BEiT, Swin, ConvNeXT, ConvNeXTV2, ResNet, RegNet, MobileNetV2 and EfficientNet"
