"""A small orchestrator, as the author of one would write it.

The old verbs run on the old classes: only their import line has changed. The new ones use the new functions.
"""

from __future__ import annotations

from pathlib import Path

import click
import idse_core
from idse_core.compat import MCPClient, SessionManager, StateTracker, ValidationEngine


@click.group()
@click.option("--agency-url", envvar="IDSE_AGENCY_URL", help="The gateway, or sqlite:PATH.")
@click.pass_context
def cli(context: click.Context, agency_url: str | None) -> None:
    """Keeps the documents of a project, and syncs them when you say so."""
    context.obj = agency_url


# The old verbs.


@cli.command()
@click.option("--project")
def validate(project: str | None) -> None:
    """Validates the artifacts of the current session."""
    click.echo("🔍 Validating IDSE pipeline artifacts...")
    result = ValidationEngine().validate_project(project)
    if not result["valid"]:
        click.echo("❌ Validation failed:", err=True)
        for error in result["errors"]:
            click.echo(f"   ✗ {error}", err=True)
        raise click.exceptions.Exit(1)
    click.echo("✅ Validation passed!")
    for check in result["checks"]:
        click.echo(f"   ✓ {check}")


@cli.command()
def status() -> None:
    """Shows how far the stages are."""
    try:
        state = StateTracker().get_status()
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{state['project_name']}/{state['session_id']}")
    for stage, value in state["stages"].items():
        click.echo(f"  {'✅' if value == 'completed' else '⏳'} {stage}: {value}")


@cli.command()
@click.argument("stage")
@click.argument("value")
def stage(stage: str, value: str) -> None:
    """Sets the status of a stage."""
    try:
        StateTracker().update_stage(stage, value)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@cli.command()
def sessions() -> None:
    """Lists the sessions of the project."""
    for session in SessionManager(StateTracker().project_path).list_sessions():
        click.echo(f"{session.session_id}  {session.session_type}  {session.status}")


@cli.group()
def sync() -> None:
    """Syncs with the agency."""


@sync.command()
@click.pass_obj
def push(agency_url: str | None) -> None:
    """Sends what changed."""
    try:
        answer = MCPClient(agency_url).push_project()
    except (idse_core.IdseError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"✅ {answer['message']}: {', '.join(answer['synced_stages']) or 'nothing new'}")


@sync.command()
@click.option("--force", is_flag=True)
@click.pass_obj
def pull(agency_url: str | None, force: bool) -> None:
    """Brings what others changed."""
    client = MCPClient(agency_url)
    try:
        answer = client.pull_project(force=force)
    except (idse_core.IdseError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    for conflict in answer["conflicts"]:
        click.echo(f"⚠️  {conflict}")
    click.echo(f"✅ Written: {', '.join(client.apply_pull(answer)) or 'nothing'}")


# The new ones.


@cli.command()
@click.argument("name")
@click.option("--session")
def init(name: str, session: str | None) -> None:
    """Makes a project with its first session."""
    report = idse_core.init(name, session=session)
    click.echo(f"{report.project}/{report.session}: {len(report.created)} files")


@sync.command()
@click.argument("stages", nargs=-1)
@click.pass_obj
def diff(agency_url: str | None, stages: tuple[str, ...]) -> None:
    """Shows what changed here since both sides agreed."""
    for each in idse_core.discover(remote=agency_url).diff(*stages).stages:
        click.echo(each.diff, nl=False)


@sync.command()
@click.argument("stage")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.pass_obj
def resolve(agency_url: str | None, stage: str, file: Path) -> None:
    """Settles a conflict with the text of a file."""
    workspace = idse_core.discover(remote=agency_url)
    report = workspace.resolve(stage, text=file.read_text(encoding="utf-8"))
    click.echo(f"{report.stage}: settled, {len(report.open)} left")


@sync.command()
@click.pass_obj
def undo(agency_url: str | None) -> None:
    """Takes back the last pull, resolve or push."""
    report = idse_core.discover(remote=agency_url).undo()
    click.echo(f"{report.verb} undone: {', '.join(report.stages) or 'no file changed'}")


if __name__ == "__main__":
    cli()
