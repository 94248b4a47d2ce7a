"""What is raised when something could not be done.

Findings and conflicts are answers, not errors: they are in the reports. Every exception here is an
`IdseError`, and most are also the built-in exception that a Python program would catch in that place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

__all__ = [
    "CancelledError",
    "ConfigError",
    "ExistsError",
    "IdseError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidWorkspaceError",
    "IoError",
    "LockedError",
    "NotFoundError",
    "ProtocolError",
    "RateLimitedError",
    "UnauthorizedError",
    "UnavailableError",
    "UnsettledError",
]


_BY_KIND: dict[str, type[IdseError]] = {}


class IdseError(Exception):
    """Anything that the engine could not do.

    >>> try:
    ...     import idse_core
    ...     idse_core.explain("IDSE999")
    ... except IdseError as error:
    ...     print(error.kind, error.code, error.reason)
    NotFound 11 rule
    """

    kind: ClassVar[str] = "Internal"
    """What kind of failure, by its stable name; the same word through every door of the engine."""
    code: ClassVar[int] = 90
    """The number of the kind."""
    temporary: ClassVar[bool] = False
    """Whether the same call may succeed later without a change by the caller."""
    exit: ClassVar[int] = 70
    """What a command line ends with for it."""

    message: str
    """What went wrong, where and why."""
    reason: str
    """A stable word that is finer than the kind; empty where the kind says it all."""
    hint: str | None
    """What to do about it."""
    details: Mapping[str, str]
    """What it is about, by key: `path`, `project`, `session`, `stage` and others."""

    def __init_subclass__(
        cls,
        *,
        kind: str | None = None,
        code: int = code,
        exit: int = exit,
        temporary: bool = False,
    ) -> None:
        if kind is not None:
            cls.kind, cls.code, cls.exit, cls.temporary = kind, code, exit, temporary
            _BY_KIND[kind] = cls

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        hint: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint
        self.details = MappingProxyType(dict(details or {}))
        # A traceback shows notes (from Python 3.11 on): nobody has to catch the error to learn what to do.
        if hint is not None and hasattr(self, "add_note"):
            self.add_note(hint)

    @property
    def path(self) -> str | None:
        """The file or folder that it is about."""
        return self.details.get("path")

    def to_dict(self) -> dict[str, object]:
        """Returns the error as every door prints it in JSON."""
        return {
            "kind": self.kind,
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "hint": self.hint,
            "temporary": self.temporary,
            "exit": self.exit,
            "context": dict(self.details),
        }

    @classmethod
    def from_dict(cls, error: Mapping[str, object]) -> IdseError:
        """Makes the exception of an error in JSON; a kind that this version does not know is an `IdseError`.

        >>> IdseError.from_dict({"kind": "Locked", "message": "somebody is at work"})
        LockedError('somebody is at work')
        """
        kind = _BY_KIND.get(str(error.get("kind")), IdseError)
        hint, details = error.get("hint"), error.get("context")
        return kind(
            str(error.get("message", "")),
            reason=str(error.get("reason", "")),
            hint=None if hint is None else str(hint),
            details={str(k): str(v) for k, v in details.items()} if isinstance(details, Mapping) else None,
        )

    def __str__(self) -> str:
        # The built-in classes beside this one would put their own fields around it.
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.message, self.reason, self.hint, dict(self.details))


class InvalidArgumentError(IdseError, ValueError, kind="InvalidArgument", code=10, exit=2):
    """An argument is wrong. Correct the call; nothing was changed."""


class NotFoundError(IdseError, LookupError, kind="NotFound", code=11, exit=6):
    """What was named does not exist."""


class InvalidWorkspaceError(IdseError, kind="InvalidWorkspace", code=12, exit=2):
    """The folder is no usable workspace. `doctor` says how to mend it."""


class ConfigError(IdseError, ValueError, kind="InvalidConfig", code=13, exit=2):
    """A configuration value cannot be used. The message names the file and the key."""


class ExistsError(IdseError, kind="Exists", code=14, exit=2):
    """What should be created is already there, or has changed. Nothing was overwritten."""


class IoError(IdseError, OSError, kind="Io", code=20, exit=2):
    """The local disk refused."""


class LockedError(IdseError, kind="Locked", code=21, exit=4, temporary=True):
    """Another process holds the workspace or the agency file. Try again."""


class UnauthorizedError(IdseError, PermissionError, kind="Unauthorized", code=30, exit=5):
    """The other side does not let this caller in, or is not trusted yet."""


class RateLimitedError(IdseError, kind="RateLimited", code=31, exit=4, temporary=True):
    """The other side asks to slow down. Try again after `retry_after` seconds."""

    @property
    def retry_after(self) -> float | None:
        """How many seconds to wait, where the other side said so."""
        try:
            return float(self.details["retry_after"])
        except (KeyError, ValueError):
            return None


class UnavailableError(IdseError, ConnectionError, kind="Unavailable", code=32, exit=4, temporary=True):
    """The other side did not answer, or could not do it now. Nothing was written. Try again."""


class ProtocolError(IdseError, kind="Protocol", code=33, exit=4):
    """The other side answered something that is not the protocol."""


class UnsettledError(IdseError, kind="Unsettled", code=34, exit=4, temporary=True):
    """A write was sent and its reply was lost. The next sync verb finds out what happened."""


class CancelledError(IdseError, kind="Cancelled", code=41, exit=130):
    """The caller cancelled."""


class InternalError(IdseError, kind="Internal", code=90, exit=70):
    """A defect of the engine."""


def _restore(
    cls: type[IdseError], message: str, reason: str, hint: str | None, details: Mapping[str, str]
) -> IdseError:
    return cls(message, reason=reason, hint=hint, details=details)
