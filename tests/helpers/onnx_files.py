# SPDX-License-Identifier: MIT
"""Small ONNX files, and what ONNX Runtime makes of them. Import this after `pytest.importorskip("onnx")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 8


def node(op: str, inputs: str = "x", output: str = "y", **attributes: Any) -> onnx.NodeProto:
    """Return a node; inputs and outputs are names with spaces between them, "-" for one that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, output.split(), **attributes)


def write(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any] | None = None,
    *,
    shape: tuple[int | str, ...] = ("n", 3, SIZE, SIZE),
    dtype: int = TensorProto.FLOAT,
    outputs: str = "y",
    opset: int = 17,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a model from x to `outputs`, whose shapes are not declared."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    domains = {n.domain for n in nodes if n.domain}
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path


def runtime(path: Path, x: np.ndarray) -> np.ndarray:
    """Return ONNX Runtime's first output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def weights(*shape: int) -> np.ndarray:
    """Return random numbers, the same for the same shape."""
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)
