# SPDX-License-Identifier: MIT
"""ONNX files as classifiers: recognised, converted with equal outputs, stored, or refused with the reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifier_file import info, read_classifier, write_classifier
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_header import classifier_problems
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.onnx_graph.graph import Constant, GraphError, Node, OnnxGraph
from latent_explorer.models.onnx_graph.network import Trial, check_graph

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx_files  # noqa: E402
from onnx_files import node, weights, write  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.models.classifiers import Classifier

TRUNK = [node("Conv", "x w b", "c", strides=[2, 2]), node("Relu", "c", "r"), node("GlobalAveragePool", "r", "g"),
         node("Flatten", "g", "f")]  # fmt: skip
TENSORS: dict[str, Any] = {"w": weights(4, 3, 3, 3), "b": weights(4), "h": weights(2, 4), "hb": weights(2),
                           "one": weights(1, 4)}  # fmt: skip
HEAD = node("Gemm", "f h hb", "y", transB=1)


def imported(path: Path, **options: Any) -> Classifier:
    found = inspect_classifier(path)
    return import_classifier(found, path.stem, **options)


def logits(classifier: Classifier, x: np.ndarray) -> np.ndarray:
    """Return what the network alone makes of x; its gradients are finite."""
    given = torch.from_numpy(x).requires_grad_()
    made = classifier.network(given)
    made.square().sum().backward()
    assert given.grad is not None
    assert given.grad.isfinite().all()
    return made.detach().numpy()


def pictures(n: int = 3, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((n, *(shape or (3, 8, 8)))).astype(np.float32)


def test_a_graph_is_read_stored_and_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [*TRUNK, HEAD], TENSORS, metadata={"names": "{0: 'ant', 1: \"bee\"}"})
    found = inspect_classifier(path)
    assert (found.matches[0].architecture, found.outputs) == ("onnx", 2)
    assert found.class_names == ("ant", "bee")
    assert found.preprocessing is not None
    assert found.preprocessing.input_size == 8
    assert "ImageNet" in found.preprocessing_from
    classifier = import_classifier(found, "net")
    expected = onnx_files.runtime(path, pictures())
    np.testing.assert_allclose(logits(classifier, pictures()), expected, atol=1e-5)
    write_classifier(tmp_path / "net.classifier", classifier, {})
    again, _ = read_classifier(tmp_path / "net.classifier")
    np.testing.assert_array_equal(logits(again, pictures()), logits(classifier, pictures()))
    assert again.config == classifier.config
    assert hash_classifier(again) == hash_classifier(classifier)
    assert info(tmp_path / "net.classifier")["architecture"] == "onnx"
    direct, about = read_classifier(path)
    assert direct.config.class_names == ("ant", "bee")
    assert about["imported"]["architecture"] == "onnx"
    img = torch.rand(2, 3, 8, 8) * 2 - 1
    assert again.features(img).shape == (2, 4)
    assert [tuple(m.shape) for m in again.feature_maps(img)] == [(2, 4, 3, 3)]


def test_another_graph_with_the_same_tensors_is_another_classifier(tmp_path: Path) -> None:
    one = imported(write(tmp_path / "a.onnx", [*TRUNK, HEAD], TENSORS))
    nodes = [*TRUNK[:1], node("Elu", "c", "r"), *TRUNK[2:], HEAD]
    assert hash_classifier(one) != hash_classifier(imported(write(tmp_path / "b.onnx", nodes, TENSORS)))


@pytest.mark.parametrize("dynamo", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("any_batch", [False, True])
def test_exports_of_torch(tmp_path: Path, dynamo: bool, any_batch: bool) -> None:
    if dynamo:
        pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.Hardswish(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.LayerNorm(24), nn.Linear(24, 3),
    ).eval()  # fmt: skip
    path, x = tmp_path / "net.onnx", torch.randn(2 if any_batch else 1, 3, 8, 8)
    if dynamo:
        shapes = ({0: torch.export.Dim("n")},) if any_batch else None
        torch.onnx.export(net, (x,), path, dynamo=True, dynamic_shapes=shapes, input_names=["x"], verbose=False)
    else:
        axes = {"x": {0: "n"}} if any_batch else None
        torch.onnx.export(net, (x,), path, dynamo=False, opset_version=11, input_names=["x"], dynamic_axes=axes)
    classifier = imported(path)
    assert classifier.config.graph is not None
    assert classifier.config.graph.any_batch
    with torch.no_grad():
        expected = net(torch.from_numpy(pictures())).numpy()
    np.testing.assert_allclose(logits(classifier, pictures()), expected, atol=1e-5)


@pytest.mark.parametrize("opset", [11, 17])
def test_probabilities_become_logits(tmp_path: Path, opset: int) -> None:
    gemm = node("Gemm", "f h hb", "z", transB=1)
    ends = {
        "softmax": [node("Softmax", "z", axis=1)],
        "by hand": [node("Exp", "z", "e"), node("ReduceL1", "e", "s", axes=[1]), node("Div", "e s")],
        "log": [node("LogSoftmax", "z", axis=1)],
    }
    for name, end in ends.items():
        path = write(tmp_path / f"{name}.onnx", [*TRUNK, gemm, *end], TENSORS, opset=opset)
        expected = onnx_files.runtime(path, pictures())
        expected = np.exp(expected) if name == "log" else expected
        probs = torch.from_numpy(logits(imported(path), pictures())).softmax(1).numpy()
        np.testing.assert_allclose(probs, expected, atol=1e-5)


def test_one_output_and_many_yes_or_no_outputs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", [*TRUNK, node("Gemm", "f one", "z", transB=1), node("Sigmoid", "z")], TENSORS)
    single = imported(path, class_names=("no", "yes"))
    assert single.config.head == "sigmoid"
    expected = onnx_files.runtime(path, pictures())
    np.testing.assert_allclose(torch.from_numpy(logits(single, pictures())).sigmoid(), expected, atol=1e-5)
    many = write(tmp_path / "b.onnx", [*TRUNK, node("Gemm", "f h", "z", transB=1), node("Sigmoid", "z")], TENSORS)
    assert "choose one with --output" in " ".join(inspect_classifier(many).notes)
    second = imported(many, output=1)
    expected = onnx_files.runtime(many, pictures())[:, 1:]
    np.testing.assert_allclose(torch.from_numpy(logits(second, pictures())).sigmoid(), expected, atol=1e-5)


def test_channels_last_bytes_and_preprocessing_inside(tmp_path: Path) -> None:
    to_float = [node("Cast", "x", "u", to=1), node("Transpose", "u", "t", perm=[0, 3, 1, 2]), node("Div", "t k", "d")]
    nodes = [*to_float, node("Conv", "d w b", "c", strides=[2, 2]), *TRUNK[1:], HEAD]
    path = write(
        tmp_path / "tf.onnx", nodes, TENSORS | {"k": np.float32(255)}, shape=("n", 8, 8, 3),
        dtype=onnx.TensorProto.UINT8,
    )  # fmt: skip
    classifier = imported(path)
    assert classifier.config.preprocessing.std == (1 / 255,) * 3
    assert classifier.config.preprocessing.mean == (0, 0, 0)
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    made = logits(classifier, x.transpose(0, 3, 1, 2).astype(np.float32))
    np.testing.assert_allclose(made, onnx_files.runtime(path, x), atol=1e-4)
    inside = [node("Sub", "x m", "d"), *nodes[3:]]
    one = imported(write(tmp_path / "one.onnx", inside, TENSORS | {"m": weights(1, 3, 1, 1)}))
    assert one.config.preprocessing.std == (1, 1, 1)


def test_one_picture_at_a_time_where_more_do_not_fit(tmp_path: Path) -> None:
    # The batch is in the middle of a shape: (5, 1, 4) of tokens first.
    nodes = [*TRUNK[:2], node("Reshape", "r a", "q"), node("Transpose", "q", "t", perm=[2, 0, 1]),
             node("Reshape", "t s", "u"), node("ReduceMean", "u", "v", axes=[0], keepdims=1),
             node("Gemm", "v h hb", "y", transB=1)]  # fmt: skip
    more = {"a": np.array([1, 4, 9]), "s": np.array([9, 4])}
    path = write(tmp_path / "net.onnx", nodes, TENSORS | more, shape=(1, 3, 8, 8))
    classifier = imported(path)
    assert classifier.config.graph is not None
    assert not classifier.config.graph.any_batch
    expected = np.concatenate([onnx_files.runtime(path, x[None]) for x in pictures()])
    np.testing.assert_allclose(logits(classifier, pictures()), expected, atol=1e-5)
    img = torch.rand(2, 3, 8, 8) * 2 - 1
    assert classifier.features(img).shape[0] == classifier.feature_maps(img)[0].shape[0] == 2


def test_any_size_takes_the_one_that_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [*TRUNK, HEAD], TENSORS, shape=("n", 3, "h", "w"))
    found = inspect_classifier(path)
    assert found.preprocessing is not None
    assert found.preprocessing.input_size == 224
    small = import_classifier(found, "net", (), msgspec.structs.replace(found.preprocessing, input_size=32))
    assert small.probs(torch.zeros(2, 3, 64, 64)).shape == (2, 2)
    fixed = inspect_classifier(write(tmp_path / "fixed.onnx", [*TRUNK, HEAD], TENSORS))
    assert fixed.preprocessing is not None
    with pytest.raises(UserError, match="8 px only"):
        import_classifier(fixed, "net", (), msgspec.structs.replace(fixed.preprocessing, input_size=32))


def test_tensors_in_a_second_file(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [*TRUNK, HEAD], TENSORS)
    expected = onnx_files.runtime(path, pictures())
    model = onnx.load(str(path))
    onnx.save(model, str(path), save_as_external_data=True, location="net.data", size_threshold=0)
    np.testing.assert_allclose(logits(imported(path), pictures()), expected, atol=1e-5)
    data = (tmp_path / "net.data").read_bytes()
    (tmp_path / "net.data").write_bytes(data[:-8])
    with pytest.raises(UserError, match=r"longer than net\.data"):
        inspect_classifier(path)
    (tmp_path / "net.data").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="must lie in the same folder"):
        inspect_classifier(path)
    if hasattr(os, "symlink"):
        (tmp_path / "net.data").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UserError, match="is a link"):
            inspect_classifier(path)
    for place in ("../elsewhere", "/etc/passwd", "..", "sub/net.data"):
        raw = path.read_bytes()
        model = onnx.load_from_string(raw)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = place
        (tmp_path / "bad.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(UserError, match="only a file in the same folder"):
            inspect_classifier(tmp_path / "bad.onnx")


def test_what_cannot_be_converted_is_named(tmp_path: Path) -> None:
    loop = node("NonMaxSuppression", "x x", "n")
    fused = onnx.helper.make_node("FusedConv", ["x", "w"], ["v"], domain="com.microsoft")
    path = write(tmp_path / "net.onnx", [loop, fused, *TRUNK, HEAD], TENSORS)
    with pytest.raises(UserError, match=r"cannot be converted: NonMaxSuppression, com\.microsoft\.FusedConv"):
        inspect_classifier(path)


@pytest.mark.parametrize(
    ("nodes", "options", "reason"),
    [
        ([node("Relu", "z", "y")], {}, "comes later or not at all"),
        ([node("Relu", "y", "z"), node("Relu", "z", "y")], {}, "comes later or not at all"),
        ([node("Relu"), node("Elu")], {}, "two nodes put out"),
        ([node("GlobalAveragePool", "x", "g"), node("Expand", "g s")], {}, "too large"),
        ([node("Tile", "x r")], {}, "too many"),
        ([node("ConstantOfShape", "s", "k"), node("ReduceMean", "k", "q"), node("Add", "x q")], {}, "too large"),
        ([node("Reshape", "x x")], {}, "shows"),
        ([node("Conv", "x w", strides=[0, 1])], {}, "strides"),
        ([node("Conv", "x w", group=0)], {}, "groups"),
        ([node("Conv", "x w", pads=[-4, 0, 0, 0])], {}, "pads"),
        ([node("Gather", "x i", axis=1)], {}, "within 3"),
        ([node("Relu")], {}, "one number a class"),
        ([node("GlobalAveragePool")], {"shape": (4, 3, 8, 8)}, "4 pictures at a time"),
        ([node("GlobalAveragePool")], {"shape": ("n", 5, 8, 8)}, "5 channels"),
        ([node("GlobalAveragePool")], {"shape": ("n", 3, 8, 16)}, "square"),
        ([node("GlobalAveragePool")], {"opset": 6}, "opset 6"),
    ],
)  # fmt: skip
def test_hostile_and_unusual_graphs(tmp_path: Path, nodes: list[Any], options: dict[str, Any], reason: str) -> None:
    huge = {"s": np.array([1 << 12, 3, 1 << 9, 1 << 9]), "r": np.array([1, 1, 1 << 20, 1 << 20]), "i": np.array([3])}
    path = write(tmp_path / "x.onnx", nodes, TENSORS | huge, **options)
    with pytest.raises(UserError, match=reason):
        inspect_classifier(path)


def graph(*nodes: Node, **changes: Any) -> OnnxGraph:
    found = OnnxGraph(17, ((2, 3),), (Constant("int64", (2,), (-1, 3)),), nodes, 2 + len(nodes))
    return msgspec.structs.replace(found, **changes)


def test_stored_graphs_are_checked(tmp_path: Path) -> None:
    config = imported(write(tmp_path / "net.onnx", [*TRUNK, HEAD], TENSORS)).config
    assert next(classifier_problems(config), None) is None
    faults = {
        "does not go with its graph": None,
        "is not known": graph(Node("Loop", (0,))),
        "not there": graph(Node("Relu", (9,))),
        "numbers for the shape": graph(constants=(Constant("int64", (3,), (1,)),)),
        "of the shape": graph(tensors=((1 << 20, 1 << 20),)),
        "more than": graph(*[Node("Relu", (0,))] * 9000),
        "no output": graph(output=99),
        "opset": graph(opset=99),
        "finite": graph(constants=(Constant("float32", (1,), (1e300,)),)),
    }
    for words, bad in faults.items():
        problem = next(classifier_problems(msgspec.structs.replace(config, graph=bad)), "")
        assert words in problem, (words, problem)
    with pytest.raises(GraphError, match="not \\[1, 2\\]"):
        check_graph(graph(Node("Relu", (0,))), 3, 8, 2)
    doubling = [Node("Concat", (max(0, i + 2) if i else 0,) * 2, attributes={"axis": 3}) for i in range(40)]
    with pytest.raises(GraphError, match="too large"):
        Trial(graph(*doubling)).run((1, 3, 8, 8))
    heavy = [Node("Expand", (0, 1)), Node("MatMul", (2, 2))]
    large = OnnxGraph(17, (), (Constant("int64", (4,), (1, 3, 1 << 13, 1 << 13)),), tuple(heavy), 3)
    with pytest.raises(GraphError, match=r"multiplications|fit|expanded"):
        Trial(large).run((1, 3, 1, 1))
