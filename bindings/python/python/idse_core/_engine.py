"""The way to the native engine: one call for every verb."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from . import _native
from ._record import Record
from .errors import InvalidArgumentError
from .reports import Progress

StrPath = str | os.PathLike[str]
OnProgress = Callable[[Progress], object]
R = TypeVar("R", bound=Record)

LOGGER = "idse_core"


def path_text(path: StrPath | None) -> str | None:
    """Returns a path as text, absolute, so that it means the same after a change of folder."""
    if path is None:
        return None
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path is a text or an os.PathLike of text, not {type(text).__name__}")
    return os.path.abspath(text)


def ask(
    answer: type[R],
    verb: str,
    /,
    *,
    progress: OnProgress | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> R:
    """Does what a verb of the engine does. `answer` is what it answers with; `None` counts as not given."""
    document = _call(verb, arguments, progress, timeout)
    return answer._of(document)


def ask_either(
    one: type[Record],
    many: type[Record],
    verb: str,
    /,
    *,
    progress: OnProgress | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> Any:
    """Does what a verb does that answers about one thing or about many: the document says which."""
    document = _call(verb, arguments, progress, timeout)
    return (many if document["kind"] == many.KIND else one)._of(document)


def _call(
    verb: str, arguments: dict[str, Any], progress: OnProgress | None, timeout: float | None
) -> dict[str, Any]:
    listener = None if progress is None else lambda step: progress(Progress._of(step))
    # Whoever wants records has imported logging; whoever has not is spared its price.
    logging = sys.modules.get("logging")
    logger = logging.getLogger(LOGGER) if logging else None
    begin = perf_counter()
    try:
        document = _native.call(verb, arguments, listener, timeout)
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"an argument of `{verb}` has characters that are not Unicode: {error.object!r}",
            reason="schema",
            hint="The engine takes paths and texts that can be written as UTF-8.",
        ) from None
    except Exception as error:
        if logger:
            logger.debug("%s failed after %.1f ms: %s", verb, _ms(begin), error)
        raise
    if logger:
        logger.debug("%s took %.1f ms", verb, _ms(begin))
        for note in document.get("notes") or ():
            logger.info("%s %s/%s: %s", verb, document["project"], document["session"], note)
    return document


def _ms(begin: float) -> float:
    return (perf_counter() - begin) * 1000
