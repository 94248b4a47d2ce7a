"""The exceptions: their tree, what they carry, and that they travel."""

from __future__ import annotations

import copy
import pickle
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import idse_core
import pytest
from idse_core import IdseError, errors

ALL = [getattr(errors, name) for name in errors.__all__]
BUILT_IN = {
    "InvalidArgumentError": ValueError,
    "NotFoundError": LookupError,
    "ConfigError": ValueError,
    "IoError": OSError,
    "UnauthorizedError": PermissionError,
    "UnavailableError": ConnectionError,
}


@pytest.mark.parametrize("cls", ALL)
def test_the_tree(cls: type[IdseError]) -> None:
    assert issubclass(cls, IdseError) and issubclass(cls, BUILT_IN.get(cls.__name__, Exception))
    assert getattr(idse_core, cls.__name__) is cls
    assert not issubclass(cls, (KeyboardInterrupt, SystemExit))


@pytest.mark.parametrize("cls", ALL)
def test_an_error_travels_whole(cls: type[IdseError]) -> None:
    error = cls("why", reason="because", hint="Do this.", details={"path": "a/b", "retry_after": "2.5"})
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), IdseError.from_dict(error.to_dict())):
        assert str(same) == same.message == "why"
        assert (same.reason, same.hint, same.path) == ("because", "Do this.", "a/b")
        assert dict(same.details) == dict(error.details) and same.to_dict() == error.to_dict()
        assert type(same) is cls or cls is IdseError
    if isinstance(error, idse_core.RateLimitedError):
        assert error.retry_after == 2.5
        assert idse_core.RateLimitedError("why").retry_after is None
    with pytest.raises(TypeError):
        error.details["path"] = "c"  # type: ignore[index]


def test_the_engine_raises_them_and_a_traceback_shows_the_hint() -> None:
    with pytest.raises(idse_core.NotFoundError) as caught:
        idse_core.discover()
    assert caught.value.kind == "NotFound" and caught.value.hint
    if hasattr(caught.value, "__notes__"):
        assert caught.value.hint in "".join(traceback.format_exception(caught.value))


def _fail() -> None:
    idse_core.explain("IDSE999")


def test_an_error_comes_back_from_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(idse_core.NotFoundError) as caught:
            pool.submit(_fail).result()
    assert caught.value.reason == "rule"


def test_a_kind_of_a_later_version_is_an_idse_error() -> None:
    error = IdseError.from_dict({"kind": "Weather", "code": 99, "message": "rain", "hint": None})
    assert type(error) is IdseError and str(error) == "rain" and error.path is None
