"""What the verbs answer: frozen objects with the fields of the engine's JSON documents.

Every one of them compares, hashes, pickles, prints and matches by its fields, and gives the document back:

>>> place = Position(line=3, column=1, offset=20)
>>> place.to_dict()
{'line': 3, 'column': 1, 'offset': 20}
>>> place == Position.from_dict({"line": 3, "column": 1, "offset": 20})
True
"""

# No `from __future__ import annotations`: the fields are read from the annotations.
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ._record import Record
from .words import (
    Action,
    CheckState,
    Class,
    ConflictKind,
    DiffSide,
    Guard,
    OriginKind,
    Outcome,
    ResolutionKind,
    Sessions,
    SessionType,
    Severity,
    Stage,
    StageStatus,
    Verb,
)


class Position(Record):
    """A place in a file."""

    line: int
    column: int
    offset: int


class Span(Record):
    """A range of a file; `end` is behind the last character."""

    start: Position
    end: Position


class Edit(Record):
    """One replacement, in bytes of the file as it is on disk."""

    start: int
    end: int
    replacement: str


class Fix(Record):
    """A change that mends a finding; all edits count from the file as it was."""

    title: str
    edits: tuple[Edit, ...]


class Diagnostic(Record):
    """One finding."""

    code: str
    name: str
    severity: Severity
    message: str
    help: str
    path: str
    project: str | None
    session: str | None
    stage: Stage | None
    span: Span | None
    fix: Fix | None

    def __str__(self) -> str:
        place = f":{self.span.start.line}:{self.span.start.column}" if self.span else ""
        return f"{self.path}{place}: {self.severity} {self.code} {self.message}"


class Summary(Record):
    """How many findings, and of what."""

    errors: int
    warnings: int
    infos: int
    sessions: int
    artifacts: int
    baselined: int
    suppressed: int


class ValidationReport(Record, kind="validation-report"):
    """The findings of a validation, ordered by project, session, path, place and code."""

    summary: Summary
    diagnostics: tuple[Diagnostic, ...]

    def is_clean(self, *, strict: bool = False) -> bool:
        """Tells whether there are no errors; with `strict`, no warnings either."""
        return self.summary.errors == 0 and not (strict and self.summary.warnings)


class ErrorInfo(Record):
    """An error as data, where one session of many failed; `IdseError.from_dict` makes it an exception."""

    kind: str
    code: int
    reason: str
    message: str
    hint: str | None
    temporary: bool
    exit: int
    context: Mapping[str, str]


class Failure(Record):
    """A session that could not be done."""

    project: str
    session: str
    error: ErrorInfo


class Progress(Record):
    """One step of a verb that takes time; `total` is `None` where nobody knows it yet."""

    doing: str
    what: str
    done: int
    total: int | None


class Version(Record, kind="version"):
    """The version of the engine."""

    name: str
    version: str


class WorkspaceInfo(Record, kind="workspace"):
    """A workspace, with the project and the session that are meant where nobody names others."""

    root: str
    project: str | None
    session: str | None


class Projects(Record, kind="projects"):
    """The projects of a workspace."""

    projects: tuple[str, ...]
    skipped: tuple[str, ...]


class Blocked(Record):
    """Why a file cannot be taken as a text."""

    reason: str
    message: str


class Artifact(Record):
    """One Markdown file of a session; `text` is `None` where there is no file, or none that can be read."""

    stage: Stage
    path: str
    status: StageStatus
    text: str | None
    digest: str | None
    object: str | None
    blocked: Blocked | None


class FileProblem(Record):
    """What is wrong with a file beside the artifacts."""

    file: str
    path: str
    message: str
    line: int | None
    column: int | None


class Session(Record, kind="session"):
    """A session as it is on disk; `metadata` is whatever its file holds."""

    project: str
    session: str
    path: str
    artifacts: tuple[Artifact, ...]
    last_agent: str | None
    last_synced: datetime | None
    metadata: Mapping[str, Any] | None
    unknown: tuple[str, ...]
    problems: tuple[FileProblem, ...]
    open_conflicts: tuple[Stage, ...]

    def __getitem__(self, stage: str) -> Artifact:
        """Returns the artifact of a stage."""
        for artifact in self.artifacts:
            if artifact.stage == stage:
                return artifact
        raise KeyError(stage)


class WriteReport(Record, kind="write-report"):
    """What a file holds now: the digest of its text, and the id of its bytes."""

    project: str
    session: str
    stage: Stage
    digest: str
    object: str


class FixedFile(Record):
    """A file that was mended."""

    path: str
    fixes: int


class FixReport(Record, kind="fix-report"):
    """The files that were mended; in a dry run: would be."""

    files: tuple[FixedFile, ...]
    dry_run: bool


class Merge(Record, kind="merge"):
    """A merge of three texts: clean, or with markers around the places where a person must decide."""

    clean: bool
    text: str
    places: int
    marker_length: int | None
    structure: str | None


class InitReport(Record, kind="init-report"):
    """The files that were made for a project or a session."""

    project: str
    session: str
    created: tuple[str, ...]
    kept: tuple[str, ...]
    dry_run: bool


class SessionSwitch(Record, kind="session-switch"):
    """The session that is the current one now."""

    project: str
    session: str


class SessionSummary(Record):
    """One session."""

    session: str
    session_type: SessionType
    parent: str | None
    status: str
    created_at: datetime | None
    owner: str | None
    current: bool
    legacy: bool


class SessionList(Record, kind="sessions"):
    """The sessions of a project, the newest first."""

    project: str
    sessions: tuple[SessionSummary, ...]
    skipped: tuple[str, ...]


class StageChange(Record, kind="stage-change"):
    """The status of a stage, before and now."""

    project: str
    session: str
    stage: Stage
    before: StageStatus
    after: StageStatus
    last_agent: str | None


class RemoteInfo(Record):
    """An agency."""

    key: str
    address: str
    guard: Guard
    sessions: Sessions


class StageLine(Record):
    """One stage of a status; `sync` is `None` where there was never a sync."""

    stage: Stage
    status: StageStatus
    errors: int
    warnings: int
    sync: Class | None
    conflict: ConflictKind | None
    push: bool
    pull: bool


class Status(Record, kind="status"):
    """How far a session has come, and how it stands to the agency."""

    project: str
    session: str
    current: bool
    project_id: str | None
    remote: RemoteInfo
    checked: bool
    last_synced: datetime | None
    last_agent: str | None
    stages: tuple[StageLine, ...]
    next: Stage | None
    unsettled: bool
    notes: tuple[str, ...]

    def __getitem__(self, stage: str) -> StageLine:
        """Returns the line of a stage."""
        for line in self.stages:
            if line.stage == stage:
                return line
        raise KeyError(stage)


class Statuses(Record, kind="statuses"):
    """The status of every session."""

    reports: tuple[Status, ...]
    skipped: tuple[str, ...]
    errors: tuple[Failure, ...]


class Step(Record):
    """One stage of a sync, with the digests of its three texts."""

    stage: Stage
    # The word of the engine is `class`, which Python keeps for itself.
    class_: Class
    action: Action
    message: str | None
    local: str | None
    base: str | None
    remote: str | None


class StatusConflict(Record):
    """Both sides set the status of a stage, differently."""

    local: StageStatus
    remote: StageStatus


class Conflict(Record):
    """A stage that needs a person; `path` is the folder that holds its texts, once a pull has opened it."""

    stage: Stage
    kind: ConflictKind
    places: int
    path: str | None
    status: StatusConflict | None


class Plan(Record, kind="plan"):
    """What a push or a pull would do, from what was last seen of the agency."""

    verb: Verb
    project: str
    session: str
    remote: RemoteInfo
    last_synced: datetime | None
    steps: tuple[Step, ...]


class SyncReport(Record, kind="sync-report"):
    """What a push or a pull did, stage by stage."""

    verb: Verb
    project: str
    session: str
    project_id: str | None
    remote: RemoteInfo
    guard: Guard
    op: str | None
    dry_run: bool
    created: bool
    outcome: Outcome
    last_synced: datetime | None
    steps: tuple[Step, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]

    @property
    def moved(self) -> tuple[Stage, ...]:
        """The stages whose text went over, in the order of the pipeline."""
        moves = {Action.SEND, Action.SEND_NULL, Action.WRITE, Action.MERGE, Action.REMOVE}
        return tuple(step.stage for step in self.steps if step.action in moves)


class SyncReports(Record, kind="sync-reports"):
    """What a push or a pull of every session did."""

    reports: tuple[SyncReport, ...]
    skipped: tuple[str, ...]
    errors: tuple[Failure, ...]


class RemoteStatus(Record, kind="remote-status"):
    """What the agency holds of a project, and what a pull or a push would move."""

    project: str
    project_id: str
    session: str | None
    remote: RemoteInfo
    last_synced: datetime | None
    stages: Mapping[Stage, StageStatus]
    last_agent: str | None
    incoming: tuple[Stage, ...]
    outgoing: tuple[Stage, ...]
    both: tuple[Stage, ...]


class Health(Record, kind="health"):
    """Whether the agency is well."""

    remote: RemoteInfo
    healthy: bool
    message: str


class SettleReport(Record, kind="settle-report"):
    """A session of which no push waits for its reply any more."""

    project: str
    session: str
    remote: RemoteInfo


class RemoteSession(Record):
    """One session of an agency; `state` is whatever its clients wrote there."""

    session: str | None
    updated_at: datetime | None
    state: Mapping[str, Any] | None


class ProjectSummary(Record):
    """One project of an agency."""

    project_id: str
    name: str
    stack: str | None
    framework: str | None
    updated_at: datetime | None
    sessions: tuple[RemoteSession, ...]


class RemoteProjects(Record, kind="remote-projects"):
    """The projects of an agency, the one written last first."""

    remote: RemoteInfo
    projects: tuple[ProjectSummary, ...]


class StageDiff(Record):
    """The unified diff of one stage, from the other side to the file; empty: an empty file came or went."""

    stage: Stage
    path: str
    diff: str


class DiffReport(Record, kind="diff-report"):
    """The stages that differ."""

    project: str
    session: str
    side: DiffSide
    stages: tuple[StageDiff, ...]


class ResolveReport(Record, kind="resolve-report"):
    """How a conflict was settled."""

    project: str
    session: str
    stage: Stage
    op: str | None
    conflict: ConflictKind
    resolution: ResolutionKind
    dry_run: bool
    object: str | None
    push: bool
    open: tuple[Stage, ...]


class UndoReport(Record, kind="undo-report"):
    """What an undo took back."""

    undone: str
    verb: Verb
    op: str | None
    dry_run: bool
    project: str
    session: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]


class LinkReport(Record, kind="link-report"):
    """The identity that a project has now."""

    project: str
    project_id: str
    name: str


class CloneReport(Record, kind="clone-report"):
    """A project that was brought in, and what each session pulled."""

    project: str
    project_id: str
    sessions: tuple[SyncReport, ...]


class RuleInfo(Record):
    """One rule; `page` explains it in Markdown."""

    code: str
    name: str
    severity: Severity
    summary: str
    page: str


class Rule(RuleInfo, kind="rule"):
    """One rule, as an answer."""


class Rules(Record, kind="rules"):
    """All rules, in order of their codes."""

    rules: tuple[RuleInfo, ...]


class Trust(Record, kind="trust"):
    """An origin that is trusted now."""

    origin: str
    added: bool


class Trusted(Record, kind="trusted"):
    """The origins that the user trusts."""

    origins: tuple[str, ...]


class Check(Record):
    """One thing that `doctor` examined."""

    name: str
    state: CheckState
    message: str
    hint: str | None


class Origin(Record):
    """Where a value came from; `name` is which option, variable or file."""

    kind: OriginKind
    name: str | None


class Setting(Record):
    """A setting in force, never a secret."""

    key: str
    value: str
    origin: Origin


class DoctorReport(Record, kind="doctor-report"):
    """What `doctor` found; `workspace` is `None` where there is none that can be used."""

    version: str
    workspace: str | None
    checks: tuple[Check, ...]
    settings: tuple[Setting, ...]
