# SPDX-License-Identifier: MIT
"""Every operator gives what ONNX Runtime gives, and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from latent_explorer.models.importers.classifiers.onnx_model import convert
from latent_explorer.models.onnx_graph.operators import OPERATORS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx_files
from onnx_files import node, weights

if TYPE_CHECKING:
    from pathlib import Path

    import onnx


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


W3 = {"w": weights(4, 3, 3, 3), "b": weights(4)}
NORM = {"s": weights(3), "b": weights(3), "m": weights(3), "v": np.abs(weights(3)) + 0.5}
POSITIVE = [node("Abs", "x", "a"), node("Add", "a c", "p")]
SOME = {"c": f32(0.3)}

# Nodes from x (1, 3, 8, 8) to y, constants, opset.
CASES: list[tuple[list[onnx.NodeProto], dict[str, Any], int]] = [
    *[
        ([node(op)], {}, 17)
        for op in (
            "Abs", "Ceil", "Celu", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "Identity",
            "LeakyRelu", "Neg", "Relu", "Round", "Selu", "Sin", "Softplus", "Softsign", "Tanh", "ThresholdedRelu",
            "LpNormalization", "Dropout",
        )
    ],
    *[([node(op, "x", "s"), node("Mul", "s c")], SOME, 17) for op in ("Sigmoid", "Sign")],
    *[([*POSITIVE, node(op, "p")], SOME, 17) for op in ("Log", "Reciprocal", "Sqrt")],
    *[([node(op, "x c")], {"c": weights(3, 1, 1)}, 17) for op in ("Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean")],
    ([node("Div", "x c")], SOME, 17),
    ([*POSITIVE, node("Pow", "p e")], SOME | {"e": f32(1.7)}, 17),
    ([node("Mod", "x c", fmod=1)], SOME, 17),
    ([node("PRelu", "x c")], {"c": weights(3, 1, 1)}, 17),
    ([node("Gelu", "x")], {}, 20),
    ([node("Gelu", "x", approximate="tanh")], {}, 20),
    ([node("Mish", "x")], {}, 18),
    ([node("Clip", "x lo hi")], {"lo": np.float32(-0.5), "hi": np.float32(0.5)}, 17),
    ([node("Clip", "x - hi")], {"hi": np.float32(0.5)}, 17),
    ([node("Clip", "x", min=-0.5, max=0.4)], {}, 10),
    *[
        ([node(op, "x c", "g"), node("Where", "g x d")], SOME | {"d": f32(-1)}, 17)
        for op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")
    ],
    *[
        (
            [node("Greater", "x c", "g"), node("Less", "x d", "h"), node(op, "g h", "k"), node("Not", "k", "l"),
             node("Where", "l x c")],
            SOME | {"d": f32(0.1)},
            17,
        )
        for op in ("And", "Or", "Xor")
    ],
    ([node("Cast", "x", "i", to=6), node("Cast", "i", "y", to=1)], {}, 17),
    ([node("Cast", "x", "i", to=7), node("CastLike", "i x")], {}, 17),
    # Sums and products.
    *[
        ([*POSITIVE, node(f"Reduce{op}", "p", axes=[1], keepdims=1)], SOME, 11)
        for op in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
    ],
    ([node("ReduceMean", "x a", keepdims=1)], {"a": i64(-1)}, 18),
    ([node("ReduceSum", "x a", keepdims=0)],
     {"a": i64(2, 3)}, 13),
    ([node("Softmax", axis=1)], {}, 17),
    ([node("Softmax", axis=2)], {}, 11),
    ([node("Softmax")], {}, 17),
    ([node("LogSoftmax", axis=1)], {}, 17),
    ([node("LogSoftmax")], {}, 9),
    ([node("ArgMax", "x", "i", axis=1), node("Cast", "i", "f", to=1), node("Mul", "x f")], {}, 17),
    ([node("ArgMin", "x", "i", axis=1), node("Cast", "i", "f", to=1), node("Mul", "x f")], {}, 17),
    ([node("CumSum", "x a")], {"a": np.int64(2)}, 17),
    ([node("Einsum", "x c", equation="nchw,kc->nkhw")], {"c": weights(5, 3)}, 17),
    ([node("MatMul", "x c")], {"c": weights(8, 5)}, 17),
    (
        [node("Flatten", "x", "f"), node("Gemm", "f c b", "g", transB=1, alpha=0.5, beta=2.0),
         node("Reshape", "g s", "y")],
        {"c": weights(12, 192), "b": weights(12), "s": i64(-1, 12, 1, 1)},
        17,
    ),
    # Layers.
    ([node("Conv", "x w b", pads=[1, 1, 1, 1])], W3, 17),
    ([node("Conv", "x w b", pads=[0, 1, 2, 1], strides=[2, 1], dilations=[1, 2])], W3, 17),
    ([node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], W3, 17),
    ([node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 2])], W3, 17),
    ([node("Conv", "x w", auto_pad="VALID")], W3, 17),
    ([node("Conv", "x w", group=3)], {"w": weights(6, 1, 3, 3)}, 17),
    ([node("ConvTranspose", "x w b", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])],
     {"w": weights(3, 4, 3, 3), "b": weights(4)}, 17),
    ([node("BatchNormalization", "x s b m v", epsilon=1e-3)], NORM, 17),
    ([node("InstanceNormalization", "x s b")], NORM, 17),
    ([node("LayerNormalization", "x s b", axis=-1)], {"s": weights(8), "b": weights(8)}, 17),
    ([node("LayerNormalization", "x s", axis=1)], {"s": weights(8)}, 17),
    ([node("GroupNormalization", "x s b", num_groups=3)], NORM, 21),
    ([node("RMSNormalization", "x s", axis=-1)], {"s": weights(8)}, 23),
    ([node("LRN", "x", size=3, alpha=0.1, beta=0.5, bias=1.5)], {}, 17),
    ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], {}, 17),
    ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])], {}, 17),
    ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, 17),
    ([node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")], {}, 17),
    ([node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], {}, 17),
    ([node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)], {}, 17),
    ([node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])], {}, 17),
    ([node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")], {}, 17),
    ([node("GlobalAveragePool")], {}, 17),
    ([node("GlobalMaxPool")], {}, 17),
    # Shapes and places.
    ([node("Transpose", "x", perm=[0, 2, 3, 1])], {}, 17),
    ([node("Concat", "x x", axis=1)], {}, 17),
    ([node("Split", "x", "a b", axis=1, split=[1, 2]), node("Concat", "b a", axis=1)], {}, 11),
    ([node("Split", "x s", "a b", axis=-1), node("Mul", "b b")], {"s": i64(3, 5)}, 17),
    ([node("Split", "x", "a b", axis=-1, num_outputs=2), node("Sub", "a b")], {}, 18),
    ([node("Slice", "x s e a t")], {"s": i64(1, -1), "e": i64(9, -9), "a": i64(1, 3), "t": i64(1, -2)}, 17),
    ([node("Slice", "x", starts=[1], ends=[-1], axes=[2])], {}, 9),
    ([node("Gather", "x i", axis=1)], {"i": i64(2, 0, -1)}, 17),
    ([node("Gather", "x i", "g", axis=2), node("Unsqueeze", "g a")], {"i": np.int64(1), "a": i64(2)}, 17),
    ([node("GatherElements", "x i", axis=3)], {"i": np.zeros((1, 3, 8, 1), np.int64) + 2}, 17),
    ([node("Unsqueeze", "x", "u", axes=[1]),
     node("Squeeze", "u", axes=[1])], {}, 11),
    ([node("Expand", "x s")], {"s": i64(1, 3, 8, 8)}, 17),
    ([node("Tile", "x r")], {"r": i64(1, 2, 1, 3)}, 17),
    ([node("Pad", "x p v")], {"p": i64(0, 0, 1, 2, 0, 1, 0, 3), "v": np.float32(0.7)}, 17),
    ([node("Pad", "x p", mode="reflect")], {"p": i64(0, 0, 1, 2, 0, 0, 0, 3)}, 17),
    ([node("Pad", "x p", mode="edge")], {"p": i64(0, 0, 1, 2, 0, 0, 0, 3)}, 17),
    ([node("Pad", "x p - a")], {"p": i64(1, 2), "a": i64(3)}, 18),
    ([node("Pad", "x", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.5)], {}, 9),
    ([node("SpaceToDepth", "x", "d", blocksize=2),
     node("DepthToSpace", "d", blocksize=2, mode="CRD")], {}, 17),
    ([node("SpaceToDepth", "x", "d", blocksize=2), node("DepthToSpace", "d", blocksize=2, mode="DCR")], {}, 17),
    ([node("Trilu", "x k", upper=0)], {"k": np.int64(1)}, 17),
    ([node("Trilu", "x", upper=1)], {}, 17),
    ([node("ScatterND", "x i u")], {"i": np.array([[0, 1]]), "u": weights(1, 8, 8)}, 17),
    (
        [node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Add", "x z", "y")],
        {},
        17,
    ),
    (
        [node("Range", "a b d", "r"), node("Cast", "r", "f", to=1), node("Mul", "x f")],
        {"a": np.int64(0), "b": np.int64(8), "d": np.int64(1)},
        17,
    ),
    ([node("Size", "x", "s"), node("Cast", "s", "f", to=1), node("Div", "x f")], {}, 17),
    ([node("Resize", "x - s", mode="linear")], {"s": f32(1, 1, 2, 2)}, 17),
    ([node("Resize", "x - s", mode="linear", coordinate_transformation_mode="align_corners")],
     {"s": f32(1, 1, 1.5, 1.5)}, 17),
    ([node("Resize", "x - - z", mode="cubic")], {"z": i64(1, 3, 12, 12)}, 17),
    ([node("Resize", "x - s", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
     {"s": f32(1, 1, 2, 2)}, 17),
    ([node("Resize", "x - s", mode="nearest")], {"s": f32(1, 1, 2, 2)}, 17),
    ([node("Resize", "x s", mode="nearest")], {"s": f32(1, 1, 2, 2)}, 10),
    ([node("Upsample", "x s", mode="nearest")], {"s": f32(1, 1, 2, 2)}, 9),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: f"{i}-{CASES[i][0][-1].op_type}")
def test_operator(tmp_path: Path, case: int) -> None:
    nodes, constants, opset = CASES[case]
    path = onnx_files.write(
        tmp_path / "x.onnx",
        [*nodes, node("Reshape", "y row", "flat")],
        constants | {"row": i64(1, -1)},
        shape=(1, 3, 8, 8),
        outputs="flat",
        opset=opset,
    )
    x = weights(1, 3, 8, 8)
    expected = onnx_files.runtime(path, x)
    network = convert(path).network()
    given = torch.from_numpy(x).requires_grad_()
    made = network(given)
    np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-4, atol=1e-4)
    if made.requires_grad:
        made.sum().backward()
        assert given.grad is not None
        assert given.grad.isfinite().all()


def test_every_operator_is_compared() -> None:
    compared = {each.op_type for nodes, _, _ in CASES for each in nodes} | {"Swish"}
    assert set(OPERATORS) - compared - {"Flatten", "Reshape"} == set()
