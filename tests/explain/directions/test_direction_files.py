# SPDX-License-Identifier: MIT
"""Directions from the files of other programs, and the guess whether numbers are latents or directions."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.explain.directions.file import guess, read_directions, vector_shapes
from latent_explorer.explain.latents import typical_ws
from latent_explorer.explain.projection.latent_import import holds_vectors, look_at_vectors
from latent_explorer.models.explainer_file import read_explainer

NUM_WS, W_DIM = 6, 16
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def written(path, content):
    """Write arrays as `path`'s ending says."""
    if path.suffix == ".npy":
        np.save(path, content)
    elif path.suffix == ".npz":
        np.savez(path, **content)
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize(("name", "shape", "shapes"), [
    ("boundary.npy", (1, W_DIM), [(1, W_DIM)]),
    ("one.npy", (W_DIM,), [(W_DIM,)]),
    ("rows.npy", (NUM_WS, W_DIM), [(NUM_WS, W_DIM)]),
    ("many.npy", (3, W_DIM), [(W_DIM,)] * 3),
    ("single rows.npy", (3, 1, W_DIM), [(W_DIM,)] * 3),
    ("many rows.npy", (2, NUM_WS, W_DIM), [(NUM_WS, W_DIM)] * 2),
    ("tensor.pt", (2, W_DIM), [(W_DIM,)] * 2),
])  # fmt: skip
def test_arrays_without_names(tmp_path, name, shape, shapes):
    array = numbers(*shape)
    path = written(tmp_path / name, array if name.endswith("npy") else torch.from_numpy(array))
    found = read_directions(path, NUM_WS, W_DIM)
    assert [np.atleast_1d(each.vector.squeeze()).shape for each in found] == [
        np.zeros(s).squeeze().shape for s in shapes
    ]
    np.testing.assert_array_equal(np.concatenate([np.ravel(each.vector) for each in found]), array.ravel())
    stem = name.rsplit(".", 1)[0]
    assert [each.name for each in found] == (
        [stem] if len(shapes) == 1 else [f"{stem} {i + 1}" for i in range(len(shapes))]
    )


def test_components_of_ganspace(tmp_path):
    components = numbers(5, 1, W_DIM)
    others = {"lat_mean": numbers(1, 1, W_DIM), "lat_stdev": numbers(5), "act_comp": numbers(5, 1, W_DIM)}
    found = read_directions(written(tmp_path / "c.npz", {"lat_comp": components, **others}), NUM_WS, W_DIM)
    np.testing.assert_array_equal([each.vector for each in found], components[:, 0])
    assert [each.name for each in found][:2] == ["c 1", "c 2"]


def test_closed_form_factors_are_columns(tmp_path):
    factors = torch.from_numpy(numbers(W_DIM, W_DIM))
    found = read_directions(written(tmp_path / "factor.pt", {"ckpt": "x.pt", "eigvec": factors}), NUM_WS, W_DIM)
    np.testing.assert_array_equal(found[3].vector, factors[:, 3].numpy())


def test_as_many_components_as_rows_are_directions_in_w(tmp_path):
    path = written(tmp_path / "c.npz", {"components": numbers(NUM_WS, W_DIM)})
    assert [each.vector.shape for each in read_directions(path, NUM_WS, W_DIM)] == [(W_DIM,)] * NUM_WS


def test_directions_by_name(tmp_path):
    content = OrderedDict(smile=torch.ones(1, W_DIM), age=torch.ones(NUM_WS, W_DIM), mean=torch.ones(W_DIM))
    found = read_directions(written(tmp_path / "editings.pt", content), NUM_WS, W_DIM)
    assert [each.name for each in found] == ["smile", "age"]


@pytest.mark.parametrize(("name", "content", "words"), [
    ("x.npy", np.zeros((3, 7), np.float32), r"\(3, 7\).*\(16,\), \(6, 16\)"),
    ("x.npy", np.array(["a"]), "cannot be read"),
    ("x.npy", np.ones((1, W_DIM), int), "neither"),
    ("x.npy", np.zeros((1, W_DIM), np.float32), "neither"),
    ("x.npy", np.full((1, W_DIM), np.inf, np.float32), "finite"),
    ("x.npy", np.full((1, W_DIM), 1e300), "finite"),
    ("x.npy", np.ones((1025, W_DIM), np.float32), "1,025"),
    ("x.npz", {"lat_comp": np.ones((2, 2, 2, W_DIM), np.float32)}, "neither"),
    ("x.pt", {"net": {"w": torch.ones(W_DIM)}}, "neither"),
    ("x.pt", [1, 2], "neither"),
    ("x.pt", torch.full((1, W_DIM), torch.nan), "finite"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path, name, content, words):
    path = written(tmp_path / name, content)
    with pytest.raises(UserError, match=words):
        read_directions(path, NUM_WS, W_DIM)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"junk"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_damaged_files_are_refused_in_a_sentence(tmp_path, content, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError):
        read_directions(path, NUM_WS, W_DIM)
    assert not holds_vectors(path)


def test_one_storage_seen_many_times_takes_no_memory(tmp_path):
    """Each tensor is small in the file, and all of them are one."""
    base = torch.ones(200_000, W_DIM)
    path = written(tmp_path / "bomb.pt", {f"d{i}": base.view(-1, 1000, W_DIM) for i in range(50)})
    with pytest.raises(UserError, match="Split the file"):
        read_directions(path, NUM_WS, W_DIM)


@pytest.mark.parametrize(("content", "vectors"), [
    (torch.ones(3, 16), True),
    ({"latents": torch.ones(16), "step": 7}, True),
    ({"eigvec": torch.ones(16, 16), "ckpt": "a"}, True),
    ({"smile": torch.ones(1, 16), "age": torch.ones(6, 16)}, True),
    ({"a.png": {"latent": torch.ones(16), "noise": []}}, True),
    ({"fc.weight": torch.ones(2, 16), "fc.bias": torch.ones(2)}, False),
    ({"weight": torch.ones(2, 16)}, False),
    ({"conv.weight": torch.ones(3, 3, 3, 16)}, False),
    (7, False),
])  # fmt: skip
def test_checkpoints_with_vectors_are_no_models(tmp_path, content, vectors):
    path = written(tmp_path / "x.pt", content)
    assert holds_vectors(path) == vectors
    top = not isinstance(content, dict) or any(isinstance(each, torch.Tensor) for each in content.values())
    assert (vector_shapes(path) is not None) == (vectors and top)


@pytest.fixture(scope="module")
def leaf():
    from latent_explorer.app.library import bundled_explainer

    return read_explainer(bundled_explainer("leaf-health"))


def test_real_latents_and_directions_are_told_apart_without_names(leaf, tmp_path):
    """Every encoded picture is a latent; boundaries of any length, and differences of latents, are directions."""
    ws = typical_ws(leaf)
    num_ws, w_dim = ws.shape[1:]
    w, path = ws[:, 0], tmp_path / "x.npy"

    def is_direction(vector: np.ndarray) -> bool:
        return guess(path, read_directions(written(path, vector.astype(np.float32)), num_ws, w_dim), ws).directions

    assert not any(is_direction(each) for each in w[::25])
    assert not is_direction(ws[3])
    boundary = RNG.standard_normal(w_dim)
    boundary /= np.linalg.norm(boundary)
    assert all(is_direction(length * boundary) for length in (0.3, 1, 3, 30))
    assert all(is_direction(w[i] - w[i + 1]) for i in range(0, 200, 25))
    only_some = ws[3].copy()
    only_some[4:] = 0
    assert is_direction(only_some)


@pytest.mark.parametrize(("name", "directions"), [
    ("age-boundary.npy", True), ("ganspace.npy", True), ("projected.npy", False), ("latents.npy", False),
])  # fmt: skip
def test_a_name_decides_first(leaf, tmp_path, name, directions):
    ws = typical_ws(leaf)
    vector = ws[0, 0] if directions else 5 * RNG.standard_normal(ws.shape[2])
    path = written(tmp_path / name, vector.astype(np.float32))
    assert guess(path, read_directions(path, *ws.shape[1:]), ws).directions == directions


def test_what_a_file_may_be_taken_as(tiny_explainer, tmp_path):
    num_ws, w_dim = tiny_explainer.generator.num_ws, tiny_explainer.generator.config.w_dim
    either = look_at_vectors(written(tmp_path / "x.npy", numbers(w_dim)), tiny_explainer)
    assert (either.pictures, len(either.vectors)) == (1, 1)
    latents = look_at_vectors(written(tmp_path / "p.npz", {"w": numbers(2, num_ws, w_dim)}), tiny_explainer)
    assert (latents.pictures, latents.vectors) == (2, ())
    factors = look_at_vectors(written(tmp_path / "f.pt", {"eigvec": torch.eye(w_dim)}), tiny_explainer)
    assert (factors.pictures, len(factors.vectors), factors.guess.directions) == (0, w_dim, True)
    with pytest.raises(UserError, match="another model"):
        look_at_vectors(written(tmp_path / "p.npz", {"w": numbers(2, num_ws, 7)}), tiny_explainer)
    with pytest.raises(UserError, match="neither as latents nor as directions"):
        look_at_vectors(written(tmp_path / "x.npy", numbers(7)), tiny_explainer)
