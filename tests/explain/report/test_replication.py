# SPDX-License-Identifier: MIT
"""`replicate`: what is found on a release beside the authors' effects, which a second implementation computed here."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest
import stylex_release
import torch
from stylex_release import CHANNELS, PIXELS, K, W

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.report.replication import Published, Row, replicate
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier
from latent_explorer.models.importers.saved_model.files import Folder
from latent_explorer.models.importers.saved_model.variables import Variables
from latent_explorer.models.importers.stylex.latents import Effects, read_effects
from latent_explorer.models.importers.stylex.networks import generator_of
from latent_explorer.models.preprocessing import Preprocessing

STYLES = CHANNELS[4] + sum(CHANNELS[size // 2] + CHANNELS[size] for size in (8, 16, 32))


@dataclass(frozen=True)
class Case:
    explainer: Explainer
    effects: Effects
    coordinates: tuple[tuple[int, int], ...]  # by the procedure of the notebook, written again below


def logits_by_hand(
    classifier: Classifier, latents: np.ndarray, moved: dict[int, np.ndarray] | None = None
) -> np.ndarray:
    """Return logits (N, K) of the second implementation's pictures, styles replaced by number."""
    variables = stylex_release.generator_variables()
    img = stylex_release.synthesis(variables, latents, moved or {})
    with torch.inference_mode():
        return classifier.logits(img.float()).numpy()


def effects_by_hand(classifier: Classifier, latents: np.ndarray) -> Effects:
    """Compute the effects as the notebook does: one style of one picture after another, to the minimum and maximum."""
    s = stylex_release.style_vector(stylex_release.generator_variables(), latents)
    base = logits_by_hand(classifier, latents)
    out = np.zeros((len(latents), 2, STYLES, K), np.float32)
    for j in range(STYLES):
        for direction, end in enumerate((s[:, j].min(), s[:, j].max())):
            out[:, direction, j] = logits_by_hand(classifier, latents, {j: np.full(len(latents), end)}) - base
    return Effects(latents, base, out)


def list_by_hand(effects: Effects, count: int) -> tuple[tuple[int, int], ...]:
    """Return the notebook's list towards class 0: greedy for both classes, joined and sorted by the mean effects."""
    table, classes = effects.effects.astype(np.float64), effects.base_logits.argmax(axis=1)
    found = {}
    for target in (0, 1):
        part = table[classes == 1 - target, :, :, target].reshape((classes == 1 - target).sum(), -1).clip(0)
        reached, chosen = np.zeros(len(part)), []
        while len(chosen) < count:
            best = int(part[reached < 1.0].mean(axis=0).argmax())
            chosen.append(best)
            reached += part[:, best]
            part[:, best] = 0
        found[target] = [divmod(k, STYLES) for k in chosen]
    of_zero = {j for _d, j in found[0]}
    joined = [(1 - d, j) for d, j in found[1] if j not in of_zero] + found[0]
    scores = [table[:, d, j, 0].mean() + table[:, 1 - d, j, 1].mean() for d, j in joined]
    return tuple(joined[i] for i in np.argsort(scores)[::-1][:count])


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("release")
    stylex_release.write_generator(folder)
    generator = generator_of(Variables(Folder(folder), "variables/variables"))
    torch.manual_seed(1)
    classifier = Classifier(
        ClassifierConfig("small", "small-resnet", ("a", "b"), Preprocessing(PIXELS), widths=(6,), temperature=0.3)
    ).eval()
    latents = stylex_release.latents(10)
    # A random classifier gives all pictures one class: its last layer is shifted to the middle of them.
    base = logits_by_hand(classifier, latents)
    with torch.no_grad():
        classifier.network.head.bias[0] -= float(np.median(base[:, 0] - base[:, 1])) * 0.3
    effects = effects_by_hand(classifier, latents)
    key = hash_classifier(classifier)
    w, cond = torch.from_numpy(latents).split([W, K], dim=1)
    samples = Samples(generator.broadcast(w).contiguous(), cond, cond, tuple(map(str, range(len(w)))))
    explainer = Explainer("x", generator, classifiers={key: classifier}, conditioned_on=key, samples=samples)
    return Case(explainer, effects, list_by_hand(effects, 10))


def rows_of(rows: list[Row]) -> dict[str, Row]:
    return {row.what: row for row in rows}


def test_all_is_found_again(case: Case) -> None:
    counts = np.bincount(case.effects.base_logits.argmax(axis=1), minlength=2)
    assert counts.min() > 2
    published = Published(STYLES, case.coordinates, 0.5, (int(counts[0]), int(counts[1])))
    rows = rows_of(run_job(replicate(case.explainer, case.effects, published=published)))
    assert rows["pictures of a, b"].here == rows["pictures of a, b"].published
    assert rows["logits of the reconstructions"].values["largest_difference"] < 1e-4
    assert rows["logits of the reconstructions"].values["same_verdicts"] == 1
    moves = rows["effects of single moves, rendered here"].values
    assert moves["largest_difference"] < 1e-4 < moves["deviation"]
    for what in ("list chosen from the authors' effects", "list found here"):
        assert rows[what].values["in_the_published_list"] == 10
        assert rows[what].values["in_their_published_places"] == 10
    flips = rows["verdicts that the list found here turns"]
    assert flips.published == "50.0%"
    assert flips.values["flips"]["n"] == 10
    assert flips.values["flips"]["left"] > 0
    assert (
        flips.values["flips"] == rows["verdicts that the list chosen from the authors' effects turns"].values["flips"]
    )


def test_wrong_conventions_show(case: Case) -> None:
    """With other noise maps the logits are not the authors' any more."""
    other = replace(case.explainer, generator=generator_with_other_noise(case))
    rows = rows_of(run_job(replicate(other, case.effects, search=False)))
    assert rows["logits of the reconstructions"].values["largest_difference"] > 5e-3
    assert rows["list found here"].skipped == "not asked for"
    assert rows["list chosen from the authors' effects"].published == ""  # published figures are another model's


def generator_with_other_noise(case: Case) -> torch.nn.Module:
    generator = copy.deepcopy(case.explainer.generator)
    for layer in (generator.synthesis.b32.conv1, generator.synthesis.b16.conv0):
        layer.noise_const.copy_(layer.noise_const.flip(0))
    return generator


def test_what_is_not_there_is_skipped_with_the_reason(case: Case) -> None:
    rows = rows_of(run_job(replicate(case.explainer, None, search=False)))
    assert "examples_1.tfrecord" in rows["list chosen from the authors' effects"].skipped
    assert rows["pictures of a, b"].here
    without = replace(case.explainer, samples=None)
    again = rows_of(run_job(replicate(without, case.effects, search=False)))
    assert again["logits of the reconstructions"].values["largest_difference"] < 1e-3
    others = replace(case.effects, latents=case.effects.latents + 1)
    rows = rows_of(run_job(replicate(case.explainer, others, search=False)))
    assert "other pictures" in rows["logits of the reconstructions"].skipped
    with pytest.raises(UserError, match=r"dlatents\.pkl"):
        run_job(replicate(without, None))


def test_the_authors_file_is_read(case: Case) -> None:
    data = stylex_release.records(case.effects.latents, case.effects.base_logits, case.effects.effects)
    again = read_effects(data)
    np.testing.assert_array_equal(again.effects, case.effects.effects)
    np.testing.assert_array_equal(again.base_logits, case.effects.base_logits)
    np.testing.assert_array_equal(again.latents, case.effects.latents)
