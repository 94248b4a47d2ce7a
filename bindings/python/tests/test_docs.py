"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import idse_core
import pytest

MODULES = ["idse_core", *(each.name for each in pkgutil.walk_packages(idse_core.__path__, "idse_core."))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("_native")])
def test_docstrings(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_there_are_many() -> None:
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(name) for name in MODULES]
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) >= 40


def test_everything_public_says_what_it_is() -> None:
    for name in idse_core.__all__:
        each = getattr(idse_core, name)
        assert name == "__version__" or (each.__doc__ or "").strip(), name
