from collections.abc import Callable
from typing import Any, Final

__all__ = ["TESTING", "VERSION", "call"]

VERSION: Final[str]
TESTING: Final[bool]

def call(
    verb: str,
    arguments: dict[str, Any],
    progress: Callable[[dict[str, Any]], object] | None = None,
    timeout: float | None = None,
) -> dict[str, Any]: ...
