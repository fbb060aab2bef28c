# SPDX-License-Identifier: MIT
"""Preprocessing of pictures for a classifier, and the meaning of its outputs."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.functional import center_crop

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.lpips_weights import lpips_available
from latent_explorer.models.perceptual import LpipsDistance
from latent_explorer.models.preprocessing import Preprocessing


def config(**changes: object) -> ClassifierConfig:
    values: dict[str, object] = {
        "name": "test",
        "architecture": "small-resnet",
        "class_names": ("a", "b", "c"),
        "preprocessing": Preprocessing(16),
        "widths": (4, 8),
    }
    return ClassifierConfig(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(config()).eval()


def test_pictures_are_clipped_and_resized_differentiably(classifier: Classifier) -> None:
    img = (3 * torch.randn(2, 3, 32, 32)).requires_grad_()
    assert torch.allclose(classifier.logits(img), classifier.logits(img.clamp(-1, 1)))
    classifier.logits(img).sum().backward()
    assert img.grad is not None
    assert float(img.grad.abs().sum()) > 0


def test_a_picture_of_the_right_size_is_not_resampled(classifier: Classifier) -> None:
    img = torch.rand(1, 3, 16, 16) * 2 - 1
    assert torch.allclose(classifier.preprocess(img), img, atol=1e-6)


def test_temperature_divides_the_logits(classifier: Classifier) -> None:
    img = torch.rand(2, 3, 16, 16)
    plain = classifier.logits(img)
    warm = Classifier(config(temperature=2.0)).eval()
    warm.load_state_dict(classifier.state_dict())
    assert torch.allclose(warm.logits(img), plain / 2)


def test_one_sigmoid_output_becomes_two_classes() -> None:
    classifier = Classifier(config(head="sigmoid", class_names=("no", "yes"))).eval()
    img = torch.rand(4, 3, 16, 16)
    raw = classifier.network(classifier.preprocess(img))
    assert torch.allclose(classifier.probs(img)[:, 1], raw[:, 0].sigmoid(), atol=1e-6)


def test_features_are_what_the_head_sees(classifier: Classifier) -> None:
    img = torch.rand(2, 3, 16, 16)
    head = classifier.network.head
    assert torch.allclose(head(classifier.features(img)), classifier.logits(img))  # type: ignore[operator]


@pytest.mark.parametrize("side", [16, 32])
def test_a_frame_only_network_sees_the_outer_pixels_of_its_input_alone(side: int) -> None:
    classifier = Classifier(config(frame_only=3)).eval()
    img = (torch.rand(2, 3, side, side) * 2 - 1).requires_grad_()
    seen = classifier.preprocess(img)
    assert torch.equal(seen[:, :, 3:-3, 3:-3], torch.full((2, 3, 10, 10), -1.0))
    whole = Classifier(config()).preprocess(img)
    assert torch.equal(seen[..., :3], whole[..., :3])
    assert torch.equal(seen[:, :, -3:], whole[:, :, -3:])
    classifier.logits(img).sum().backward()
    assert img.grad is not None
    inner = side // 4  # resizing reaches a pixel further
    assert not img.grad[:, :, inner:-inner, inner:-inner].any()
    assert img.grad[:, :, 0].any()


def test_what_is_in_the_middle_is_of_no_matter_to_a_frame_only_network() -> None:
    classifier = Classifier(config(frame_only=3)).eval()
    img = torch.rand(1, 3, 16, 16)
    other = img.clone()
    other[:, :, 3:-3, 3:-3] = torch.rand(1, 3, 10, 10)
    assert torch.equal(classifier.logits(img), classifier.logits(other))
    other[:, :, 2] = -1
    assert not torch.equal(classifier.logits(img), classifier.logits(other))


def test_the_picture_itself_is_not_written_to() -> None:
    img = torch.rand(1, 3, 16, 16)
    before = img.clone()
    Classifier(config(frame_only=3)).eval().probs(img)
    assert torch.equal(img, before)


def test_an_unknown_architecture_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="not known"):
        Classifier(config(architecture="my-net"))


@pytest.mark.skipif(not lpips_available("alex"), reason="no AlexNet weights in TORCH_HOME")
def test_lpips_ranks_blur_above_brightness() -> None:
    lpips = LpipsDistance("alex")
    generator = torch.Generator().manual_seed(0)
    img = torch.rand(1, 3, 64, 64, generator=generator) - 0.5
    blurred = torch.nn.functional.avg_pool2d(img, 3, 1, 1)
    rms = float((blurred - img).square().mean().sqrt())
    assert float(lpips(img, blurred)) > 2 * float(lpips(img, img + rms))


def test_missing_lpips_weights_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match="TORCH_HOME"):
        LpipsDistance("squeeze")


def test_the_middle_is_covered_in_the_share_of_pictures_that_is_asked_for():
    from latent_explorer.training.train_classifier import mask_center

    img = torch.linspace(-1, 1, 64 * 3 * 20 * 20).reshape(64, 3, 20, 20)
    covered = mask_center(img, 0.5, torch.Generator().manual_seed(0))
    changed = (covered != img).flatten(1).any(dim=1)
    assert 16 < int(changed.sum()) < 48
    middle, first = covered[changed][:, :, 5:15, 5:15], covered[changed][:, :1, 10:11, 10:11]
    assert torch.equal(middle, first.expand_as(middle))  # one grey
    assert torch.equal(covered[:, :, :1], img[:, :, :1])  # the outer rows stay
    assert torch.equal(mask_center(img, 0.0, torch.Generator()), img)


@pytest.mark.parametrize(
    ("side", "size", "crop"), [(256, 224, 0.875), (201, 176, 0.875), (248, 236, 0.95), (40, 35, 0.875)]
)
def test_the_middle_is_cut_out_as_by_the_libraries(side: int, size: int, crop: float) -> None:
    """One pixel less, and everything was resized by a pixel."""
    img = torch.rand(1, 3, side, side) * 2 - 1
    cut = Classifier(config(preprocessing=Preprocessing(size, crop=crop))).preprocess(img)
    assert torch.allclose(cut, center_crop(img, [size, size]), atol=1e-6)
