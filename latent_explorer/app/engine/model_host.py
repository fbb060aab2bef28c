# SPDX-License-Identifier: MIT
"""The open model and its renderer on the worker thread. Everything here is called by the engine only.

The modules that import torch are imported inside the functions, so that the window appears first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from latent_explorer.app.engine.failure import is_out_of_memory
from latent_explorer.app.engine.frame_cache import CachedFrame, FrameCache, FrameRequest, cache_scope
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.format import duration_text
from latent_explorer.explain.attfind.cost import USUAL
from latent_explorer.explain.recipe import (
    HeatRequest,
    LiveRequest,
    LooksRequest,
    MovesRequest,
    RegionRequest,
    TrialsRequest,
)
from latent_explorer.models.summary import ClassifierSummary, ExplainerSummary

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence

    import numpy as np

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.attfind.cost import SearchCost
    from latent_explorer.explain.attfind.plan import SearchPlan
    from latent_explorer.explain.attfind.result import AttFindResult
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.recipe import Draft, HeatMaps, Looks, PictureRequest, RegionLooks, RenderResult
    from latent_explorer.models.attributes import AttributeEntry, AttributeSet
    from latent_explorer.models.classifiers import Classifier

    AnyRequest = (
        PictureRequest
        | LiveRequest
        | FrameRequest
        | TrialsRequest
        | LooksRequest
        | MovesRequest
        | HeatRequest
        | RegionRequest
    )

R = TypeVar("R")
T = TypeVar("T")

log = logging.getLogger(__name__)


class SupportsRender(Protocol):
    """Maker of pictures of one explainer on one device."""

    def render(self, request: PictureRequest, give_up: Callable[[], bool] | None = None) -> RenderResult: ...
    def live(self, live: LiveRequest, give_up: Callable[[], bool] | None = None) -> RenderResult | Draft: ...
    def logits(self, trials: TrialsRequest, give_up: Callable[[], bool] | None = None) -> np.ndarray: ...
    def looks(self, asked: LooksRequest, give_up: Callable[[], bool] | None = None) -> Looks: ...
    def promising_moves(self, moves: MovesRequest) -> tuple[AttributeEntry, ...]: ...
    def add_classifier(self, classifier_id: str, classifier: Classifier) -> None: ...
    def heat(self, asked: HeatRequest) -> HeatMaps: ...


class DeviceBackend(Protocol):
    """Part of `models.device` that is needed here."""

    def devices(self) -> Sequence[Any]: ...
    def choose_device(self, wanted: str) -> Any: ...
    def free_memory(self) -> None: ...


@dataclass(frozen=True)
class OpenedModel:
    """What the window needs to know about an opened model."""

    summary: ExplainerSummary
    path: Path
    device: str  # display name
    choices: tuple[tuple[str, str], ...]  # devices as (id, display name)
    device_note: str = ""  # sentence on what keeps it from being a faster one
    prepared: Any = None  # what `prepare` returned


def _read(path: Path) -> Any:
    from latent_explorer.models import explainer_file
    from latent_explorer.models.explainer import without_forbidden_programs

    return without_forbidden_programs(explainer_file.read_explainer(path))


def _identify(path: Path) -> str:
    from latent_explorer.models import explainer_file

    return explainer_file.info(path).header.model_hash


def _make_renderer(explainer: Any, device: Any) -> SupportsRender:
    from latent_explorer.explain.render.renderer import Renderer

    return Renderer(explainer, device)


def _look(renderer: Any, asked: RegionRequest, give_up: Callable[[], bool] | None = None) -> RegionLooks:
    from latent_explorer.explain.counterfactuals.region_looks import look

    return look(renderer, asked, give_up)


def _torch_devices() -> DeviceBackend:
    from latent_explorer.models import device

    return device


Prepare = Callable[[ExplainerSummary], Any]  # everything that may fail after a model was read


class ModelHost:
    """Opens models and renders. Tests replace the functions it is given; `identify` reads a file's model_hash."""

    def __init__(
        self,
        read: Callable[[Path], Any] = _read,
        make_renderer: Callable[[Any, Any], SupportsRender] = _make_renderer,
        devices: Callable[[], DeviceBackend] = _torch_devices,
        identify: Callable[[Path], str] = _identify,
        look: Callable[..., RegionLooks] = _look,
    ) -> None:
        self._read = read
        self._make_renderer = make_renderer
        self._devices = devices
        self._identify = identify
        self._look = look
        self._explainer: Any = None
        self._path = Path()
        self.device: Any = None  # device of the open model
        self._renderer: SupportsRender | None = None
        self._scope = ("", "")  # model_hash, display name of the device
        self.frames: FrameCache | None = None
        self.moves_folder: Path | None = None  # where AttFind keeps what it rendered
        self.give_up: Callable[[], bool] | None = None  # asked while a picture takes long
        self._latents: dict[str, ProjectedPicture] = {}  # of the open model
        self.guests: dict[str, Classifier] = {}  # that the open model does not hold, but that are asked beside its own

    @property
    def explainer(self) -> Any:
        """Open model, as it was read. UserError while none is open."""
        if self._explainer is None:
            raise UserError("No model is open yet. Open an explainer first.")
        return self._explainer

    @property
    def renderer(self) -> Any:
        """Renderer of the open model. UserError while none is open."""
        if self._renderer is None:
            raise UserError("No model is open yet. Open an explainer first.")
        return self._renderer

    def open(self, path: Path, device: str, prepare: Prepare = lambda _summary: None) -> OpenedModel:
        """Open an explainer. On an error, also of `prepare`, the open model is kept."""
        explainer = self._read(path)
        prepared = prepare(explainer.summary())
        return replace(self._install(explainer, path, self._available_device(device)), prepared=prepared)

    def open_model(
        self,
        model_hash: str,
        candidates: Iterable[Path],
        device: str,
        prepare: Prepare = lambda _summary: None,
    ) -> OpenedModel | None:
        """Open the first of the files that holds this model; None if none does. `prepare` may refuse a file.

        Several may hold it, each with other classifiers. UserError, the last one, if all of them are refused.
        """
        refused: UserError | None = None
        for path in candidates:
            try:
                matches = self._identify(path) == model_hash
            except (UserError, OSError) as error:
                log.info("Passed over %s: %s", path.name, error)
                continue
            if not matches:
                continue
            explainer = self._read(path)
            try:
                prepared = prepare(explainer.summary())
            except UserError as error:
                refused = error
                continue
            return replace(self._install(explainer, path, self._available_device(device)), prepared=prepared)
        if refused is not None:
            raise refused
        return None

    def run_job(
        self, model_hash: str, job: Callable[[ModelHost, StepBudget], Generator[Event, None, Any]], budget: StepBudget
    ) -> Generator[Event, None, Any]:
        """Run a job on the model that it was asked for. UserError where another one is open by now."""
        self._require(model_hash)
        return (yield from job(self, budget))

    def call(self, model_hash: str, fn: Callable[[ModelHost], Any]) -> Any:
        """Call a function with the model that it was asked for. UserError where another one is open by now."""
        self._require(model_hash)
        return fn(self)

    def _require(self, model_hash: str) -> None:
        if self.explainer.summary().model_hash != model_hash:
            raise UserError(
                "This was asked for a model that has been closed since, so nothing was done. "
                "Open that model again, and start once more."
            )

    def add_latents(self, pictures: Sequence[ProjectedPicture]) -> None:
        """Make projected pictures known to the renderer, on this device and on those it is moved to.

        Those of another model are ignored: that model was replaced in the meantime.
        """
        from latent_explorer.explain.latents import latent_of

        model_hash = self.explainer.summary().model_hash
        for picture in pictures:
            if picture.report.model_hash != model_hash:
                continue
            self._latents[picture.latent_id] = picture
            self.renderer.add_latent(picture.latent_id, latent_of(picture))

    def add_guest(self, path: Path) -> ClassifierSummary:
        """Read a classifier from a file, to be asked beside those of the open model until another is opened.

        One that the model holds is returned as it is there. UserError for what is no file of this program.
        """
        from latent_explorer.models.classifier_file import is_foreign, read_classifier
        from latent_explorer.models.explainer import classifier_summary, hash_classifier

        explainer = self.explainer
        if is_foreign(path):
            raise UserError(
                f"{path.name} is of another program. Open it from the File menu, which makes a .classifier of it, and "
                "choose that."
            )
        classifier, _about = read_classifier(path)
        key = hash_classifier(classifier)
        held = {hash_classifier(each): held_as for held_as, each in explainer.classifiers.items()}
        if key in held:
            return classifier_summary(held[key], explainer.classifiers[held[key]])
        self.renderer.add_classifier(key, classifier)
        self.guests[key] = classifier
        return classifier_summary(key, classifier)

    def use_device(self, device: str) -> OpenedModel:
        """Move the open model to another device."""
        if self._explainer is None:
            raise UserError("No model is open yet. Open an explainer, then choose the device.")
        return self._install(self._explainer, self._path, device)

    def render(self, request: PictureRequest) -> RenderResult:
        """Render one picture. When memory runs out, caches are freed and it is tried once more."""
        renderer: SupportsRender = self.renderer
        return self._retried(renderer.render, request)

    def logits(self, trials: TrialsRequest) -> np.ndarray:
        """Return the logits (N, K) of a picture with each of several lists of edits, tried once more as `render`."""
        renderer: SupportsRender = self.renderer
        return self._retried(renderer.logits, trials)

    def answer(
        self, request: AnyRequest
    ) -> RenderResult | Draft | CachedFrame | np.ndarray | tuple[AttributeEntry, ...] | HeatMaps | Looks | RegionLooks:
        """Answer a request of any kind. A frame may come from the cache; `render` never uses the cache.

        Raises GivenUp if a picture that takes long is not wanted any more.
        """
        renderer: SupportsRender = self.renderer
        render = partial(self._retried, partial(renderer.render, give_up=self.give_up))
        if isinstance(request, LiveRequest):
            return self._retried(partial(renderer.live, give_up=self.give_up), request)
        if isinstance(request, TrialsRequest):
            return self._retried(partial(renderer.logits, give_up=self.give_up), request)
        if isinstance(request, LooksRequest):
            return self._retried(partial(renderer.looks, give_up=self.give_up), request)
        if isinstance(request, MovesRequest):
            return self._retried(renderer.promising_moves, request)
        if isinstance(request, HeatRequest):
            return self._retried(renderer.heat, request)
        if isinstance(request, RegionRequest):
            return self._retried(partial(self._look, self.renderer, give_up=self.give_up), request)
        if not isinstance(request, FrameRequest):
            return render(request)
        model_hash, device = self._scope
        if request.model_hash != model_hash:  # requested before another model was opened
            raise UserError("This frame belongs to another model. Open that model again.")
        if self.frames is None:
            return CachedFrame(render(request.request), False)
        return self.frames.get_or_render(request.request, cache_scope(model_hash, device), render)

    def attfind(
        self, budget: StepBudget, *, plan: SearchPlan, classifier_id: str
    ) -> Generator[Event, None, AttFindResult | AttributeSet]:
        """Search for the attributes of a classifier, as a job on the open explainer.

        What an earlier race of the same rendered is not rendered again.
        """
        from latent_explorer.explain.attfind.attfind import attfind
        from latent_explorer.explain.attfind.kept_moves import KeptMoves
        from latent_explorer.explain.attfind.settings import AttFindSettings
        from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings, stylespace

        n = plan.n
        if n is None:
            cost = yield from self.search_cost(budget, classifier_id=classifier_id)
            n = cost.proposed()
            if n < min(USUAL, cost.available):
                yield Notice(
                    f"A search of {n} pictures, which takes about {duration_text(plan.seconds(cost, n))} here."
                )
        given: dict[str, Any] = {
            "classifier_id": classifier_id,
            "ranges": self._explainer.style_stats,
            "device": self.device,
            "budget": budget,
        }
        if plan.way == "signal" or plan.way == "difference":
            channels = StyleSpaceSettings(n=n, kappa=plan.kappa, wanted=plan.wanted, score=plan.way)
            return (yield from stylespace(self._explainer, channels, **given))
        settings = AttFindSettings(
            n=n,
            kappa=plan.kappa,
            wanted=plan.wanted,
            effect=plan.effect,
            pair=plan.pair,
            percentiles=plan.percentiles,
            torgb=plan.torgb,
            procedure="paper" if plan.way == "paper" else "notebook",
            exhaustive=plan.way == "every",
        )
        kept = None if self.moves_folder is None else KeptMoves(self.moves_folder)
        return (yield from attfind(self._explainer, settings, kept=kept, **given))

    def kept_effects(
        self, *, classifier_id: str, n: int, entries: Collection[AttributeEntry]
    ) -> dict[tuple[int, AttributeEntry], np.ndarray]:
        """Return what a search of `n` pictures on this machine rendered of these entries: see `kept_effects`."""
        from latent_explorer.explain.attfind.kept_effects import kept_effects

        if self.moves_folder is None:
            return {}
        return kept_effects(self.explainer, self.moves_folder, classifier_id=classifier_id, n=n, entries=entries)

    def search_cost(self, budget: StepBudget, *, classifier_id: str) -> Generator[Event, None, SearchCost]:
        """Time what a search for the attributes of a classifier takes, as a job of seconds on the open explainer."""
        from latent_explorer.explain.attfind.timing import search_cost

        return search_cost(self._explainer, classifier_id=classifier_id, device=self.device, budget=budget)

    def _retried(self, compute: Callable[[R], T], request: R) -> T:
        try:
            return compute(request)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        self._devices().free_memory()
        return compute(request)

    def _available_device(self, device: str) -> str:
        """Return the device of the settings, or "auto" if it is gone: a missing GPU must not keep a model closed."""
        device_ids = {choice.id for choice in self._devices().devices()}
        return device if device in device_ids else "auto"

    def _install(self, explainer: Any, path: Path, device: str) -> OpenedModel:
        """Make the explainer the open model. Whatever may fail comes first, so that an error keeps the open one."""
        devices = self._devices()
        chosen = devices.choose_device(device)
        renderer = self._make_renderer(explainer, chosen)
        known = devices.devices()
        names = {d.id: d.name for d in known}
        automatic = ("auto", f"Automatic ({next(iter(names.values()))})")
        opened = OpenedModel(
            summary=explainer.summary(),
            path=path,
            device=names.get(str(chosen), str(chosen)),
            choices=(automatic, *names.items()),
            device_note=next((d.note for d in known if d.id == str(chosen)), ""),
        )
        same = explainer is self._explainer
        latents, guests = (list(self._latents.values()), self.guests) if same else ([], {})
        before = self._explainer, self._path, self.device, self._renderer
        self._explainer, self._path, self.device, self._renderer = explainer, path, chosen, renderer
        try:
            if latents:
                self.add_latents(latents)
            for key, classifier in guests.items():
                renderer.add_classifier(key, classifier)
        except BaseException:
            self._explainer, self._path, self.device, self._renderer = before
            raise
        self._latents = {picture.latent_id: picture for picture in latents}
        self.guests = guests
        self._scope = opened.summary.model_hash, opened.device
        return opened
