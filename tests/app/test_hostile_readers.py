# SPDX-License-Identifier: MIT
"""Every reader of files, asked with values that no program writes: it returns a value or raises UserError."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from exploration_examples import EXPLORATION, IMAGE, STATE
from fake_projection import make_projected
from fakes import make_summary
from forged_explainer import joined, parts
from hostile_files import RAW, damaged, json_variants, with_member
from PIL import Image, PngImagePlugin

from latent_explorer.app import settings
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import picture_requests, recipe_png
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.training.child import last_error
from latent_explorer.app.training.plan import TrainingPreferences, load_preferences, save_preferences
from latent_explorer.cli.study import _texts
from latent_explorer.common.errors import UserError
from latent_explorer.explain.projected import read_projected, to_bytes
from latent_explorer.explain.timeline.file import read_timeline, write_timeline
from latent_explorer.models import classifier_file, explainer_file
from latent_explorer.studies.build.answer_key import KeyItem, StudyKey, read_key, write_key
from latent_explorer.studies.scoring.answers import read_responses
from latent_explorer.training.checkpoints import Checkpoints, read_state, write_state
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus

FIXTURES = Path(__file__).parents[1] / "fixtures"
SUMMARY = make_summary()
KEY = StudyKey(
    study="s",
    items=(KeyItem(item="a", kind="classification", right="1"), KeyItem(item="b", kind="verbal")),
    made_with={"settings": {"seed": 1}},
)
ANSWERS = {
    "format": "latent-explorer-answers", "version": 1, "study": "s", "respondent": "p", "complete": True,
    "answers": [{"item": "a", "answer": "1", "ms": 900}, {"item": "b", "answer": "brown"}],
}  # fmt: skip


def open_exploration(path: Path) -> None:
    """As the window does: read it, check it against the model, ask for its picture."""
    found = exploration_file.read(path)
    picture_requests.check(found.state, SUMMARY)
    found.document.check(SUMMARY)
    picture_requests.resolve(found.state, SUMMARY)
    msgspec.json.encode(found.state)


def ask(read: Callable[[Path], object], path: Path, contents: Iterator[bytes]) -> int:
    """Give the reader each content in a file of this name; returns how many it took."""
    taken = 0
    for content in contents:
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            read(path)
            taken += 1
    return taken


@pytest.mark.parametrize("member", ["about.json", "state.json", "notes.json"])
def test_explorations(tmp_path, member):
    sound, path = tmp_path / "sound.exploration", tmp_path / "x.exploration"
    exploration_file.write(sound, EXPLORATION)
    with zipfile.ZipFile(sound) as archive:
        data = archive.read(member)
        about = {**json.loads(archive.read("about.json")), "sha256": {}}
    with_member(sound, path, "about.json", json.dumps(about).encode())
    sound.write_bytes(path.read_bytes())
    for content in json_variants(data):
        with contextlib.suppress(UserError):
            open_exploration(with_member(sound, path, member, content))
    ask(open_exploration, path, damaged(sound.read_bytes(), 60))


def test_recipes_in_pictures(tmp_path):
    path = tmp_path / "x.png"
    text = recipe_png.recipe_texts(STATE, "leaf", IMAGE)[recipe_png.KEY].encode()

    def read(path: Path) -> None:
        if recipe := recipe_png.read_recipe(path):
            picture_requests.check(recipe.state, SUMMARY)

    for content in json_variants(text):
        info = PngImagePlugin.PngInfo()
        info.add_itxt(recipe_png.KEY, content.decode("utf-8", "replace"))
        Image.fromarray(IMAGE).save(path, pnginfo=info)
        with contextlib.suppress(UserError):
            read(path)
    recipe_png.write_png(path, IMAGE, STATE)
    assert ask(read, path, damaged(path.read_bytes(), 150)) >= 0


def test_timelines(tmp_path):
    path = tmp_path / "t.json"
    write_timeline(path, STATE.timelines[1])
    assert ask(read_timeline, path, json_variants(path.read_bytes()))


def test_projections(tmp_path):
    path = tmp_path / "x.projection"
    content = to_bytes(make_projected(seed=1, noise=True))
    length = int.from_bytes(content[:8], "little")
    head, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    text = head["__metadata__"]["latent-explorer-projection"].encode()

    def with_header(changed: dict) -> bytes:
        raw = json.dumps(changed).encode("utf-8", "surrogatepass")
        return len(raw).to_bytes(8, "little") + raw + body

    def variants() -> Iterator[bytes]:
        for report in json_variants(text):
            metadata = {"latent-explorer-projection": report.decode("utf-8", "replace")}
            yield with_header({**head, "__metadata__": metadata})
        for table in json_variants(json.dumps({k: head[k] for k in ("ws", "__metadata__")}).encode()):
            with contextlib.suppress(ValueError, RecursionError):
                changed = json.loads(table)
                yield with_header({**head, **changed} if isinstance(changed, dict) else changed)
        yield from damaged(content, 200)

    ask(read_projected, path, variants())


@pytest.mark.parametrize("part", ["header", "config"])
def test_explainers_and_classifiers(tmp_path, part, tiny_explainer):
    path = tmp_path / "x.explainer"
    if part == "header":
        path.write_bytes((FIXTURES / "tiny.explainer").read_bytes())
    else:
        classifier_file.write_classifier(path, tiny_explainer.classifier, {"name": "x", "test": {"n": 3}})
    head, data = parts(path.read_bytes())

    def variants() -> Iterator[bytes]:
        for changed in json_variants(head["__metadata__"][part].encode()):
            text = changed.decode("utf-8", "replace")
            digest = {"header_sha256": hashlib.sha256(text.encode()).hexdigest()} if part == "header" else {}
            yield joined({**head, "__metadata__": {**head["__metadata__"], part: text, **digest}}, data)
        yield from damaged(path.read_bytes(), 60)

    def read(path: Path) -> None:
        if part == "header":
            explainer_file.read_explainer(path).summary()
        else:
            classifier_file.is_classifier(path)
            classifier_file.read_classifier(path)

    ask(read, path, variants())


def test_keys_answers_and_texts_of_studies(tmp_path):
    path = tmp_path / "k.json"
    write_key(path, KEY)
    assert ask(read_key, path, json_variants(path.read_bytes()))
    answers = json.dumps(ANSWERS).encode()
    assert ask(lambda p: read_responses([p], KEY), path, json_variants(answers))
    assert ask(lambda p: read_responses([p], KEY), path, json_variants(b"[" + answers + b"]"))
    ask(_texts, path, json_variants(b'{"title": "A study", "consent": "yes"}'))


def test_settings_and_plans_always_come_back(tmp_path):
    path = tmp_path / "settings.json"
    settings.save(settings.Settings(recent=("a",)), path)
    for content in json_variants(path.read_bytes()):
        path.write_bytes(content)
        assert isinstance(settings.load(path), settings.Settings)
    save_preferences(tmp_path, TrainingPreferences())
    path = tmp_path / "training.json"
    for content in json_variants(path.read_bytes()):
        path.write_bytes(content)
        assert isinstance(load_preferences(tmp_path), TrainingPreferences)


def test_run_folders(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.create(TrainConfig(data="d"), {"data": {"left_out": []}})
    ask(lambda _p: run.config(), run.path / "config.json", json_variants((run.path / "config.json").read_bytes()))
    run.write_status(RunStatus("running", "explainer"))
    for content in json_variants((run.path / "status.json").read_bytes()):
        (run.path / "status.json").write_bytes(content)
        run.status()
    for content in (*RAW, *json_variants(b'{"images": 3, "loss": 0.5}')):
        run.metrics_file.write_bytes(content + b"\n")
        run.metrics()
        (run.path / "provenance.json").write_bytes(content)
        assert isinstance(run.provenance(), dict)
        (run.path / "output.txt").write_bytes(content + b"\n")
        last_error(run.path / "output.txt")


def test_checkpoints(tmp_path):
    path = tmp_path / "x.pt"
    write_state({"images": 1, "net": {"w": torch.arange(6.0)}, "optimiser": [1, 2.5, "a", None]}, path)
    sound = path.read_bytes()
    assert read_state(path)["images"] == 1
    taken = 0
    for content in (*RAW, *damaged(sound, 60)):
        path.write_bytes(content)
        state = read_state(path)
        taken += state is not None
        assert state is None or torch.equal(state["net"]["w"], torch.arange(6.0))
    assert taken < 30


def test_latents(tmp_path):
    from latent_explorer.explain.projection.latent_import import _stored

    buffer = io.BytesIO()
    np.savez_compressed(buffer, w=np.ones((1, 3, 8), np.float32), cond=np.ones((1, 2)))
    path = tmp_path / "x.npz"
    assert ask(_stored, path, damaged(buffer.getvalue(), 200))
    assert not ask(_stored, path, iter(RAW))


def test_directions(tmp_path):
    from latent_explorer.explain.directions.file import read_directions

    buffer = io.BytesIO()
    np.savez_compressed(buffer, components=np.ones((3, 8), np.float32))
    assert ask(lambda path: read_directions(path, 5, 8), tmp_path / "x.npz", damaged(buffer.getvalue(), 200))
    assert not ask(lambda path: read_directions(path, 5, 8), tmp_path / "x.npy", iter(RAW))


def test_a_target_that_the_classifier_does_not_have_is_refused():
    document = Document(sliders=(msgspec.structs.replace(SUMMARY.attribute_sets[0].attributes[0], target=2),))
    with pytest.raises(UserError, match="do not fit"):
        document.check(SUMMARY)


def test_a_run_without_a_sound_checkpoint_says_so(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.create(TrainConfig(data="d"))
    (run.checkpoints / "00000001.pt").write_bytes(b"x")
    with pytest.raises(UserError, match="no checkpoint"):
        Checkpoints(run).load()
