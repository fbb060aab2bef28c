# SPDX-License-Identifier: MIT
"""An open explainer for Python users: its latents, pictures, attributes and exports, with numpy in and out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from latent_explorer.api import region
from latent_explorer.api.values import Latents, Pictures
from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.document import rename_attributes
from latent_explorer.app.exploration.recipe_png import write_png
from latent_explorer.app.export import batch, scene, sheets
from latent_explorer.app.export.job import animation
from latent_explorer.app.sweep import plan
from latent_explorer.app.sweep.export import export_sweeps
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.common.paths import check_writable
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.data.images import read_image
from latent_explorer.explain.attfind import attfind, encode, similar
from latent_explorer.explain.attfind.kept_moves import KeptMoves
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.counterfactuals import photo, references
from latent_explorer.explain.counterfactuals.evaluation import judge
from latent_explorer.explain.counterfactuals.making import make_counterfactuals
from latent_explorer.explain.direction_search import search
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.direction_search.summary import class_index
from latent_explorer.explain.directions.direction import MAX_TYPICAL, unit_direction
from latent_explorer.explain.directions.file import read_directions, unit_directions
from latent_explorer.explain.labels import read_labels
from latent_explorer.explain.latents import Latent, latent_of, seed_latent, typical_ws
from latent_explorer.explain.projection import projection
from latent_explorer.explain.projection.target import Target, cut_target
from latent_explorer.explain.projection_settings import DEFAULT, ProjectionSettings
from latent_explorer.explain.recipe import Picture, PictureRecipe, PictureRequest, canonical_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.report import coverage, evaluation, evidence, report
from latent_explorer.media.animation.settings import AnimationSettings
from latent_explorer.media.report.page import write_page
from latent_explorer.models.attributes import by_effect, newest_set
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.device import choose_device
from latent_explorer.models.explainer import resolve_classifier, with_attribute_set
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.stylegan2 import truncate
from latent_explorer.models.summary import LICENCE, NOTE, with_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from latent_explorer.api.values import OnEvent, StrPath
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.sweep.export import SweepFiles
    from latent_explorer.explain.counterfactuals.photo import PhotoExplanation, PhotoSettings
    from latent_explorer.explain.counterfactuals.records import CounterfactualFigures
    from latent_explorer.explain.counterfactuals.region import RegionStudy
    from latent_explorer.explain.direction_search.settings import FoundDirection, Method
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.labels import LabelSet
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.recipe import Base, Edit
    from latent_explorer.explain.timeline.timeline import Timeline
    from latent_explorer.media.animation.writer import WrittenAnimation
    from latent_explorer.media.report.evidence import Evidence
    from latent_explorer.media.report.result import ExplainerReport
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.models.summary import ExplainerSummary


class Explainer:
    """Open explainer. No method changes its file or its networks."""

    def __init__(self, path: StrPath, device: str = "auto", classifier: str | None = None) -> None:
        """Read an `.explainer` file. `device` is "auto", "cpu", "cuda:0", "mps".

        Of several classifiers in the file, `classifier` selects one: its name, or the beginning of its id.
        """
        self.model = read_explainer(path)
        self.device = choose_device(device)
        self._chosen_classifier = resolve_classifier(self.model, classifier) if classifier is not None else None
        self._renderer = Renderer(self.model, self.device)
        self._projected: dict[str, ProjectedPicture] = {}  # by latent_id

    @property
    def summary(self) -> ExplainerSummary:
        """Name, model_hash, resolution, style layout, classifiers, stored attribute sets, figures."""
        return self.model.summary()

    @property
    def classifier_id(self) -> str:
        """Identity of the selected classifier. UserError if the file holds none."""
        return self._chosen_classifier or self.model.classifier_id

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.model.classifiers[self.classifier_id].config.class_names

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Attributes of the file's newest set for the selected classifier; best first for each target.

        Without one, as in the window, those of the classifier that the model explains.
        """
        sets = self.model.attribute_sets
        attribute_set = newest_set(sets, self.classifier_id) or newest_set(sets, self.model.classifier_id)
        attributes = attribute_set.attributes if attribute_set else ()
        return tuple(sorted(by_effect(attributes), key=lambda a: a.target))

    def encoded(self) -> Latents:
        """Return the pictures of the file: encoded ones, or generated ones where none were encoded."""
        samples = self.model.samples
        if samples is None:
            raise UserError(f"{self.model.name} holds no pictures. Encode your own, or take seeds.")
        return Latents.of(samples.ws, samples.cond_of())

    def seeds(self, numbers: Iterable[int], psi: float = 1.0, cutoff: int | None = None) -> Latents:
        """Return the latents of random seeds, truncated; the same that the window shows for them."""
        model = self._renderer.explainer
        with torch.inference_mode():
            latents = [seed_latent(model, int(seed)) for seed in numbers]
            w_avg = model.generator.mapping.w_avg
            ws = torch.cat([truncate(latent.ws, w_avg, psi, cutoff) for latent in latents])
            conds = [latent.cond for latent in latents if latent.cond is not None]
        return Latents.of(ws, torch.cat(conds) if conds else None)

    def encode(self, images: np.ndarray | Sequence[StrPath], on_event: OnEvent = None) -> Latents:
        """Return latents of real pictures: files of any size, or (N, H, W, 3) uint8 at the explainer's resolution."""
        if not len(images):
            raise UserError("There are no pictures. Give one or more.")
        size = self.model.generator.config.resolution
        if isinstance(images, np.ndarray):
            pixels = images
        else:
            pixels = np.stack([read_image(Path(path), size) for path in images])
        ids = [str(i) for i in range(len(pixels))]
        model = self._renderer.explainer
        job = encode.encode(model, lambda rows: pixels[rows], ids, BatchSizer())
        samples = run_job(job, on_event)
        return Latents.of(samples.ws, samples.cond_of())

    def project(
        self, images: np.ndarray | Sequence[StrPath], settings: ProjectionSettings = DEFAULT, on_event: OnEvent = None
    ) -> list[ProjectedPicture]:
        """Find latents that show real pictures by optimisation, each with a report on how faithful it is.

        Files of any size, or (N, H, W, 3) uint8 at the explainer's resolution; `render` takes the results.
        """
        classifier_id = self.classifier_id
        targets = self._targets(images)
        job = projection.project(self.model, targets, settings, device=self.device, classifier_id=classifier_id)
        pictures = run_job(job, on_event)
        self.add_latents(pictures)
        return pictures

    def explain_photos(
        self, images: np.ndarray | Sequence[StrPath], settings: PhotoSettings | None = None, on_event: OnEvent = None
    ) -> list[PhotoExplanation]:
        """Find the attributes that turn the verdict on photographs themselves, with both verdicts and three controls.

        Images as for `project`. UserError if the explainer lists no attributes for the classifier.
        """
        listed = newest_set(self.model.attribute_sets, self.classifier_id)
        if listed is None:
            raise UserError(f"{self.model.name} lists no attributes for this classifier. Search for them first.")
        job = photo.explain_photos(
            self.model,
            self._targets(images),
            listed.attributes,
            settings,
            classifier_id=self.classifier_id,
            device=self.device,
        )
        return run_job(job, on_event)

    def explain_region(self, recipe: PictureRecipe, mask: np.ndarray, target: str | int | None = None) -> RegionStudy:
        """Find what changes a painted part of a picture, and what turns its verdict where only that may change.

        mask    (R, R), 0 to 1: the part
        target  class to turn to, its name or index; without it the runner-up

        UserError if the picture is of the target already, or no attribute leads there.
        """
        aim = None if target is None else self._class(target)
        request = PictureRequest(recipe, self.classifier_id)
        return region.explain_region(self._renderer, self._state(), request, self.attributes, mask, aim)

    def _targets(self, images: np.ndarray | Sequence[StrPath]) -> list[Target]:
        if isinstance(images, np.ndarray):
            return [Target(str(i), image) for i, image in enumerate(images)]
        key = self.classifier_id
        return [cut_target(self.model, read_image(path), path.name, key) for path in map(Path, images)]

    def add_latents(self, pictures: Iterable[ProjectedPicture]) -> None:
        """Let recipes name projected pictures: `ProjectedBase(picture.latent_id)`. Those of `project` are known."""
        for picture in pictures:
            if picture.report.model_hash != self.model.model_hash:
                raise UserError(f"{picture.report.name} was projected into another model. Open that one.")
            self._projected[picture.latent_id] = picture
            self._renderer.add_latent(picture.latent_id, latent_of(picture))

    def directions(self, path: StrPath) -> list[Direction]:
        """Read the directions of another program's file (npy, npz, pt), each as long as one standard deviation of w.

        `DirectionShift(direction, 1.5)` is their edit, which `render`, recipes and timelines take.
        """
        config = self.model.generator.config
        vectors = read_directions(Path(path), self.model.generator.num_ws, config.w_dim)
        return unit_directions(vectors, typical_ws(self.model))

    def direction(self, vector: np.ndarray, name: str) -> Direction:
        """Return the direction of a vector (w_dim,) or (num_ws, w_dim) of any length, in standard deviations of w."""
        return unit_direction(name, vector, typical_ws(self.model))

    def labels(self, path: StrPath) -> LabelSet:
        """Read a person's labels of this explainer's pictures from a CSV, as the window's labelling page writes them.

        `write_labels` writes them. A `Label` is of a seed or a picture of the file, as it was truncated when shown.
        """
        return read_labels(Path(path), self.model.model_hash, self.model.samples.ids if self.model.samples else ())

    def find_directions(
        self,
        method: Method,
        target: str | int | None = None,
        *,
        rows: tuple[int, int] | None = None,
        count: int = 1,
        labels: LabelSet | Sequence[int] | np.ndarray | None = None,
        given: Sequence[Direction] = (),
        embedding: StrPath | None = None,
        settings: SearchSettings | None = None,
        on_event: OnEvent = None,
    ) -> list[FoundDirection]:
        """Find directions ("sefa", "ganspace", "boundary", "guided"), and try each beside random ones of its length.

        target    class to lead to, its name or index; None: every class where the method leads to one
        rows      first and last row of ws that may move, both included; None: all
        labels    the boundary's, in place of the classifier's word: a set, such as `labels` reads, or 1, 0 or -1
                  (skipped) for each picture of the file
        given     the boundary is perpendicular to these, and fitted on what they leave
        embedding  file of a network whose answer is to stay beside a guided direction, by its cosine
        settings  for everything else; its method, target, rows and count are replaced
        """
        index = None if target is None else self._class(target)
        chosen = msgspec.structs.replace(
            settings or SearchSettings(method), method=method, target=index, rows=rows, count=count
        )
        key = self.classifier_id if self.model.classifiers else None
        network = None if embedding is None else read_classifier(Path(embedding))[0]
        job = search.find_directions(
            self.model,
            chosen,
            classifier_id=key,
            labels=labels,
            given=given,
            embedding=network,
            device=self.device,
        )
        return run_job(job, on_event)

    def render(
        self, latents: Iterable[Latents | ProjectedPicture | PictureRecipe], edits: Sequence[Edit] = ()
    ) -> Pictures:
        """Return the pictures of latents with the same edits on each; what the window exports, bit for bit.

        A recipe has truncation, noise and edits of its own; `frames` gives those of a timeline.
        """
        pictures = [self._picture(each, edits) for each in latents]
        if not pictures:
            raise UserError("There are no latents to render.")
        return Pictures(
            images=np.stack([picture.image for picture in pictures]),
            logits=np.stack([picture.logits for picture in pictures]),
            probs=np.stack([picture.probs for picture in pictures]),
        )

    def export_picture(self, recipe: PictureRecipe, path: StrPath) -> Path:
        """Write a picture as PNG with its recipe: dropped on the window, it restores everything."""
        image = self.render([recipe]).images[0]
        state = scene.state_from_recipe(recipe, self._state(), self.classifier_id)
        write_png(Path(path), image, state, self.model.name)
        return Path(path)

    def attfind(
        self,
        n: int = 250,
        *,
        pair: tuple[str | int, str | int] | None = None,
        on_event: OnEvent = None,
        **settings: Any,
    ) -> AttributeSet:
        """Find the style coordinates that move the classifier, on the first `n` pictures of the file.

        `pair` asks about two classes only, by their names or indices. `settings` are the other fields of
        `AttFindSettings`, as kappa, wanted, seed, effect ("logit", "probability"), procedure ("notebook", "paper"), and
        exhaustive: every move is rendered; without it, only those that can change the list. What was rendered is kept
        in the cache folder, and not rendered again.
        """
        asked = None if pair is None else (self._class(pair[0]), self._class(pair[1]))
        job = attfind.attfind(
            self.model,
            AttFindSettings(n=n, pair=asked, **settings),
            classifier_id=self.classifier_id,
            ranges=self.model.style_stats,
            device=self.device,
            kept=KeptMoves(),
        )
        return run_job(job, on_event).attribute_set

    def similar_attributes(
        self, attributes: AttributeSet, *, on_event: OnEvent = None
    ) -> dict[int, similar.Similarity]:
        """Compare the attributes of each class with each other, by what they change in pictures of the file."""
        return run_job(similar.similar_attributes(self.model, attributes, device=self.device), on_event)

    def coverage(
        self,
        n: int = coverage.SEEDS,
        psi: float = 1.0,
        *,
        data: StrPath | None = None,
        split: str = "all",
        split_column: str | None = None,
        on_event: OnEvent = None,
        **selection: Any,
    ) -> coverage.Coverage:
        """Count how often pictures of the file, `n` seeds and (at most `n`) real pictures of `data` reach each class.

        `selection` are the other options of `open_dataset`: label, classes, where, group.
        """
        settings: dict[str, Any] = {"n": n, "psi": psi, "classifier_id": self.classifier_id, "device": self.device}
        if data is None:
            return run_job(coverage.coverage(self.model, **settings), on_event)
        size = self.model.generator.config.resolution
        with closing(open_dataset(data, split=split_column, **selection)) as pictures:
            rows = evenly_spaced_rows(pictures.indices(split), n)
            ids = [pictures.names[row] for row in rows]
            job = coverage.coverage(self.model, read=lambda part: pictures.read(rows[part], size), ids=ids, **settings)
            return run_job(job, on_event)

    def evaluate(
        self,
        data: StrPath,
        split: str = "test",
        *,
        n: int | None = None,
        kappas: Sequence[float] = (1.0,),
        random_edits: bool = False,
        split_column: str | None = None,
        on_event: OnEvent = None,
        **selection: Any,
    ) -> evaluation.Evaluation:
        """Measure reconstruction, agreement, drift and flips on (at most `n`) pictures that it never saw.

        `random_edits` adds what random edits of the same size flip to each rate's `controls`. `selection` are the other
        options of `open_dataset`: label, classes, where, group.
        """
        size = self.model.generator.config.resolution
        with closing(open_dataset(data, split=split_column, **selection)) as pictures:
            rows = evenly_spaced_rows(pictures.indices(split), n)
            job = evaluation.evaluate(
                self.model,
                lambda part: pictures.read(rows[part], size),
                [pictures.names[row] for row in rows],
                classifier_id=self.classifier_id,
                kappas=kappas,
                random_edits=random_edits,
                device=self.device,
            )
            return run_job(job, on_event)

    def counterfactuals(
        self,
        data: StrPath,
        split: str = "test",
        *,
        n: int | None = None,
        k: int = 3,
        kappa: float = 1.0,
        confirm: Sequence[StrPath] = (),
        oracles: Sequence[str] = (),
        embedding: StrPath | None = None,
        inception: StrPath | None = None,
        split_column: str | None = None,
        on_event: OnEvent = None,
        **selection: Any,
    ) -> list[CounterfactualFigures]:
        """Judge counterfactuals of pictures by the first `k` attributes: those of the copies, then of the photographs.

        `confirm` are files of other classifiers, `oracles` columns of attributes, `embedding` a network that knows
        persons, `inception` the weights of FID, `selection` as in `evaluate`. UserError where no attributes are listed.
        """
        model, size = self.model, self.model.generator.config.resolution
        asked: dict[str, Any] = {"classifier_id": self.classifier_id, "device": self.device}
        networks: dict[str, Any] = {
            "others": references.other_networks(model, self.classifier_id, [Path(file) for file in confirm]),
            "embed": embedding and references.embedding_of(Path(embedding), self.device),
            "inception": inception and references.inception_of(Path(inception), self.device),
        }
        with closing(open_dataset(data, split=split_column, **selection)) as pictures:
            rows = evenly_spaced_rows(pictures.indices(split), n)
            names, ids = self.class_names, [pictures.names[row] for row in rows]
            known = references.gather(pictures, rows, size, names, oracles=oracles, **networks)
            photos = pictures.read(rows, size)
        job = make_counterfactuals(model, lambda part: photos[part], ids, k, kappa=kappa, **asked)
        return [run_job(judge(model, each, known, **asked), on_event) for each in run_job(job, on_event)]

    def evidence(
        self,
        data: StrPath,
        split: str = "train",
        *,
        n: int | None = 2000,
        attributes: Sequence[Attribute] | None = None,
        settings: evidence.EvidenceSettings = evidence.DEFAULT,
        split_column: str | None = None,
        on_event: OnEvent = None,
        **selection: Any,
    ) -> Evidence:
        """Say which attributes the real pictures of a folder bear out, and which are seen only in the generator.

        `attributes` are those of the file's newest search without any, `selection` as in `evaluate`; pictures of one
        `group` are resampled together. `write_evidence_page` makes a page of the result.
        """
        with closing(open_dataset(data, split=split_column, **selection)) as pictures:
            rows = evenly_spaced_rows(pictures.indices(split), n)
            job = evidence.data_set_evidence(
                self.model,
                pictures,
                rows,
                settings,
                attributes,
                classifier_id=self.classifier_id,
                device=self.device,
            )
            return run_job(job, on_event)

    def save(
        self,
        path: StrPath,
        *,
        attributes: AttributeSet | None = None,
        names: Mapping[str, str] | None = None,
        figures: Mapping[str, evaluation.Evaluation] | None = None,
        note: str | None = None,
        licence: str | None = None,
    ) -> Path:
        """Write an explainer with what was found, named and measured; this one stays as it is.

        `names` by `attribute_key`, such as "214max"; `figures` by split; an empty note or licence removes it.
        """
        model = with_attribute_set(self.model, attributes) if attributes else self.model
        provenance = model.provenance
        for key, text in ((NOTE, note), (LICENCE, licence)):
            provenance = provenance if text is None else with_note(provenance, text, key)
        measured = {split: result.to_dict() for split, result in (figures or {}).items()}
        model = replace(
            model,
            attribute_sets=rename_attributes(model.attribute_sets, names or {}),
            figures=model.figures | measured,
            provenance=provenance,
        )
        write_explainer(model, path)
        return Path(path)

    def animate(
        self,
        timeline: Timeline,
        path: StrPath,
        settings: AnimationSettings | None = None,
        *,
        target: str | None = None,
        on_event: OnEvent = None,
    ) -> WrittenAnimation:
        """Write a timeline as GIF, WebP, APNG, MP4, WebM, CSV or a folder of pictures, as the name of `path` ends.

        Without settings at the timeline's own rate. `target` names the class that captions and bars are about.
        """
        settings = settings or AnimationSettings(fps=timeline.fps, ping_pong=timeline.ping_pong)
        state = self._state(target)
        picture_requests.check(msgspec.structs.replace(state, timelines=(timeline,)), self.summary)
        shown, render = scene.Scene(timeline, state, self.summary), self._renderer.render
        return run_job(animation(Path(path), shown, settings, render), on_event)

    def sheet(
        self,
        plan: sheets.SheetPlan,
        path: StrPath,
        *,
        target: str | None = None,
        psi: float = 1.0,
        on_event: OnEvent = None,
    ) -> Path:
        """Draw counterfactuals, a truncation sweep or a style-mixing grid as PNG or PDF."""
        context, render = self._context(target, psi), self._renderer.render
        return run_job(sheets.sheet(Path(path), plan, context, render), on_event)

    def export_all(
        self,
        folder: StrPath,
        bases: Sequence[Base] | None = None,
        settings: AnimationSettings = AnimationSettings(ping_pong=True),  # noqa: B008  # frozen
        *,
        top: int = 8,
        suffix: str = ".gif",
        target: str | None = None,
        psi: float = 1.0,
        on_event: OnEvent = None,
    ) -> batch.BatchResult:
        """Animate the first `top` attributes on several pictures (four of the file), with a manifest of every file."""
        context = self._context(target, psi, top)
        shown = batch.pictures_of(self.summary, 4) if bases is None else bases
        job = batch.export_all(Path(folder), context, shown, settings, self._renderer.render, suffix)
        return run_job(job, on_event)

    def class_sweeps(
        self,
        folder: StrPath,
        directions: Mapping[str | int, Direction] | None = None,
        bases: Sequence[Base] = (),
        *,
        count: int = plan.USUAL,
        length: float = MAX_TYPICAL,
        top: int = plan.TOP,
        suffix: str = ".gif",
        size: int = 0,
        psi: float = 1.0,
        on_event: OnEvent = None,
    ) -> SweepFiles:
        """Write animations of 4 to 12 pictures that move together towards each class, alpha 0 to 0.95.

        directions  by the name or index of the class that each leads to; without any the first `top` attributes of
                    each class move the pictures, all together
        bases       the pictures; without any `count` of the file that are of other classes, else seeds
        length      standard deviations at alpha 1
        size        px of a picture in the grids; 0: 128
        """
        context = self._context(None, psi)
        given = [(self._class(key), direction) for key, direction in (directions or {}).items()]
        sweeps = plan.class_sweeps(context, given, bases, count=count, length=length, top=top)
        job = export_sweeps(Path(folder), sweeps, context, self._renderer, suffix=suffix, size=size)
        return run_job(job, on_event)

    def report(
        self,
        path: StrPath,
        settings: report.ReportSettings = report.DEFAULT,
        *,
        beside: Sequence[Explainer] = (),
        on_event: OnEvent = None,
    ) -> ExplainerReport:
        """Write a page on what the attributes change: the subject, or its surroundings? Returns its figures.

        The explainers `beside` this one stand on the same page.
        """
        check_writable(Path(path))
        figures = [
            run_job(report.report(each.model, settings, device=each.device), on_event) for each in (self, *beside)
        ]
        write_page(Path(path), figures)
        return figures[0]

    def _class(self, given: str | int) -> int:
        """Return the index of a class that is given by its name or index."""
        return class_index(given, self.class_names) if isinstance(given, str) else given

    def _picture(self, source: Latents | ProjectedPicture | PictureRecipe, edits: Sequence[Edit]) -> Picture:
        """Render one picture; `Latents` must be of one row."""
        if isinstance(source, PictureRecipe):
            moved = canonical_edits((*source.edits, *edits))
            recipe = msgspec.structs.replace(source, edits=moved)
            return self._renderer.render(PictureRequest(recipe, self.classifier_id)).after
        if isinstance(source, Latents):
            cond = None if source.cond is None else torch.from_numpy(source.cond)
            latent = Latent(torch.from_numpy(source.ws), cond)
        else:
            latent = latent_of(source)
        return self._renderer.render_latent(latent, self.classifier_id, edits).after

    def _state(self, target: str | None = None) -> ExplorerState:
        """Return the state that the window would begin with, asking about `target`."""
        return picture_requests.opening_state(self.summary, self._chosen_classifier or "", target)

    def _context(self, target: str | None, psi: float, top: int | None = None) -> scene.ExportContext:
        state = msgspec.structs.replace(self._state(target), truncation_psi=psi)
        return scene.export_context(state, self.summary, self._projected.values(), top)
