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


class InvalidArgumentError(IdseError, ValueError):
    """An argument is wrong. Correct the call; nothing was changed."""

    kind, code, exit = "InvalidArgument", 10, 2


class NotFoundError(IdseError, LookupError):
    """What was named does not exist."""

    kind, code, exit = "NotFound", 11, 6


class InvalidWorkspaceError(IdseError):
    """The folder is no usable workspace. `doctor` says how to mend it."""

    kind, code, exit = "InvalidWorkspace", 12, 2


class ConfigError(IdseError, ValueError):
    """A configuration value cannot be used. The message names the file and the key."""

    kind, code, exit = "InvalidConfig", 13, 2


class ExistsError(IdseError):
    """What should be created is already there, or has changed. Nothing was overwritten."""

    kind, code, exit = "Exists", 14, 2


class IoError(IdseError, OSError):
    """The local disk refused."""

    kind, code, exit = "Io", 20, 2


class LockedError(IdseError):
    """Another process holds the workspace or the agency file. Try again."""

    kind, code, temporary, exit = "Locked", 21, True, 4


class UnauthorizedError(IdseError, PermissionError):
    """The other side does not let this caller in, or is not trusted yet."""

    kind, code, exit = "Unauthorized", 30, 5


class RateLimitedError(IdseError):
    """The other side asks to slow down. Try again after `retry_after` seconds."""

    kind, code, temporary, exit = "RateLimited", 31, True, 4

    @property
    def retry_after(self) -> float | None:
        """How many seconds to wait, where the other side said so."""
        try:
            return float(self.details["retry_after"])
        except (KeyError, ValueError):
            return None


class UnavailableError(IdseError, ConnectionError):
    """The other side did not answer, or could not do it now. Nothing was written. Try again."""

    kind, code, temporary, exit = "Unavailable", 32, True, 4


class ProtocolError(IdseError):
    """The other side answered something that is not the protocol."""

    kind, code, exit = "Protocol", 33, 4


class UnsettledError(IdseError):
    """A write was sent and its reply was lost. The next sync verb finds out what happened."""

    kind, code, temporary, exit = "Unsettled", 34, True, 4


class CancelledError(IdseError):
    """The caller cancelled."""

    kind, code, exit = "Cancelled", 41, 130


class InternalError(IdseError):
    """A defect of the engine."""


def _tree(cls: type[IdseError]) -> list[type[IdseError]]:
    return [cls, *(each for sub in cls.__subclasses__() for each in _tree(sub))]


_BY_KIND = {cls.kind: cls for cls in _tree(IdseError)}


def _restore(
    cls: type[IdseError], message: str, reason: str, hint: str | None, details: Mapping[str, str]
) -> IdseError:
    return cls(message, reason=reason, hint=hint, details=details)
