# SPDX-License-Identifier: MIT
"""`doctor`: is everything there that the program needs? What is asked is in app/diagnostics.py and ui/probe.py."""

from __future__ import annotations

import dataclasses

import click

from latent_explorer.cli.output import Output, json_option


@click.command()
@click.option("--qt-probe", is_flag=True, hidden=True, help="Print what Qt says of itself, as one line of JSON.")
@json_option
def doctor(qt_probe: bool, as_json: bool) -> int:
    """Check versions, device, Qt and its system libraries, fonts, folders and weights."""
    if qt_probe:
        from latent_explorer.ui.probe import probe

        click.echo(probe())
        return 0
    from latent_explorer.app.diagnostics import report_text, run_checks

    checks = list(run_checks())
    healthy = all(check.ok for check in checks if check.essential)
    fields = {"ok": healthy, "checks": [dataclasses.asdict(check) for check in checks]}
    Output(as_json=as_json).result(fields, report_text(checks))
    return 0 if healthy else 1
