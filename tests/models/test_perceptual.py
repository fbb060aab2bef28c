# SPDX-License-Identifier: MIT
"""LPIPS, the feature distance in its place, and the download of weights."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.models import lpips_weights
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.lpips_weights import Backbone, backbone_path, fetch_backbone, lpips_available
from latent_explorer.models.perceptual import FeatureDistance, LpipsDistance, lpips_on, perceptual_for
from latent_explorer.models.preprocessing import Preprocessing

needs_alex = pytest.mark.skipif(not lpips_available("alex"), reason="no AlexNet in TORCH_HOME")


def small(architecture: str = "small-resnet") -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = ClassifierConfig("x", architecture, ("a", "b"), Preprocessing(32), widths=(8, 16, 24))
        return Classifier(config).eval().requires_grad_(False)


def pictures(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("architecture", ["small-resnet", "mobilenet_v2"])
def test_the_feature_distance_by_its_formula(architecture: str) -> None:
    classifier, a = small(architecture), pictures()
    b = a.flip(3)
    maps = classifier.feature_maps(a), classifier.feature_maps(b)
    sizes = [x.shape[-1] for x in maps[0]]
    assert sizes == sorted(set(sizes), reverse=True)
    expected = torch.zeros(3)
    for x, y in zip(*maps, strict=True):
        for i in range(3):
            u, v = (m[i] / m[i].norm(dim=0, keepdim=True) for m in (x, y))
            expected[i] += ((u - v) ** 2).sum(dim=0).mean() / len(maps[0])
    distance = FeatureDistance(classifier)
    torch.testing.assert_close(distance(a, b), expected, rtol=1e-4, atol=1e-5)
    assert float(distance(a, a).abs().max()) == 0


def test_the_feature_distance_has_a_gradient_everywhere() -> None:
    """Check the gradient also where all features are zero and a norm has none."""
    classifier = small()
    a = pictures().requires_grad_()
    FeatureDistance(classifier)(a, pictures().flip(2)).sum().backward()
    assert bool(a.grad.isfinite().all())
    assert float(a.grad.abs().sum()) > 0
    for parameter in classifier.parameters():
        parameter.zero_()
    b = pictures().requires_grad_()
    FeatureDistance(classifier)(b, pictures()).sum().backward()
    assert bool(b.grad.isfinite().all())


@needs_alex
def test_the_best_that_is_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    best = perceptual_for(small())
    assert isinstance(best, LpipsDistance)
    assert (best.name, best.key) == ("LPIPS (alex)", "lpips")
    # A training that began without weights goes on without them.
    other = perceptual_for(small(), "feature distance")
    assert isinstance(other, FeatureDistance)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / backbone_path("squeeze").name).symlink_to(backbone_path("squeeze"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = perceptual_for(small())
    assert found is not None
    assert found.name == "LPIPS (squeeze)"


def test_without_weights(no_weights: Path) -> None:
    found = perceptual_for(small())
    assert isinstance(found, FeatureDistance)
    assert (found.name, found.key) == ("feature distance", "feature_distance")
    assert perceptual_for(None) is None
    # A training that began with LPIPS does not go on with something else.
    with pytest.raises(UserError, match="get-weights alex"):
        perceptual_for(small(), "LPIPS (alex)")


@needs_alex
def test_loading_leaves_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    LpipsDistance("alex")
    torch.testing.assert_close(torch.rand(4), expected)


def test_weights_that_are_not_the_published_ones(no_weights: Path) -> None:
    path = backbone_path("squeeze")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"oh no")
    with pytest.raises(UserError, match="Delete the file"):
        LpipsDistance("squeeze")
    import lpips

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own
        net = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False).net
    torch.save({f"features.{key.partition('.')[2]}": value for key, value in net.state_dict().items()}, path)
    with pytest.raises(UserError, match="known pair"):
        LpipsDistance("squeeze")


# -- fetching --------------------------------------------------------------------------------------


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve one file, published as the backbone `squeeze`, with its digest in its name."""
    content = bytes(range(256)) * 4000
    name = f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / name).write_bytes(content)
    monkeypatch.setitem(lpips_weights.NETS, "squeeze", Backbone(name, 1, hashlib.sha256(content).hexdigest()))
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def leftovers(home: Path) -> list[str]:
    return [p.name for p in (home / "hub" / "checkpoints").rglob("*")]


def test_fetching(server: str, no_weights: Path) -> None:
    events: list[Event] = []
    path = run_job(fetch_backbone("squeeze", server=server), events.append)
    assert path == backbone_path("squeeze")
    assert events
    assert all(isinstance(event, Progress) for event in events)
    assert leftovers(no_weights) == [path.name]
    # An existing file is not fetched again.
    assert list(fetch_backbone("squeeze", server="http://127.0.0.1:9/")) == []


def test_a_forged_file_is_not_kept(server: str, no_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "server" / lpips_weights.NETS["squeeze"].file).write_bytes(b"forged")
    with pytest.raises(UserError, match="not the published file"):
        list(fetch_backbone("squeeze", server=server))
    assert leftovers(no_weights) == []


def test_cancelling_leaves_nothing(server: str, no_weights: Path) -> None:
    job = fetch_backbone("squeeze", server=server)
    next(job)
    job.close()
    assert leftovers(no_weights) == []


def test_network_trouble_is_one_sentence(server: str, no_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="in time"):
        list(fetch_backbone("squeeze", server=server, deadline=-1.0))
    (tmp_path / "server" / lpips_weights.NETS["squeeze"].file).unlink()
    with pytest.raises(UserError, match="could not be fetched"):
        list(fetch_backbone("squeeze", server=server))
    with pytest.raises(UserError, match="could not be fetched"):
        list(fetch_backbone("squeeze", server=(tmp_path / "nothing").as_uri() + "/"))
    assert leftovers(no_weights) == []


def test_a_folder_that_cannot_be_written(server: str, no_weights: Path) -> None:
    (no_weights / "hub").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="could not be fetched"):
        list(fetch_backbone("squeeze", server=server))


def test_the_command_checks_what_it_fetched(
    server: str, no_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lpips_weights, "SERVER", server)
    assert main(["get-weights", "squeeze"]) == 1  # numbers in a row are not a network
    assert "cannot be read" in capsys.readouterr().err
    assert main(["get-weights", "vgg"]) == 1


class _Dripping(_Quiet):
    """Sends a byte at a time: the head as well, or only the content."""

    slow_head = False

    def do_GET(self) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\n"
        if not self.slow_head:
            self.wfile.write(head)
        with contextlib.suppress(OSError):  # the client went
            for _ in range(400):
                self.wfile.write(head[:1] if not self.slow_head else b"H")
                self.wfile.flush()
                time.sleep(0.02)


@pytest.mark.parametrize("slow_head", [False, True])
def test_a_dripping_server_does_not_outlast_the_deadline(no_weights: Path, slow_head: bool) -> None:
    handler = type("Handler", (_Dripping,), {"slow_head": slow_head})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        try:
            began = time.monotonic()
            with pytest.raises(UserError, match="in time"):
                list(fetch_backbone("squeeze", server=f"http://127.0.0.1:{running.server_port}/", deadline=0.5))
            assert time.monotonic() - began < 5  # the server drips for eight seconds
        finally:
            running.shutdown()
            thread.join()
    assert leftovers(no_weights) == []


def test_the_whole_digest_counts(server: str, no_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = lpips_weights.NETS["squeeze"]
    digest = right.sha256[:8] + "0" * 56  # as in the file's name, and no further
    monkeypatch.setitem(lpips_weights.NETS, "squeeze", Backbone(right.file, 1, digest))
    with pytest.raises(UserError, match="not the published file"):
        list(fetch_backbone("squeeze", server=server))
    assert leftovers(no_weights) == []


def test_the_digests_are_those_in_the_names() -> None:
    for backbone in lpips_weights.NETS.values():
        assert len(backbone.sha256) == 64
        assert f"-{backbone.sha256[:8]}." in backbone.file


@needs_alex
def test_weights_are_read_once_for_a_device_and_leave_gradients() -> None:
    with torch.inference_mode():
        found = lpips_on("alex", torch.device("cpu"))
    assert lpips_on("alex", torch.device("cpu")) is found
    img = torch.rand(1, 3, 64, 64, requires_grad=True)
    found(img, torch.zeros_like(img)).sum().backward()
    assert img.grad is not None
