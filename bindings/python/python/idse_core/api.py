"""The verbs of the engine as functions, and as methods of a workspace.

A verb has the same name through every door of the engine. None but `push`, `pull`, `clone`, `link`,
`sync_status`, `list_remote`, `health` and `settle` ever opens a connection, unless it is asked to by
`remote_check` or `against`.

Every verb that may take a while takes `progress`, a function that is called at every step, and `timeout`, how
many seconds it may wait for locks and servers. Ctrl-C stops it and leaves everything whole. Other threads run
meanwhile; in `asyncio`, use `asyncio.to_thread`.
"""

from __future__ import annotations

from typing import overload

from . import reports as r
from ._engine import OnProgress, StrPath, ask, ask_either, path_text
from .workspace import Workspace

__all__ = [
    "clone",
    "discover",
    "doctor",
    "explain",
    "health",
    "init",
    "list_remote",
    "merge_text",
    "open",
    "trust",
    "validate_text",
    "version",
]


def init(
    project: str,
    *,
    root: StrPath | None = None,
    session: str | None = None,
    stack: str | None = None,
    dry_run: bool = False,
) -> r.InitReport:
    """Makes a project with its first session, and the workspace where there is none.

    Without `root` it goes into the nearest workspace upwards, or into a new one in the current folder.

    >>> init("portal", session="s1").created[0]
    '.idse/projects/portal/sessions/s1/intents/intent.md'
    """
    return ask(
        r.InitReport,
        "init",
        root=path_text(root),
        project=project,
        session=session,
        stack=stack,
        dry_run=dry_run,
    )


def open(
    root: StrPath, *, project: str | None = None, session: str | None = None, remote: str | None = None
) -> Workspace:
    """Opens the workspace in a folder: the same as `Workspace(root)`."""
    return Workspace(root, project=project, session=session, remote=remote)


def discover(
    start: StrPath | None = None,
    *,
    project: str | None = None,
    session: str | None = None,
    remote: str | None = None,
) -> Workspace:
    """Finds the workspace that a folder lies in; without one, that of the current folder.

    >>> try:
    ...     discover("/")
    ... except LookupError as error:
    ...     print(error)
    there is no IDSE workspace in / or above
    """
    found = ask(r.WorkspaceInfo, "discover", start=path_text(start))
    return Workspace(found.root, project=project, session=session, remote=remote)


def clone(
    name: str,
    *,
    root: StrPath | None = None,
    session: str | None = None,
    remote: str | None = None,
    progress: OnProgress | None = None,
    timeout: float | None = None,
) -> r.CloneReport:
    """Brings a project of the agency into a workspace, and makes the workspace where there is none.

    `name` is the project's name in the agency, or its id.
    """
    return ask(
        r.CloneReport,
        "clone",
        name=name,
        root=path_text(root),
        session=session,
        remote=remote,
        progress=progress,
        timeout=timeout,
    )


def list_remote(
    *,
    root: StrPath | None = None,
    remote: str | None = None,
    progress: OnProgress | None = None,
    timeout: float | None = None,
) -> r.RemoteProjects:
    """Lists the projects that the agency holds.

    >>> list_remote(remote="sqlite:new.db").projects
    ()
    """
    return ask(
        r.RemoteProjects,
        "list_remote",
        root=path_text(root),
        remote=remote,
        progress=progress,
        timeout=timeout,
    )


def health(
    *, root: StrPath | None = None, remote: str | None = None, timeout: float | None = None
) -> r.Health:
    """Asks the agency whether it is well.

    >>> health(remote="sqlite:new.db").healthy
    True
    """
    return ask(r.Health, "health", root=path_text(root), remote=remote, timeout=timeout)


def validate_text(
    stage: str,
    text: str,
    *,
    status: str | None = None,
    path: str | None = None,
    root: StrPath | None = None,
    project: str | None = None,
    session: str | None = None,
) -> r.ValidationReport:
    """Checks a text as the artifact of a stage, before it is saved.

    It uses the settings of the workspace, where there is one. `path` is what the findings call the file.

    >>> report = validate_text("tasks", "## Phase 1\\n\\n- [REQUIRES INPUT]\\n", path="tasks.md")
    >>> print(report.diagnostics[0])
    tasks.md:3:3: error IDSE101 “Phase 1” still requires input
    """
    return ask(
        r.ValidationReport,
        "validate_text",
        stage=stage,
        text=text,
        status=status,
        path=path,
        root=path_text(root),
        project=project,
        session=session,
    )


def merge_text(base: str, local: str, remote: str) -> r.Merge:
    """Merges what two sides made of a text.

    >>> merge_text("a\\nb\\nc\\n", "A\\nb\\nc\\n", "a\\nb\\nC\\n").text
    'A\\nb\\nC\\n'
    >>> merge_text("a\\n", "here\\n", "there\\n").places
    1
    """
    return ask(r.Merge, "merge_text", base=base, local=local, remote=remote)


@overload
def explain(rule: str) -> r.Rule: ...
@overload
def explain(rule: None = None) -> r.Rules: ...
def explain(rule: str | None = None) -> r.Rule | r.Rules:
    """Explains a rule by its code or name; without one, lists them all.

    >>> explain("IDSE101").name
    'requires-input'
    >>> [rule.code for rule in explain().rules][:3]
    ['IDSE001', 'IDSE002', 'IDSE003']
    """
    answer: r.Rule | r.Rules = ask_either(r.Rule, r.Rules, "explain", rule=rule)
    return answer


def doctor(
    *,
    root: StrPath | None = None,
    project: str | None = None,
    remote: str | None = None,
    remote_check: bool = False,
    timeout: float | None = None,
) -> r.DoctorReport:
    """Examines the workspace and says how to mend what is wrong; with `remote_check`, the agency, too."""
    return ask(
        r.DoctorReport,
        "doctor",
        root=path_text(root),
        project=project,
        remote=remote,
        remote_check=remote_check,
        timeout=timeout,
    )


@overload
def trust(url: str) -> r.Trust: ...
@overload
def trust(url: None = None) -> r.Trusted: ...
def trust(url: str | None = None) -> r.Trust | r.Trusted:
    """Trusts the origin of an agency that a workspace names; without one, lists what is trusted.

    >>> trust("https://agency.example/sync").origin
    'https://agency.example'
    >>> trust().origins
    ('https://agency.example',)
    """
    answer: r.Trust | r.Trusted = ask_either(r.Trust, r.Trusted, "trust", url=url)
    return answer


def version() -> str:
    """Says which version of the engine this is."""
    return ask(r.Version, "version").version
