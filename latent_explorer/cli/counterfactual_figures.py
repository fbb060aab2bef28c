# SPDX-License-Identifier: MIT
"""`evaluate --counterfactuals`: its options, and what it measures and prints."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import PATH, LocalPath, combine_options
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from latent_explorer.cli.output import Output
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.explainer import Explainer

SAME = "same"  # of --masks: the pictures are cut out themselves

counterfactual_options = combine_options(
    click.option(
        "--counterfactuals",
        "wants_counterfactuals",
        is_flag=True,
        help="Also make counterfactuals of the pictures, at the first kappa, and print the field's figures of them.",
    ),
    click.option(
        "--k", type=click.IntRange(min=1), default=3, show_default=True, help="Attributes of a counterfactual."
    ),
    click.option(
        "--confirm", multiple=True, type=PATH, metavar="FILE", help="Another classifier to ask; may be repeated."
    ),
    click.option(
        "--masks",
        type=LocalPath(),
        metavar=f"DATA2|{SAME}",
        help=f"The same pictures cut out on black, for sparsity; '{SAME}' where these are.",
    ),
    click.option(
        "--embedding",
        type=PATH,
        metavar="FILE",
        help="Network that knows persons, as import-classifier takes it: FS and FVA on its last features.",
    ),
    click.option(
        "--embedding-output", is_flag=True, help="Use the network's output, where that is the embedding itself."
    ),
    click.option(
        "--inception", type=PATH, metavar="FILE", help="Inception's weights as torch-fidelity publishes them, for FID."
    ),
    click.option(
        "--oracle", "oracles", multiple=True, metavar="COLUMN", help="Column of attributes that may change; repeatable."
    ),
)


@dataclass(frozen=True)
class Asked:
    """Values of these options."""

    wants_counterfactuals: bool
    k: int
    confirm: tuple[Path, ...]
    masks: str | None
    oracles: tuple[str, ...]
    embedding: Path | None
    embedding_output: bool
    inception: Path | None

    def check(self) -> None:
        """UserError where options of counterfactuals are given without them."""
        given = self.confirm or self.masks or self.oracles or self.embedding or self.inception
        if not self.wants_counterfactuals and given:
            raise UserError(
                "--confirm, --masks, --oracle, --embedding and --inception belong to --counterfactuals. Add it, or "
                "leave them out."
            )
        if self.embedding_output and self.embedding is None:
            raise UserError("--embedding-output says how --embedding is used. Give both, or leave it out.")


def measure(
    model: Explainer,
    pictures: ImageDataset,
    rows: np.ndarray,
    asked: Asked,
    kappa: float,
    *,
    key: str,
    device: Any,
    output: Output,
) -> tuple[dict[str, Any], str]:
    """Make and judge counterfactuals of the pictures `rows`; returns the fields and the table."""
    from latent_explorer.explain.counterfactuals.alignment import alignment, listed_classifiers
    from latent_explorer.explain.counterfactuals.composition import composition
    from latent_explorer.explain.counterfactuals.evaluation import judge
    from latent_explorer.explain.counterfactuals.evaluation_text import alignment_text, composition_text, table
    from latent_explorer.explain.counterfactuals.making import make_counterfactuals
    from latent_explorer.explain.counterfactuals.records import as_json
    from latent_explorer.explain.counterfactuals.references import embedding_of, gather, inception_of, other_networks

    size = model.generator.config.resolution
    names = model.classifiers[key].config.class_names
    with ExitStack() as opened:
        masks = _masks(asked.masks, pictures, opened)
        references = gather(
            pictures,
            rows,
            size,
            names,
            masks=masks,
            oracles=asked.oracles,
            others=other_networks(model, key, asked.confirm),
            embed=asked.embedding and embedding_of(asked.embedding, device, output=asked.embedding_output),
            inception=asked.inception and inception_of(asked.inception, device),
        )

    def read(part: slice) -> np.ndarray:
        return pictures.read(rows[part], size)

    ids = [pictures.names[i] for i in rows]
    job = make_counterfactuals(model, read, ids, asked.k, kappa=kappa, classifier_id=key, device=device)
    found = [output.run(judge(model, made, references, classifier_id=key, device=device)) for made in output.run(job)]
    composed = output.run(composition(model, read, len(ids), device=device))
    fields = {
        "k": asked.k,
        "kappa": kappa,
        "kinds": {each.kind: each.to_dict() for each in found},
        "composition": as_json(composed),
    }
    text = f"{table(found, asked.k, kappa)}\n{composition_text(composed)}"
    if len(listed_classifiers(model)) > 1:
        aligned = output.run(alignment(model, read, ids, asked.k, kappa=kappa, device=device))
        fields["relative_change"] = as_json(aligned)
        text += "\n" + alignment_text(aligned, {each: c.config.name for each, c in model.classifiers.items()})
    return fields, text


def _masks(given: str | None, pictures: ImageDataset, opened: ExitStack) -> ImageDataset | None:
    from latent_explorer.data.dataset import open_dataset

    if given is None or given == SAME:
        return pictures if given else None
    return opened.enter_context(closing(open_dataset(given)))
