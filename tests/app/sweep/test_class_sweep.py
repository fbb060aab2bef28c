# SPDX-License-Identifier: MIT
"""Class sweeps: which pictures, what moves them, the frames in their order, controls, files, and the window's bytes."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import numpy as np
import pytest
from colour_explainer import tiny_explainer
from headless import HeadlessExplorer, of_type
from PIL import Image
from tiny import make_explainer

from latent_explorer.app.directions import DirectionsController
from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.picture_requests import opening_state
from latent_explorer.app.export.scene import export_context
from latent_explorer.app.sweep.controller import ATTRIBUTES, SweepController
from latent_explorer.app.sweep.export import columns_of, export_sweeps, grid_frame
from latent_explorer.app.sweep.job import sweep_pictures
from latent_explorer.app.sweep.plan import (
    ALPHAS,
    CONTROL_STEPS,
    ORDER,
    attributes_sweep,
    class_sweeps,
    control_edits,
    direction_sweep,
    recipes,
    sweep_bases,
    target_of,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.direction_search.settings import FoundDirection
from latent_explorer.explain.directions.direction import Direction, unit_direction
from latent_explorer.explain.directions.file import write_directions
from latent_explorer.explain.latents import typical_ws
from latent_explorer.explain.recipe import DirectionShift, PictureRequest, SampleBase, SeedBase, StyleShift
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.explainer_file import write_explainer


@pytest.fixture(scope="module")
def explainer():
    return make_explainer(samples=40)


@pytest.fixture(scope="module")
def file(explainer, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "tiny.explainer"
    write_explainer(explainer, path)
    return path


@pytest.fixture(scope="module")
def host(file):
    made = ModelHost()
    made.open(file, "cpu")
    return made


@pytest.fixture(scope="module")
def context(host):
    summary = host.explainer.summary()
    return export_context(opening_state(summary), summary)


@pytest.fixture(scope="module")
def direction(explainer) -> Direction:
    vector = np.random.default_rng(0).standard_normal(16)
    return unit_direction("guided diseased", vector, typical_ws(explainer))


def test_the_pictures_are_of_other_classes_and_seeds_fill_up(context):
    summary, key = context.summary, context.state.classifier_id
    for target in (0, 1):
        others = np.flatnonzero(summary.samples.probs.argmax(axis=1) != target).tolist()
        bases = sweep_bases(summary, key, target, 6)
        rows = [base.index for base in bases if isinstance(base, SampleBase)]
        assert len(set(rows)) == min(6, len(others))
        assert set(rows) <= set(others)
        assert bases[len(rows) :] == [SeedBase(seed) for seed in range(6 - len(rows))]
    assert sweep_bases(summary, "another classifier", 0, 4) == [SampleBase(row) for row in (0, 13, 26, 39)]


def test_alpha_runs_from_0_in_steps_of_a_twentieth_to_0_95(context, direction):
    assert ALPHAS[0] == 0
    assert ALPHAS[-1] == 0.95
    assert sorted(ORDER) == list(range(20))
    sweep = direction_sweep(1, direction, [SeedBase(1), SampleBase(2)], 4.0)
    for base, of_base in zip(sweep.bases, recipes(sweep, context), strict=True):
        assert [recipe.base for recipe in of_base] == [base] * 20
        assert of_base[0].edits == ()
        amounts = [recipe.edits[0].amount for recipe in of_base[1:]]
        assert amounts == pytest.approx([4.0 * alpha for alpha in ALPHAS[1:]])


def test_a_name_says_the_class(direction):
    names = ("digit", "digit 1", "a/b", "x" * 300)
    for name, expected in (
        ("guided digit", 0),
        ("guided digit 2", 0),
        ("guided digit 1", 1),
        ("boundary digit 1 3, rows 0-3", 1),
        ("guided a/b", 2),
        ("guided a_b, row 3", 2),
        ("SeFa 1", None),
        ("guided other", None),
    ):
        assert target_of(msgspec.structs.replace(direction, name=name), names) == expected, name


def test_attributes_move_together(context):
    sweep = attributes_sweep(1, Document(), context.summary, context.state, [SeedBase(0)])
    assert sweep.edits == (StyleShift(3, "max", 1.0), StyleShift(40, "max", -1.0))
    assert sweep.name == "first 2 attributes together"
    one = attributes_sweep(1, Document(), context.summary, context.state, [SeedBase(0)], top=1)
    assert (one.name, len(one.edits)) == ("first", 1)
    assert attributes_sweep(0, Document(), context.summary, context.state, [SeedBase(0)]) is None


def test_random_moves_are_as_large(context, direction):
    edits = (DirectionShift(direction, 3.0), StyleShift(3, "max", 0.5), StyleShift(40, "max", -1.0))
    *styles, moved = control_edits(edits, context.summary, np.random.default_rng(0))
    assert np.linalg.norm(moved.direction.array) == pytest.approx(np.linalg.norm(direction.array), rel=1e-5)
    assert moved.amount == 3.0
    assert sorted(abs(each.amount) for each in styles) == [0.5, 1.0]
    assert len({each.style_index for each in styles}) == 2


def test_what_is_known_grows_and_agrees_with_the_render(context, host, direction):
    sweep = direction_sweep(1, direction, sweep_bases(context.summary, context.state.classifier_id, 1, 4))
    events = []
    found = run_job(sweep_pictures(sweep, context, host), events.append)
    kept = [event.value for event in events if isinstance(event, Kept)]
    assert [each.curve()[0] for each in kept[:3]] == [[0.0], [0.0, 0.95], [0.0, 0.5, 0.95]]
    assert [each.complete for each in kept] == [False] * 19 + [True, True]
    assert max(event.done for event in events if isinstance(event, Progress)) == 80
    recipe = recipes(sweep, context)[2][13]
    picture = host.render(PictureRequest(recipe, context.state.classifier_id)).after
    np.testing.assert_array_equal(found.images[2, 13], picture.image)
    np.testing.assert_array_equal(found.probs[2, 13], picture.probs)
    assert found.curve()[1][13] == pytest.approx(found.of_target[:, 13].mean())
    alphas, control = found.control_curve()
    assert alphas == [0.0, *(ALPHAS[step] for step in CONTROL_STEPS)]
    assert control[0] == found.curve()[1][0]
    figures = found.figures()
    assert figures["control_last"] == control[-1]
    assert 0 <= figures["rising"] <= 1


def test_without_a_move_the_control_is_level(context, host, direction):
    sweep = direction_sweep(1, direction, [SeedBase(seed) for seed in range(4)], 1e-6)
    found = run_job(sweep_pictures(sweep, context, host))
    assert found.control_curve()[1] == pytest.approx([found.curve()[1][0]] * 5, abs=1e-3)
    assert found.figures()["rising"] == 1.0


def test_files_of_a_sweep(context, host, direction, tmp_path):
    bases = sweep_bases(context.summary, context.state.classifier_id, 1, 5)
    sweeps = [direction_sweep(0, direction, bases), direction_sweep(1, direction, bases)]
    written = run_job(export_sweeps(tmp_path, sweeps, context, host, size=16))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00 healthy.gif",
        "01 diseased.gif",
        "all classes.gif",
        "manifest.json",
        "sweep.csv",
    ]
    with Image.open(tmp_path / "01 diseased.gif") as gif:
        assert (gif.n_frames, gif.info["loop"]) == (20, 0)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sweep.csv").read_text())))
    assert len(rows) == 2 * 5 * 20
    found = run_job(sweep_pictures(sweeps[1], context, host))
    last = [float(row["probability"]) for row in rows if (row["class"], row["alpha"]) == ("diseased", "0.95")]
    assert last == pytest.approx(found.of_target[:, -1].tolist(), rel=1e-4)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["sweeps"][1]["figures"]["probability_last"] == pytest.approx(np.mean(last), rel=1e-4)
    assert manifest["model_hash"] == context.summary.model_hash
    assert written.together == tmp_path / "all classes.gif"
    frames = [grid_frame([found], step, context, 32) for step in (0, 19)]
    assert frames[0].shape == frames[1].shape
    assert (frames[0] != frames[1]).any()


def test_a_grid_of_4_to_12():
    assert [columns_of(count) for count in range(4, 13)] == [2, 3, 3, 4, 4, 3, 4, 4, 4]


def test_nothing_to_sweep_is_said(context, host, tmp_path):
    with pytest.raises(UserError, match="nothing to sweep"):
        run_job(export_sweeps(tmp_path, [], context, host))


def test_three_classes_each_with_its_own(tmp_path):
    model = tiny_explainer(classes=3, n=12)
    rng = np.random.default_rng(0)
    names = model.classifier.config.class_names
    found = [unit_direction(f"guided {name}", rng.standard_normal(16), typical_ws(model)) for name in names]
    summary = model.summary()
    context = export_context(opening_state(summary), summary)
    sweeps = class_sweeps(context, [(target_of(each, names), each) for each in reversed(found)], count=4)
    assert [sweep.target for sweep in sweeps] == [0, 1, 2]
    written = run_job(export_sweeps(tmp_path, sweeps, context, Renderer(model), suffix=".png", size=16))
    assert [item.target for item in written.items] == list(names)
    assert written.together.exists()
    with pytest.raises(UserError, match="Several directions"):
        class_sweeps(context, [(1, found[0]), (1, found[1])])
    with pytest.raises(UserError, match="no attributes"):
        class_sweeps(context, [])
    with pytest.raises(UserError, match="4 to 12"):
        class_sweeps(context, [(1, found[0])], [SeedBase(0)])


@pytest.fixture
def window(file, tmp_path):
    headless = HeadlessExplorer(tmp_path, ModelHost())
    headless.explorer.change_settings(device="cpu")
    headless.changes = []
    headless.directions = DirectionsController(headless.explorer)
    headless.sweeps = SweepController(headless.explorer, lambda: headless.changes.append(1))
    headless.open(file)
    yield headless
    headless.explorer.close()


def test_the_window_shows_what_was_chosen_last(window, direction):
    sweeps, explorer = window.sweeps, window.explorer
    assert [source.name for source in sweeps.sources(0)] == []
    assert [source.name for source in sweeps.sources(1)] == [ATTRIBUTES]
    other = msgspec.structs.replace(direction, name="boundary diseased")
    explorer.change_document(explorer.document.with_directions(other, direction))
    assert [(source.name, source.guided) for source in sweeps.sources(1)] == [
        ("guided diseased", True),
        ("boundary diseased", False),
        (ATTRIBUTES, False),
    ]
    assert [source.leads for source in sweeps.sources(0)] == [False, False]
    guided, boundary, attributes = sweeps.sources(1)
    sweeps.show(sweeps.sweep(1, boundary, 12))
    sweeps.show(sweeps.sweep(1, attributes, 4))
    window.settle()
    assert sweeps.found.complete
    assert sweeps.found.sweep.name == "first 2 attributes together"
    assert sweeps.progress is None
    assert len(window.changes) > 20
    before = sweeps.found
    sweeps.show(sweeps.sweep(1, attributes, 4))
    assert not of_type(window.settle(), JobEnded), "nothing is rendered twice"
    assert sweeps.found is before
    sweeps.show(sweeps.sweep(1, guided, 4, 6.0))
    window.settle()
    assert sweeps.found.sweep.edits[0].amount == 6.0


def test_a_direction_is_found_from_here(window):
    window.explorer.updates.on(updates.DirectionsFound, lambda update: window.changes.append(update.found))
    window.sweeps.find(0)
    assert window.sweeps.searching
    window.explorer.cancel(window.sweeps._search)
    window.settle()
    assert not window.sweeps.searching
    (found,) = window.sweeps.sources(1)
    direction = Direction("guided healthy", 16, np.ones(16, "<f4").tobytes())
    window.explorer.updates.emit(updates.DirectionsFound((FoundDirection(direction, 0, {}),), ("healthy", "diseased")))
    assert [source.guided for source in window.sweeps.sources(0)] == [True]
    assert found.name == ATTRIBUTES


def test_the_command_line_writes_the_bytes_of_the_window(window, file, direction, tmp_path, capsys):
    from latent_explorer.cli.root import main

    path = tmp_path / "D.npz"
    write_directions(path, [direction], 6)
    window.explorer.open_path(path)
    window.settle()
    (source, *_) = window.sweeps.sources(1)
    assert source.guided
    window.sweeps.export(tmp_path / "window", [window.sweeps.sweep(1, source, 4)], size=16)
    told = window.settle()
    assert "Saved 1 sweep" in of_type(told, updates.Message)[-1].text
    small = ("--size", "16", "--device", "cpu")
    for given in (str(path), f"1={path}#1"):
        out = tmp_path / "cli"
        assert main(["sweep", str(file), given, "--count", "4", *small, "--out", str(out), "--json"]) == 0
        for name in ("01 diseased.gif", "sweep.csv", "manifest.json"):
            assert (out / name).read_bytes() == (tmp_path / "window" / name).read_bytes(), name
        result = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert result["sweeps"][0]["target"] == "diseased"
    for wrong in (["healthy=x.npy"], [f"ill={path}"], [f"{path}#2"], [str(path), str(path)]):
        assert main(["sweep", str(file), *wrong, "--out", str(tmp_path / "no"), "--json"]) == 1
    by = str(tmp_path / "by")
    assert main(["sweep", str(file), "--seeds", "0-4", "--format", "webp", *small, "--out", by]) == 0
    assert "diseased, first 2 attributes together: mean probability" in capsys.readouterr().out
