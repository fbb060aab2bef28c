# SPDX-License-Identifier: MIT
"""`attfind`: the style coordinates that move the classifier. The search is in explain/attfind."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import (
    DATA_OPTIONS,
    NUMBER,
    OUTPUT_FILE,
    LocalPath,
    Number,
    device_option,
    kappa_option,
    pictures_options,
    wanted_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.events import Kept, Notice
from latent_explorer.common.format import duration_text
from latent_explorer.common.jobs import forward_events, without_progress
from latent_explorer.explain.attfind.cost import LONG

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.cost import SearchCost
    from latent_explorer.explain.attfind.result import AttFindResult
    from latent_explorer.explain.attfind.similar import Similarity
    from latent_explorer.models.architecture import StyleLayout
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.models.explainer import Explainer, Samples

NOT_COMPARED: Mapping[int, Similarity] = MappingProxyType({})
STOPPED = "Stopped: this list is not settled. The same command goes on from here."


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@pictures_options
@kappa_option
@click.option(
    "--percentiles",
    nargs=2,
    type=NUMBER,
    metavar="LOW HIGH",
    help="Ends of each range, as 1 99, in place of the observed minimum and maximum, which one outlier decides.",
)
@click.option("--torgb", is_flag=True, help="Search the styles of the toRGB layers, too.")
@click.option(
    "--realism",
    type=Number(0, 100),
    metavar="PERCENTILE",
    help="Leave out coordinates whose pictures the discriminator scores below this percentile of the unmoved ones.",
)
@click.option(
    "--effect",
    type=click.Choice(["logit", "probability"]),
    default="logit",
    show_default=True,
    help="Rank by changes of logits, which never saturate, or of probabilities.",
)
@click.option(
    "--pair", nargs=2, metavar="A B", help="Of several classes only these two against each other, by name or number."
)
@click.option("--exhaustive", is_flag=True, help="Render every move, not only those that can change the list.")
@click.option(
    "--procedure",
    type=click.Choice(["notebook", "paper"]),
    default="notebook",
    show_default=True,
    help="A picture is explained when effects add up to a logit, or when one attribute alone has that effect.",
)
@wanted_option
@click.option("--out", type=OUTPUT_FILE, metavar="X2", help="Write the explainer with what was found.")
@device_option
@json_option
def attfind(
    explainer: str,
    data: str | None,
    side: str,
    classifier: str | None,
    pair: tuple[str, str] | None,
    out: Path | None,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the style coordinates that move the classifier, best first.

    torchrun --nproc-per-node 2 -m latent_explorer attfind X shares the work between two processes. "like 2" marks one
    that changes pictures much as number 2 does.
    """
    from latent_explorer.explain.attfind.attfind import attfind as job
    from latent_explorer.explain.attfind.kept_moves import KeptMoves
    from latent_explorer.explain.attfind.settings import AttFindSettings
    from latent_explorer.explain.attfind.similar import similar_attributes
    from latent_explorer.explain.attfind.timing import search_cost
    from latent_explorer.explain.direction_search.summary import class_index
    from latent_explorer.models.explainer import resolve_classifier, with_attribute_set
    from latent_explorer.models.explainer_file import read_explainer, write_explainer
    from latent_explorer.models.processes import process_group

    selection = {name: options.pop(name) for name in DATA_OPTIONS}
    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier)
    names = model.classifiers[key].config.class_names
    asked = (class_index(pair[0], names), class_index(pair[1], names)) if pair else None
    settings = AttFindSettings(pair=asked, **options)
    with process_group() as world:
        output, chosen = Output(as_json=as_json, silent=not world.is_main_process), world.device(device)
        latents = None if data is None else encode_pictures(model, data, side, settings.n, selection, output)
        given: dict[str, Any] = {"classifier_id": key, "latents": latents, "device": chosen}
        if world.is_main_process:
            timing = search_cost(model, torgb=settings.torgb, **given)
            tell_the_cost(output, timing, settings.n, settings.exhaustive)
        search = job(model, settings, ranges=model.style_stats, kept=KeptMoves(), world=world, **given)
        found = _run(output, search, model, out).attribute_set
    if not world.is_main_process:
        return
    similar = output.run(similar_attributes(model, found, latents=latents, device=chosen))
    fields = result_fields(model, found, similar)
    if out is not None:
        write_explainer(with_attribute_set(model, found), out)
        fields["path"] = out
    output.result(fields, table(model, found, similar))


def _run(
    output: Output, search: Generator[Event, None, AttFindResult], model: Explainer, out: Path | None
) -> AttFindResult:
    """Run a search; at Ctrl-C print the list so far."""
    so_far: list[AttributeSet] = []

    def watch(event: Event) -> Event:
        if isinstance(event, Kept):
            so_far[:] = [event.value.attribute_set]
        return event

    try:
        return output.run(forward_events(search, watch))
    except KeyboardInterrupt:
        for each in so_far:
            unwritten = f" {out.name} was not written." if out else ""
            output.result(result_fields(model, each), f"{STOPPED}{unwritten}\n{table(model, each)}")
        raise


def tell_the_cost(output: Output, job: Generator[Event, None, SearchCost], n: int, exhaustive: bool) -> None:
    """Say what the search takes if it is long."""
    cost = output.run(without_progress(job))
    if text := long_search_text(cost, n, exhaustive=exhaustive):
        output.event(Notice(text))


def long_search_text(cost: SearchCost, n: int, *, exhaustive: bool) -> str:
    """Return what a search of `n` pictures takes, and what fewer would take; "" if it is not long."""
    n, fewer = min(n, cost.available), cost.proposed()
    seconds = cost.seconds(n, exhaustive=exhaustive)
    if seconds <= LONG:
        return ""
    text = f"{n} pictures take about {duration_text(seconds)} here"
    if exhaustive:
        return f"{text}, and without --exhaustive {duration_text(cost.seconds(n))}."
    return f"{text}, --n {fewer} about {duration_text(cost.seconds(fewer))}." if fewer < n else f"{text}."


def encode_pictures(
    model: Explainer, data: str, side: str, n: int, selection: dict[str, Any], output: Output
) -> Samples:
    """Encode up to n pictures of DATA."""
    from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
    from latent_explorer.explain.attfind.encode import encode
    from latent_explorer.explain.batches import BatchSizer

    pictures = open_dataset(data, **selection)
    rows = evenly_spaced_rows(pictures.indices(side), n)
    size = model.generator.config.resolution
    job = encode(model, lambda part: pictures.read(rows[part], size), [pictures.names[i] for i in rows], BatchSizer())
    return output.run(job)


def _terms(target: int, attribute_set: AttributeSet, class_names: Sequence[str]) -> str:
    """Return what a class stands against in a pair, and that changes of its probability were ranked."""
    pair = attribute_set.pair
    against = f" against {class_names[pair[1 - pair.index(target)]]}" if pair else ""
    by = ", by probability; effects in logits" if attribute_set.settings.get("effect") == "probability" else ""
    return against + by


def attribute_fields(attribute: Attribute, layout: StyleLayout) -> dict[str, Any]:
    """Return an attribute as `--json` prints it: its first coordinate, the end that raises `target`, and its layer."""
    first = attribute.entries[0]
    layer, channel = layout.at(first.style_index)
    return {
        "style_index": first.style_index,
        "direction": first.end,
        "target": attribute.target,
        "mean_effect": attribute.mean_effect,
        "interval": attribute.interval,
        "layer": layer.name,
        "channel": channel,
        "resolution": layer.resolution,
        "name": attribute.name,
        "exact": attribute.exact,
        "round": attribute.round,
    }


def result_fields(
    model: Explainer, attribute_set: AttributeSet, similar: Mapping[int, Similarity] = NOT_COMPARED
) -> dict[str, Any]:
    """Return the fields of the result of `attfind --json`; `similar` by target."""
    layout = model.generator.synthesis.layout
    compared = {
        "similar": {
            model.classifiers[attribute_set.classifier_id].config.class_names[target]: {
                "n": each.n,
                "cosine": each.cosine,
                "correlation": each.correlation,
                "like": {str(i + 1): other + 1 for i, other in each.likes.items()},
            }
            for target, each in similar.items()
        }
    }
    return {
        "model_hash": model.model_hash,
        "classifier_id": attribute_set.classifier_id,
        "n": attribute_set.n,
        "effect": attribute_set.settings.get("effect", "logit"),
        "pair": attribute_set.pair,
        "settled": attribute_set.settled,
        "attributes": [attribute_fields(a, layout) for a in attribute_set.attributes],
        **(compared if similar else {}),
    }


def table(model: Explainer, attribute_set: AttributeSet, similar: Mapping[int, Similarity] = NOT_COMPARED) -> str:
    """Return the attributes as text, one block a class; `similar` by target."""
    layout = model.generator.synthesis.layout
    class_names = model.classifiers[attribute_set.classifier_id].config.class_names
    lines: list[str] = []
    for target in attribute_set.pair or range(len(class_names)):
        lines.append(f"towards {class_names[target]}{_terms(target, attribute_set, class_names)}")
        attributes = [a for a in attribute_set.attributes if a.target == target]
        likes = similar[target].likes if target in similar else {}
        for rank, attribute in enumerate(attributes, 1):
            f = attribute_fields(attribute, layout)
            interval = "[{:+.2f}, {:+.2f}]".format(*f["interval"]) if f["interval"] else ""
            place = f"style {f['style_index']:5d} to its {f['direction']}, {f['layer']} channel {f['channel']}"
            effect = f"{'' if attribute.exact else '~'}{attribute.mean_effect:+.2f}"
            like = f"  like {likes[rank - 1] + 1}" if rank - 1 in likes else ""
            lines.append(f"  {rank:2d}  {place:44}  {effect} {interval}  {f['name']}{like}".rstrip())
    return "\n".join(lines)
