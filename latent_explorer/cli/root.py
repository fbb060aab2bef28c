# SPDX-License-Identifier: MIT
"""The group of all commands, its exit codes and its one-line errors."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latent_explorer import __version__
from latent_explorer.app.engine.failure import failure_of
from latent_explorer.app.settings import load, settings_file
from latent_explorer.cli import (
    attfind,
    check,
    compare,
    coverage,
    demo,
    edit,
    evaluate,
    evidence,
    explain_photo,
    export,
    find_directions,
    generate,
    import_classifier,
    import_generator,
    info,
    mistakes,
    program,
    project,
    replicate,
    report,
    runs,
    study,
    stylespace,
    sweep,
    train,
)
from latent_explorer.cli.options import run_program_option
from latent_explorer.cli.output import Output, wants_json
from latent_explorer.cli.stop_request import interrupted_by_signals
from latent_explorer.common.format import valid_text
from latent_explorer.common.log import start_logging
from latent_explorer.models.programs.program import allow

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    program.open_command,
    demo.demo,
    program.doctor,
    info.info,
    generate.generate,
    project.project,
    explain_photo.explain_photo,
    coverage.coverage,
    attfind.attfind,
    stylespace.stylespace,
    compare.compare,
    find_directions.directions,
    edit.name,
    edit.add_classifier,
    evaluate.evaluate,
    mistakes.mistakes,
    evidence.evidence,
    report.report,
    check.check,
    import_classifier.import_classifier,
    import_generator.import_generator,
    replicate.replicate,
    train.train_classifier,
    train.train,
    train.train_encoder,
    train.export,
    runs.runs,
    runs.stop,
    export.animate,
    export.sheet,
    export.export_all,
    sweep.sweep,
    study.study,
    program.get_weights,
)

# Commands that may ask a classifier, which may be a program.
ASKING = (
    info.info,
    generate.generate,
    project.project,
    explain_photo.explain_photo,
    coverage.coverage,
    attfind.attfind,
    stylespace.stylespace,
    compare.compare,
    find_directions.directions,
    edit.add_classifier,
    evaluate.evaluate,
    mistakes.mistakes,
    evidence.evidence,
    report.report,
    import_classifier.import_classifier,
    import_generator.import_generator,
    check.check,
    train.train,
    train.train_encoder,
    train.export,
    export.animate,
    export.sheet,
    export.export_all,
    sweep.sweep,
    study.build,
)


class _Root(click.Group):
    """Group that takes `latent-explorer FILE` for `latent-explorer open FILE`, as file managers start programs."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and Path(args[0]).exists():
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(self.commands)  # in the order of first use, not of the alphabet


@click.group(cls=_Root, invoke_without_command=True)
@click.version_option(__version__, prog_name="latent-explorer")
@click.pass_context
def root(ctx: click.Context) -> None:
    """See what an image classifier looks at.

    Without a command the window opens on the bundled explainer.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(program.open_command)


for _command in COMMANDS:
    root.add_command(_command)
for _command in ASKING:
    run_program_option(_command)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 on success, 1 on a user's error (one line on stderr), 130 on a signal.

    A defect of ours is not caught: it keeps its traceback, on stderr and in the log. Of `check`, where 1 is an answer,
    both end with 2.
    """
    args = list(sys.argv[1:] if args is None else args)
    start_logging(" ".join(["latent-explorer", *args]))
    output = Output(as_json=wants_json(args))
    allow(*load(settings_file()).trusted_programs)
    try:
        with interrupted_by_signals():
            code = root.main(args=list(args), prog_name="latent-explorer", standalone_mode=False, obj=args)
    except (click.Abort, KeyboardInterrupt):
        output.failed("Interrupted.", "interrupt")
        return 130
    except BrokenPipeError:  # the reader of the output closed the pipe: `| head`
        return 1
    except Exception as error:
        if args[:1] != [check.check.name]:
            return _failed(error, output)
        try:
            _failed(error, output)
        except Exception:
            traceback.print_exc()
        return 2
    finally:
        _forget_unwritten()
    return code if isinstance(code, int) else 0


def _forget_unwritten() -> None:
    """Drop output that could not be written: at the exit Python would try again, and complain again."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception, output: Output) -> int:
    """Print an error that the user can mend; a defect of ours is raised again."""
    logging.getLogger(__name__).info("the command failed", exc_info=error)
    if isinstance(error, click.ClickException):
        return output.failed(_usage_sentence(error), "user")
    if isinstance(error, OSError) and (error.filename or error.strerror):
        return output.failed(_system_sentence(error), "user")
    if isinstance(error, UnicodeEncodeError) and error.object != valid_text(error.object):
        return output.failed(f"The name {error.object} is not UTF-8. Rename the file or folder.", "user")
    failure = failure_of(error)
    if failure.kind == "defect":
        output.event_of_failure(failure.message, failure.kind)
        raise error
    return output.failed(failure.message, failure.kind)


def _usage_sentence(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.rstrip('.')}. Try '{error.ctx.command_path} --help'."
    return message


def _system_sentence(error: OSError) -> str:
    """Return what the system said about which file: "No space left on device: /data/x.gif. Free some space."."""
    said = ": ".join(str(part) for part in (error.strerror, error.filename) if part)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return f"{said}. Free some space, or write to another place." if full else said
