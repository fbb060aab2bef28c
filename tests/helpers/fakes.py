# SPDX-License-Identifier: MIT
"""A model of plain numbers for the tests of the headless application: no torch anywhere."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import LiveRequest, Picture, PictureRequest, RenderResult, SeedBase, StyleShift
from latent_explorer.models.architecture import stylegan2_layout
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.summary import ClassifierSummary, ExplainerSummary, SampleTable, StyleStats

LAYOUT = stylegan2_layout((8, 8, 4))  # 16 px
SPOTS = Attribute("spots", 1, (AttributeEntry(3, "max"),), mean_effect=2.0)
EDGES = Attribute("", 1, (AttributeEntry(5, "min"),), mean_effect=1.0)
BOTH = Attribute("both", 1, (AttributeEntry(3, "max", 0.5), AttributeEntry(7, "min", 1.0)))
GREEN = Attribute("green", 0, (AttributeEntry(9, "max"),))


SECOND = ClassifierSummary("d" * 64, "second opinion", ("healthy", "diseased"))


def make_summary(model_hash: str = "a" * 64, name: str = "fake", *others: ClassifierSummary) -> ExplainerSummary:
    """Return four samples, two classes, 16 px; styles run from -1 to 1. `others` can be asked, too."""
    ones = np.ones(LAYOUT.num_styles, np.float32)
    probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.84, 0.16], [0.55, 0.45]], np.float32)
    return ExplainerSummary(
        name=name,
        model_hash=model_hash,
        resolution=16,
        w_dim=8,
        layout=LAYOUT,
        classifiers=(ClassifierSummary("c" * 64, "net", ("healthy", "diseased")), *others),
        conditioned_on="c" * 64,
        samples=SampleTable(tuple(f"leaf-{i}" for i in range(len(probs))), probs),
        style_stats=StyleStats(-ones, ones, 0 * ones, 0.5 * ones),
        attribute_sets=(AttributeSet("c" * 64, "attfind-notebook", 4, 1.0, "samples", (SPOTS, EDGES, GREEN)),),
    )


def make_result(value: float = 0.0, w_distance: float = 1.0) -> RenderResult:
    """Return a picture whose brightness and verdict follow `value` (-1 to 1)."""
    p = 0.5 + 0.4 * float(np.clip(value, -1, 1))
    probs = np.array([1 - p, p], np.float32)
    grey = np.full((16, 16, 3), int(255 * p), np.uint8)
    before = Picture(np.zeros((16, 16, 3), np.uint8), np.zeros(2, np.float32), np.array([0.6, 0.4]))
    return RenderResult(
        after=Picture(grey, np.log(probs), probs),
        before=before,
        styles=np.zeros(LAYOUT.num_styles, np.float32),
        w_distance=w_distance,
        seconds=0.001,
        unlikeness=0.5,
    )


class FakeRenderer:
    """Renders at once; remembers the requests, and the threads they came on."""

    def __init__(self, model_hash: str) -> None:
        self.model_hash = model_hash
        self.requests: list[PictureRequest] = []
        self.threads: set[str] = set()
        self.error: Exception | None = None

    def live(self, live: LiveRequest, give_up=None) -> RenderResult:
        return self.render(live.request)

    def render(self, request: PictureRequest, give_up=None) -> RenderResult:
        self.requests.append(request)
        self.threads.add(threading.current_thread().name)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        shifts = sum(e.amount for e in request.recipe.edits if isinstance(e, StyleShift))
        base = request.recipe.base
        return make_result(shifts + (0.01 * (base.seed % 7) if isinstance(base, SeedBase) else 0))


class FakeDevices:
    """A machine with one GPU."""

    def __init__(self) -> None:
        self.freed = 0

    def devices(self):
        return [SimpleNamespace(id="cuda:0", name="A card", note=""), SimpleNamespace(id="cpu", name="CPU", note="")]

    def choose_device(self, wanted: str) -> str:
        if wanted not in ("auto", "cuda:0", "cpu"):
            raise UserError(f"There is no device {wanted!r}.")
        return "cuda:0" if wanted == "auto" else wanted

    def free_memory(self) -> None:
        self.freed += 1


class FakeModelHost(ModelHost):
    """Model host whose explainer files are text files with a model hash in them; "second" ones hold SECOND, too."""

    def __init__(self) -> None:
        self.renderers: list[FakeRenderer] = []
        self.latents: list[str] = []  # ids that were made known, in order
        self.fake_devices = FakeDevices()
        super().__init__(
            self._read_text,
            self._fake_renderer,
            lambda: self.fake_devices,
            lambda path: self._read_text(path).summary().model_hash,
        )

    def add_latents(self, pictures) -> None:
        self.latents += [picture.latent_id for picture in pictures]

    @staticmethod
    def _read_text(path: Path) -> SimpleNamespace:
        text = path.read_text()
        if len(text) != 64:
            raise UserError(f"{path.name} is no explainer.")
        others = (SECOND,) if path.stem.startswith("second") else ()
        return SimpleNamespace(summary=lambda: make_summary(text, path.stem, *others))

    def _fake_renderer(self, explainer, device) -> FakeRenderer:
        self.renderers.append(FakeRenderer(explainer.summary().model_hash))
        return self.renderers[-1]
