"""The words that the engine uses in its answers, as enumerations whose members are texts.

>>> Stage.SPEC == "spec", f"{Stage.SPEC}", StageStatus("in_progress")
(True, 'spec', <StageStatus.IN_PROGRESS: 'in_progress'>)
"""

from ._record import Word

__all__ = [
    "Action",
    "CheckState",
    "Class",
    "ConflictKind",
    "DiffSide",
    "Guard",
    "OriginKind",
    "Outcome",
    "ResolutionKind",
    "SessionType",
    "Sessions",
    "Severity",
    "Stage",
    "StageStatus",
    "Verb",
]


class Stage(Word):
    """One of the seven stages of a session, in the order of the pipeline."""

    INTENT = "intent"
    CONTEXT = "context"
    SPEC = "spec"
    PLAN = "plan"
    TASKS = "tasks"
    IMPLEMENTATION = "implementation"
    FEEDBACK = "feedback"


class StageStatus(Word):
    """How far a stage is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"


class Severity(Word):
    """How much a finding matters; a rule that is `off` finds nothing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    OFF = "off"


class SessionType(Word):
    """What a session is for."""

    BLUEPRINT = "blueprint"
    FEATURE = "feature"
    EXPLORATORY = "exploratory"


class Class(Word):
    """How the local text, the base and the remote text of a stage stand to each other."""

    IN_SYNC = "in_sync"
    LOCAL_CHANGE = "local_change"
    REMOTE_CHANGE = "remote_change"
    SAME_CHANGE = "same_change"
    BOTH_CHANGED = "both_changed"
    DELETED_HERE = "deleted_here"
    DELETE_EDIT = "delete_edit"
    CLEARED_THERE = "cleared_there"
    EDIT_CLEAR = "edit_clear"
    BOTH_GONE = "both_gone"
    NEW_HERE = "new_here"
    NEW_THERE = "new_there"
    ADOPT = "adopt"
    BOTH_ADDED = "both_added"
    UNMAPPED = "unmapped"
    BLOCKED = "blocked"
    SUSPICIOUS = "suspicious"


class Action(Word):
    """What a sync does with a stage."""

    NONE = "none"
    SEND = "send"
    SEND_NULL = "send_null"
    WRITE = "write"
    MERGE = "merge"
    REMOVE = "remove"
    RECORD = "record"
    STATUS = "status"
    LEAVE = "leave"
    CONFLICT = "conflict"
    REFUSE = "refuse"


class ConflictKind(Word):
    """What kind of decision a conflict needs."""

    BOTH_CHANGED = "both_changed"
    BOTH_ADDED = "both_added"
    DELETE_EDIT = "delete_edit"
    EDIT_CLEAR = "edit_clear"
    STATUS = "status"
    UNSETTLED = "unsettled"


class Outcome(Word):
    """How a sync ended."""

    DONE = "done"
    UP_TO_DATE = "up_to_date"
    REFUSED = "refused"
    CONFLICT = "conflict"


class Verb(Word):
    """What an operation was."""

    PUSH = "push"
    PULL = "pull"
    CLONE = "clone"
    RESOLVE = "resolve"
    UNDO = "undo"
    SETTLE = "settle"


class Guard(Word):
    """How strongly an agency guards a write against somebody who comes in between."""

    ROW_VERSION = "row_version"
    UPDATED_AT = "updated_at"
    NONE = "none"


class Sessions(Word):
    """How many sessions of a project an agency holds."""

    ONE = "one"
    MANY = "many"


class ResolutionKind(Word):
    """The answer that a person gave to a conflict."""

    LOCAL = "local"
    REMOTE = "remote"
    MERGED = "merged"
    TEXT = "text"


class DiffSide(Word):
    """What the files were compared with."""

    BASE = "base"
    REMOTE = "remote"


class CheckState(Word):
    """How a check of `doctor` came out."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class OriginKind(Word):
    """Where a setting came from."""

    FLAG = "flag"
    ENV = "env"
    FILE = "file"
    DEFAULT = "default"
