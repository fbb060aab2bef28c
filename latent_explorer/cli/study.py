# SPDX-License-Identifier: MIT
"""`study build`, `study score`, `study columns`: a user study from an explainer to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.cli.options import (
    COUNT,
    NEW_OUTPUT_FOLDER,
    NUMBER,
    OUTPUT_FILE,
    OUTPUT_FOLDER,
    PATH,
    SEED,
    device_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.studies.scoring.rules import ALL_RULES, Rules

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.studies.build.texts import StudyTexts

KINDS = ("classification", "verbal", "both")


@click.group()
def study() -> None:
    """Make a user study of attributes, and score its answers."""


@study.command("build")
@click.argument("explainer", metavar="X", type=PATH)
@click.option("--against", type=PATH, metavar="Y", help="Compare with this explainer, as a second arm.")
@click.option("--method", default="", metavar="NAME", help="Attribute set of X; the newest without it.")
@click.option(
    "--against-method", default="", metavar="NAME", help="Attribute set of the second arm (of X, without --against)."
)
@click.option("--kind", type=click.Choice(KINDS), default="both", show_default=True, help="Which questions.")
@click.option("--attributes", default=6, show_default=True, type=COUNT, help="Attributes of each arm, best first.")
@click.option("--items", default=3, show_default=True, type=COUNT, help="Classification questions per attribute.")
@click.option("--verbal-items", default=1, show_default=True, type=COUNT, help="Verbal questions per attribute.")
@click.option("--target", metavar="CLASS", help="Class that the attributes lead to, by name or number.")
@click.option("--keys", default="", metavar="KEY,...", help="These attributes (such as 214max) instead of the best.")
@click.option("--catch", default=2, show_default=True, type=COUNT, help="Catch trials.")
@click.option("--no-practice", is_flag=True, help="No practice questions.")
@click.option(
    "--reach", default=1.0, type=NUMBER, show_default=True, help="Share of the way to the observed end (kappa)."
)
@click.option("--tile", default=512, show_default=True, type=COUNT, help="Width of a picture in a question, px.")
@click.option(
    "--seconds", default=0.75, type=NUMBER, show_default=True, help="Seconds per frame of a classification question."
)
@click.option(
    "--verbal-seconds", default=1.0, type=NUMBER, show_default=True, help="Seconds per frame of a verbal question."
)
@click.option("--texts", type=PATH, metavar="FILE", help="JSON with texts: title, consent, contact, ...")
@click.option("--seed", default=0, type=SEED, show_default=True, help="The same seed gives the same study.")
@click.option("--out", required=True, type=NEW_OUTPUT_FOLDER, metavar="DIR", help="New folder for the study.")
@device_option
@json_option
def build(explainer: Path, against: Path | None, out: Path, device: str, as_json: bool, **options: Any) -> None:
    """Make a study: a folder for participants, the hidden key, and the questions for survey services."""
    from latent_explorer.app.study.arms import ArmSpec, open_from_files
    from latent_explorer.app.study.job import build_study

    settings = _settings(options)
    settings.check()
    keys = tuple(key.strip() for key in options["keys"].split(",") if key.strip())
    target = _target(explainer, options["target"])
    specs = [ArmSpec(path=str(explainer), method=options["method"], target=target, keys=keys)]
    if against is not None or options["against_method"]:
        other = against or explainer
        second = _target(other, options["target"])
        specs.append(ArmSpec(path=str(other), method=options["against_method"], target=second))
    output = Output(as_json=as_json)
    key = output.run(build_study(open_from_files(specs, device), settings, out))
    questions = sum(item.role != "practice" for item in key.items)
    fields = {
        "study": key.study,
        "path": out,
        "participants": out / "participants",
        "key": out / "key.json",
        "arms": list(key.arms),
        "paired": key.paired,
        "questions": questions,
    }
    output.result(fields, f"{questions} questions in {out / 'participants'}; the key is {out / 'key.json'}")


def _settings(options: dict[str, Any]) -> Any:
    from latent_explorer.studies.build.plan import StudySettings

    kind = options["kind"]
    names = ("attributes", "items", "verbal_items", "catch", "reach", "tile", "seconds", "verbal_seconds", "seed")
    return StudySettings(
        kinds=("classification", "verbal") if kind == "both" else (kind,),
        practice=not options["no_practice"],
        texts=_texts(options["texts"]),
        **{name: options[name] for name in names},
    )


def _texts(path: Path | None) -> StudyTexts:
    from latent_explorer.studies.build.texts import StudyTexts

    if path is None:
        return StudyTexts()
    try:
        return guarded_json.read(path, StudyTexts)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Choose the texts again.") from error
    except DamagedData as error:
        names = ", ".join(field.name for field in msgspec.structs.fields(StudyTexts))
        raise UserError(f"{path} holds no texts of a study ({error}). It is JSON with any of: {names}.") from error


def _target(path: Path, name: str | None) -> int | None:
    """Return the index of a class by name or number, from the header of the file."""
    if name is None:
        return None
    from latent_explorer.models import explainer_file

    names = list(explainer_file.info(path).to_dict()["classes"])
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    raise UserError(f"{path} has no class {name!r}. Its classes are: {', '.join(names)}.")


@study.command("score")
@click.argument("responses", nargs=-1, required=True, metavar="RESPONSES...", type=PATH)
@click.option("--key", required=True, type=PATH, metavar="KEY", help="key.json of the study, or a key written as CSV.")
@click.option("--columns", type=PATH, metavar="FILE", help="Which column holds which question (see `study columns`).")
@click.option(
    "--exclude",
    default=",".join(Rules().exclude),
    show_default=True,
    metavar="RULE,...",
    help=f"Rules that leave respondents out, of: {', '.join(ALL_RULES)}; or none.",
)
@click.option(
    "--least-seconds",
    default=1.0,
    type=NUMBER,
    show_default=True,
    help="Fewest seconds per question, for the rule too-fast.",
)
@click.option(
    "--most-failed",
    default=0,
    type=COUNT,
    show_default=True,
    help="Catch trials that may be failed, for the rule failed-catch.",
)
@click.option(
    "--one-survey", is_flag=True, help="The files are exports of one survey: the same id in several is one person."
)
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR", help="Folder for the result.")
@json_option
def score(
    responses: tuple[Path, ...],
    key: Path,
    columns: Path | None,
    exclude: str,
    least_seconds: float,
    most_failed: int,
    one_survey: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Score answers: the page's JSON files, our CSV, or a survey service's export (of a folder: all its files)."""
    from latent_explorer.studies.scoring.report import sentences
    from latent_explorer.studies.scoring.score_files import score_files

    names = [] if exclude.strip() == "none" else [n.strip() for n in exclude.split(",") if n.strip()]
    rules = Rules(
        exclude=tuple(names),  # type: ignore[arg-type]
        least_seconds=least_seconds,
        most_failed=most_failed,
        one_survey=one_survey,
    )
    output = Output(as_json=as_json)
    result = output.run(score_files(responses, key, out, rules.check(), columns))
    fields = {"path": out, "report": result.report, **msgspec.to_builtins(result.score)}
    output.result(fields, "\n".join([f"report: {result.report}", *sentences(result.score)]))


@study.command("columns")
@click.argument("responses", metavar="RESPONSES", type=PATH)
@click.option("--key", type=PATH, metavar="KEY", help="Key of the study. Without it a key is drafted, to be completed.")
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="FILE.csv", help="List to complete by hand.")
@click.option(
    "--right",
    default="",
    metavar="ANSWERS",
    help='Right answers for the drafted key, in the order of the columns: "A B B A".',
)
@json_option
def columns(responses: Path, key: Path | None, right: str, out: Path, as_json: bool) -> None:
    """Propose which column of a survey service's export belongs to which question, or draft a key for it.

    \b
    A study made here:     study columns EXPORT --key key.json --out columns.csv
                           study score EXPORT --key key.json --columns columns.csv --out RESULT
    A study made elsewhere: study columns EXPORT --right "A B B A" --out key.csv
                           (complete key.csv in a spreadsheet: arms, attributes, what is not a question)
                           study score EXPORT --key key.csv --out RESULT
    """
    from latent_explorer.studies.build.answer_key import read_key
    from latent_explorer.studies.scoring.columns import BY_ORDER, UNKNOWN, propose, write_proposals

    try:
        data = responses.read_bytes()
    except OSError as error:
        raise UserError(f"{responses} cannot be read ({error.strerror}). Choose the export.") from error
    output = Output(as_json=as_json)
    if key is None:
        _draft_key(data, responses.name, right, out, output)
        return
    if right:
        raise UserError("The key says what is right. Give either --key or --right.")
    proposals = propose(data, responses.name, read_key(key))
    write_proposals(out, proposals)
    unknown = [p.item for p in proposals if p.how == UNKNOWN]
    by_order = sum(p.how == BY_ORDER for p in proposals)
    message = f"{len(proposals) - len(unknown)} of {len(proposals)} questions have a column"
    if by_order:
        message += f" ({by_order} by their order: please check)"
    fields = {"path": out, "columns": msgspec.to_builtins(proposals), "unknown": unknown}
    output.result(fields, f"{message}; see {out}")


def _draft_key(data: bytes, name: str, right: str, out: Path, output: Output) -> None:
    from latent_explorer.studies.scoring.columns import key_draft, write_key_draft

    answers = right.replace(",", " ").replace(";", " ").split()
    drafts = key_draft(data, name, list(right) if len(answers) == 1 else answers)
    write_key_draft(out, drafts)
    fields = {"path": out, "questions": [draft.proposal.item for draft in drafts]}
    choices = sum(draft.proposal.kind == "classification" for draft in drafts)
    todo = "Delete" if right else "Fill in what is right, delete"
    output.result(
        fields,
        f"{len(drafts)} columns in {out}, {choices} of them look like choices. {todo} what is not a question, and name "
        "arms and attributes where there are several.",
    )
