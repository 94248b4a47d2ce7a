"""Which project the existing tools mean: from the current folder upwards, as the engine finds it."""

from __future__ import annotations

from pathlib import Path

from ..api import discover
from ..errors import InvalidWorkspaceError, NotFoundError
from ..workspace import Workspace

NO_PROJECT = "No IDSE project found. Run 'idse init' first or use --project."


class NoProject(FileNotFoundError):
    """There is no project, or none of that name. The text is that of the existing tools."""


def project_of(name: str | None, start: Path | None = None) -> Workspace:
    """Returns the workspace with the project that is meant named, or raises `NoProject`."""
    try:
        workspace = discover(start)
    except (NotFoundError, InvalidWorkspaceError):
        raise NoProject(NO_PROJECT) from None
    try:
        named = workspace.at(project=name) if name else workspace
        return workspace.at(project=named.sessions().project)
    except (NotFoundError, ValueError) as error:
        if name:
            raise NoProject(f"Project '{name}' not found at {projects(workspace) / name}") from error
        raise NoProject(NO_PROJECT if isinstance(error, NotFoundError) else str(error)) from error


def projects(workspace: Workspace) -> Path:
    """Returns the folder of the projects."""
    return workspace.root / ".idse" / "projects"


def folder(workspace: Workspace) -> Path:
    """Returns the folder of the project."""
    return projects(workspace) / (workspace.project or "")
