# SPDX-License-Identifier: MIT
"""Import of files of other programs without a window: what they are, verdicts, and the files that are made of them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import torch
from foreign_models import write_brightness_checkpoint, write_generator, write_shades, write_small_classifier
from headless import of_type
from torchvision import models
from transformers_folders import write_folder

from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.exploration import updates
from latent_explorer.app.importing.controller import ImportController, free_place
from latent_explorer.app.importing.jobs import ClassifierChoices, GeneratorChoices
from latent_explorer.app.importing.updates import (
    CheckEnded,
    CheckShown,
    ClassifierSaved,
    FileInspected,
    NetworkRefused,
    PicturesOpened,
    WorkEnded,
)
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer_file import read_explainer
from latent_explorer.models.preprocessing import changed_to


class Importing:
    """A controller with its updates noted, and the engine's work done by `settle`."""

    def __init__(self, headless, path) -> None:
        self.headless, self.told = headless, []
        self.controller = ImportController(headless.explorer, path)
        self.controller.updates.on(object, self.told.append)
        self.controller.inspect()
        self.settle()

    def settle(self) -> list:
        return self.headless.settle()

    def last(self, kind: type):
        return of_type(self.told, kind)[-1]

    def choices(self) -> ClassifierChoices:
        facts = self.last(FileInspected).classifier
        return ClassifierChoices(facts.class_names, msgspec.structs.replace(facts.preprocessing, input_size=32, crop=1))


@pytest.fixture
def importing(headless, tmp_path):
    made = []

    def make(path) -> Importing:
        made.append(Importing(headless, path))
        return made[-1]

    yield make
    for each in made:
        each.controller.close()
        each.settle()


@pytest.fixture
def checkpoint(tmp_path):
    return write_brightness_checkpoint(tmp_path / "net.pth", class_to_idx={"dark": 0, "bright": 1})


def test_dropped_models_of_others_are_announced_and_not_opened(opened, checkpoint, tmp_path):
    pictures = write_shades(tmp_path / "shades")
    opened.explorer.open_path(pictures, checkpoint)
    told = opened.settle()
    assert of_type(told, updates.ForeignFileOpened) == [updates.ForeignFileOpened(checkpoint, pictures)]
    assert not of_type(told, updates.ErrorReport)
    (tmp_path / "hf").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "hf" / name).touch()
    opened.explorer.open_path(tmp_path / "hf")
    assert of_type(opened.settle(), updates.ForeignFileOpened) == [updates.ForeignFileOpened(tmp_path / "hf")]
    opened.explorer.open_path(tmp_path / "hf" / "model.safetensors")  # the folder says more
    assert of_type(opened.settle(), updates.ForeignFileOpened) == [updates.ForeignFileOpened(tmp_path / "hf")]
    opened.explorer.open_path(pictures)  # a folder of pictures still is one
    assert of_type(opened.settle(), updates.PicturesDropped)
    opened.explorer.open_path(tmp_path / "gone.pth")
    assert "was not found" in of_type(opened.settle(), updates.ErrorReport)[0].failure.message


def test_a_checkpoint_is_said_what_it_is(importing, checkpoint):
    facts = importing(checkpoint).last(FileInspected).classifier
    assert (facts.network, facts.outputs) == ("torchvision:squeezenet1_1", 2)
    assert (facts.class_names, facts.names_from) == (("dark", "bright"), "the file")
    assert facts.preprocessing_from == "the usual one of torchvision:squeezenet1_1"


@pytest.mark.parametrize(("name", "content", "words"), [
    ("net.h5", b"\x89HDF\r\n\x1a\n....", "Keras"),
    ("net.pkl", b"junk", "cannot be read"),
    ("net.tflite", b"\0\0\0\0TFL3", "TensorFlow Lite"),
])  # fmt: skip
def test_what_is_not_read_is_refused_with_a_sentence(importing, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    found = importing(tmp_path / name).last(FileInspected)
    assert words in found.problem
    assert found.classifier is found.generator is None


def test_verdicts_come_first_then_accuracy_and_advice(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    work.controller.check(work.choices())  # there are no pictures yet: nothing is asked
    work.controller.open_pictures(write_shades(tmp_path / "shades"))
    work.settle()
    opened = work.last(PicturesOpened)
    assert (opened.count, opened.label) == (16, "class")
    work.controller.check(work.choices())
    work.settle()
    first, *_, last = of_type(work.told, CheckShown)
    assert not first.complete
    assert len(first.check.verdicts) == len(first.pictures) == 12
    assert first.check.accuracy is None
    assert last.complete
    assert last.check.accuracy.share == 1
    assert all(each.right for each in last.check.verdicts)
    assert last.advice == ()


def test_a_wrong_order_of_names_is_mended_by_its_advice(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    work.controller.open_pictures(write_shades(tmp_path / "shades"))
    choices = replace(work.choices(), class_names=("bright", "dark"))
    work.settle()
    work.controller.check(choices)
    work.settle()
    shown = work.last(CheckShown)
    assert not any(each.right for each in shown.check.verdicts)
    (advice,) = shown.advice
    assert advice.class_names == ("dark", "bright")
    work.controller.check(replace(choices, class_names=advice.class_names))
    work.settle()
    assert work.last(CheckShown).check.accuracy.share == 1


def test_one_output_is_read_alone(importing, tmp_path):
    names = ["dark", "mid", "bright"]
    work = importing(write_brightness_checkpoint(tmp_path / "net.pth", 3, class_names=names))
    facts = work.last(FileInspected).classifier
    assert facts.single_outputs
    assert facts.names_for(0) == ("not dark", "dark")
    whole = work.choices()
    work.controller.open_pictures(write_shades(tmp_path / "shades"))
    work.settle()
    seen = []
    for output in (0, 2, None):
        count = 3 if output is None else 2
        work.controller.check(replace(whole, class_names=("a", "b", "c")[:count], output=output))
        work.settle()
        seen.append([each.probability for each in work.last(CheckShown).check.verdicts])
    assert seen[0] != seen[1]
    work.controller.save_classifier(replace(whole, class_names=("no", "yes"), output=2), tmp_path / "x.classifier")
    work.settle()
    classifier, about = read_classifier(tmp_path / "x.classifier")
    assert (classifier.config.class_names, classifier.config.head) == (("no", "yes"), "sigmoid")
    assert about["imported"]["output"] == 2
    work.controller.save_classifier(whole, tmp_path / "y.classifier")
    work.settle()
    classifier, about = read_classifier(tmp_path / "y.classifier")
    assert (classifier.num_classes, classifier.config.head) == (3, "softmax")
    assert "output" not in about["imported"]


def test_a_file_is_read_as_a_network_of_the_same_tensors(importing, tmp_path):
    torch.save(models.resnet18(num_classes=2).state_dict(), tmp_path / "net.pth")
    work = importing(tmp_path / "net.pth")
    found = work.last(FileInspected)
    assert found.networks.fitting == ("torchvision:resnet18", "timm:resnet18", "timm:resnetblur18")
    assert "timm:vit_tiny_patch16_224" in found.networks.known
    work.controller.read_as("timm:resnet34")
    work.settle()
    assert "It does not fit timm:resnet34: " in work.last(NetworkRefused).problem
    assert work.last(FileInspected) is found
    work.controller.read_as("resnet18")
    work.settle()
    assert "no network 'resnet18'" in work.last(NetworkRefused).problem
    work.controller.read_as("timm:resnetblur18")
    work.settle()
    again = work.last(FileInspected)
    assert again.classifier.network == "timm:resnetblur18"
    assert again.networks.fitting == ("timm:resnetblur18", "torchvision:resnet18", "timm:resnet18")
    work.controller.save_classifier(work.choices(), tmp_path / "x.classifier")
    work.settle()
    assert read_classifier(tmp_path / "x.classifier")[0].config.architecture == "timm:resnetblur18"


def test_tensors_that_fit_no_network_come_with_the_nearest(importing, tmp_path):
    state = models.squeezenet1_1(num_classes=2).state_dict()
    torch.save({**state, "extra.weight": torch.zeros(3)}, tmp_path / "net.pth")
    found = importing(tmp_path / "net.pth").last(FileInspected)
    assert "neither torchvision nor timm" in found.problem
    assert len(found.networks.nearest) == 3
    assert found.networks.nearest[0] == (
        "torchvision:squeezenet1_1",
        "the file has 1 tensors that it lacks (extra.weight)",
    )


def test_of_several_questions_the_latest_is_answered(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    work.controller.open_pictures(write_shades(tmp_path / "shades"))
    work.settle()
    sizes = (64, 72, 80)
    for size in sizes:
        small = msgspec.structs.replace(work.choices().preprocessing, input_size=size)
        work.controller.check(replace(work.choices(), preprocessing=small))
    told = work.settle()
    whole = [each for each in of_type(work.told, CheckShown) if each.complete]
    assert [each.check.trials[0].preprocessing.input_size for each in whole] == [80]
    assert all(each.outcome == "finished" for each in of_type(told, JobEnded))  # no notice of a cancel


def test_a_size_that_the_network_does_not_take_is_said(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    work.controller.open_pictures(write_shades(tmp_path / "shades"))
    work.settle()
    tiny = replace(work.choices(), preprocessing=msgspec.structs.replace(work.choices().preprocessing, input_size=8))
    work.controller.check(tiny)
    assert not of_type(work.settle(), updates.ErrorReport)
    assert "does not take pictures of 8 px" in work.last(CheckEnded).problem
    work.controller.save_classifier(tiny, tmp_path / "x.classifier")
    (trouble,) = of_type(work.settle(), updates.ErrorReport)
    assert trouble.failure.kind == "user"
    assert not (tmp_path / "x.classifier").exists()


def test_explain_keeps_the_choices_under_a_free_name(importing, checkpoint, tmp_path):
    work = importing(checkpoint.rename(tmp_path / "taken.pth"))
    unit = changed_to(work.choices().preprocessing, "0 to 1")
    taken = free_place("taken")
    taken.parent.mkdir(exist_ok=True)
    taken.touch()
    work.controller.explain(ClassifierChoices(("a", "b"), unit))
    work.settle()
    path = work.last(ClassifierSaved).path
    assert path == taken.with_name(f"{taken.stem} 2.classifier")
    classifier, about = read_classifier(path)
    assert classifier.config.class_names == ("a", "b")
    assert classifier.config.preprocessing == unit
    assert about["imported"]["file"] == "taken.pth"
    again = importing(path)
    again.controller.explain(ClassifierChoices(("a", "b"), unit))
    assert again.last(ClassifierSaved).path == path  # it is one already


def test_a_wrong_number_of_names_is_said(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    work.controller.save_classifier(replace(work.choices(), class_names=("a",)), tmp_path / "x.classifier")
    (trouble,) = of_type(work.settle(), updates.ErrorReport)
    assert "1 class names are given" in trouble.failure.message
    assert of_type(work.told, WorkEnded)
    assert not (tmp_path / "x.classifier").exists()


def test_pictures_that_are_none_are_said_in_their_place(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    (tmp_path / "empty").mkdir()
    work.controller.open_pictures(tmp_path / "empty")
    assert not of_type(work.settle(), updates.ErrorReport)
    assert work.last(PicturesOpened).problem
    assert work.controller.pictures is None


def test_a_check_that_fails_says_so(importing, checkpoint, tmp_path):
    work = importing(checkpoint)
    pictures = write_shades(tmp_path / "shades")
    work.controller.open_pictures(pictures)
    work.settle()
    for path in pictures.rglob("*.png"):
        path.write_bytes(b"no picture")
    work.controller.check(work.choices())
    work.settle()
    assert work.last(CheckEnded).problem


def test_a_conditional_generator_becomes_an_explainer_of_one_class(importing, checkpoint, tmp_path):
    work = importing(write_generator(tmp_path / "network.pt", classes=3))
    facts = work.last(FileInspected).generator
    assert (facts.resolution, facts.classes) == (16, 3)
    out = tmp_path / "out.explainer"
    work.controller.make_explainer(
        GeneratorChoices(out, 1, write_small_classifier(tmp_path / "c.classifier", checkpoint))
    )
    told = work.settle()
    explainer = read_explainer(out)
    assert explainer.samples is not None
    assert len(explainer.samples.ids) == 250
    (classifier,) = explainer.classifiers.values()
    assert classifier.config.class_names == ("dark", "bright")
    assert explainer.provenance["imported"]["file"] == "network.pt"
    assert of_type(work.told, WorkEnded)
    assert any("out" in job.name for job in of_type(told, JobEnded))  # it is being opened


def test_a_folder_of_transformers_is_read(importing, tmp_path):
    write_folder(tmp_path, "convnext")
    facts = importing(tmp_path).last(FileInspected).classifier
    assert facts.class_names == ("oak", "elm", "ash")


def test_latents_of_a_projector_say_where_they_open(importing, tmp_path):
    path = tmp_path / "ann-project.pt"
    torch.save({"ann.png": {"img": torch.zeros(1, 3, 4, 4), "latent": torch.zeros(8), "noise": []}}, path)
    told = importing(path).last(FileInspected)
    assert "latents or directions" in told.problem
    torch.save({"weight": torch.zeros(3, 8)}, path)
    assert "latents or directions" not in importing(path).last(FileInspected).problem
