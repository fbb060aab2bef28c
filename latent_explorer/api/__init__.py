# SPDX-License-Identifier: MIT
"""The Python interface: what the window and the command line do, for notebooks. Described in docs/python.md.

Every name of `__all__` may be used from outside. The work is done by the jobs of the packages below.
"""

from latent_explorer.api.explainer import Explainer
from latent_explorer.api.functions import build_study, check, score_study, train, train_classifier
from latent_explorer.api.values import Latents, Pictures
from latent_explorer.api.versions import check_attributes, compare_versions
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.export.sheets import SheetPlan
from latent_explorer.app.study.arms import ArmSpec
from latent_explorer.common.errors import UserError
from latent_explorer.explain.counterfactuals.photo import PhotoSettings
from latent_explorer.explain.counterfactuals.photo_text import sentence as photo_sentence
from latent_explorer.explain.counterfactuals.region_text import sentence as region_sentence
from latent_explorer.explain.direction_search.settings import FoundDirection, GuidedSettings, SearchSettings
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.directions.file import write_directions
from latent_explorer.explain.labels import Label, LabelSet, write_labels
from latent_explorer.explain.projected import read_projected, write_projected
from latent_explorer.explain.projection.report_text import checks as projection_checks
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.explain.recipe import (
    BlendBase,
    DirectionShift,
    MixBase,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
    attribute_edits,
)
from latent_explorer.explain.report.evidence import EvidenceSettings
from latent_explorer.explain.report.report import ReportSettings
from latent_explorer.explain.timeline.file import read_timeline, write_timeline
from latent_explorer.explain.timeline.makers import alpha_sweep, morph, random_walk, stepped_sweep, style_mix
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, frames
from latent_explorer.media.animation.settings import AnimationSettings
from latent_explorer.media.report.evidence import sentence as evidence_sentence
from latent_explorer.media.report.evidence_page import write_evidence_page
from latent_explorer.studies.build.plan import StudySettings
from latent_explorer.studies.scoring.rules import Rules

# fmt: off
__all__ = [
    "AnimationSettings", "ArmSpec", "BlendBase", "Direction", "DirectionShift", "EvidenceSettings", "Explainer",
    "FoundDirection", "GuidedSettings", "Keyframe", "Label", "LabelSet", "Latents", "MixBase", "Noise",
    "PhotoSettings", "PictureRecipe", "Pictures", "ProjectedBase", "ProjectionSettings", "ReportSettings", "Rules",
    "SampleBase", "SearchSettings", "SeedBase", "SheetPlan", "StudySettings", "StyleShift", "Timeline", "UserError",
    "alpha_sweep", "attribute_edits", "attribute_key", "build_study", "check", "check_attributes", "compare_versions",
    "evidence_sentence", "frames", "morph", "photo_sentence", "projection_checks", "random_walk", "read_projected",
    "read_timeline", "region_sentence", "score_study", "stepped_sweep", "style_mix", "train", "train_classifier",
    "write_directions",
    "write_evidence_page", "write_labels", "write_projected", "write_timeline",
]
# fmt: on
