"""How a JSON document of the engine becomes a frozen object, and the object a document again.

A record keeps the document that it was made of, and reads it when it is first asked for a field. So `to_dict`
gives back exactly what the engine said, to the last digit of a time stamp, equality, hash and pickle need no
second opinion about what a field means, and nobody waits for what is not looked at.
"""

# Annotations are values here, the fields are read from them: no `from __future__ import annotations`.
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from enum import Enum
from types import GenericAlias, MappingProxyType, UnionType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Tells type checkers that the annotations of a class are its constructor; nothing at run time."""
        return lambda cls: cls


_E = TypeVar("_E", bound="Word")


class Word(str, Enum):
    """A word out of a list, which equals and prints as the text that it is."""

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, format_spec: str) -> str:
        return format(str(self.value), format_spec)

    if TYPE_CHECKING:

        def __new__(cls, value: object) -> Self: ...

    @classmethod
    def read(cls: type[_E], text: str) -> _E:
        """Returns the word; one that only a later version knows stays a plain text."""
        return cast("_E", cls._value2member_map_.get(text, text))


def moment(text: str) -> datetime | None:
    """Reads a time; one without a zone is local time, as the existing tools write it.

    >>> moment("2026-01-10T15:30:00.5+00:00").isoformat()
    '2026-01-10T15:30:00.500000+00:00'
    >>> moment("yesterday") is None
    True
    """
    text = text.strip()
    if text[-1:] in ("Z", "z"):
        text = text[:-1] + "+00:00"
    head, dot, rest = text.partition(".")
    if dot:
        # Before 3.11, datetime reads three or six digits and no others.
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{head}.{rest[:digits][:6]:0<6}{rest[digits:]}"
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """Returns what makes a value of this type of its JSON; `None`: the JSON is the value."""
    if isinstance(kind, UnionType):
        (inner,) = (arg for arg in kind.__args__ if arg is not type(None))
        present = _reader(inner)
        return None if present is None else lambda value: None if value is None else present(value)
    if isinstance(kind, GenericAlias) and kind.__origin__ is tuple:
        item = _reader(kind.__args__[0])
        return tuple if item is None else lambda value: tuple(map(item, value))
    if isinstance(kind, GenericAlias):
        key, each = (_reader(arg) or deepcopy for arg in kind.__args__)
        return lambda value: MappingProxyType({key(k): each(v) for k, v in value.items()})
    if kind is datetime:
        return moment
    if isinstance(kind, type) and issubclass(kind, Word):
        return kind.read
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind._of
    return None


def _field(name: str) -> property:
    return property(lambda self: self._read()[name])


def _key(name: str) -> str:
    """Returns the field of an attribute."""
    return name.rstrip("_")


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, Record):
        return value._document
    if isinstance(value, Word):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    return value


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return frozenset((key, _hashable(each)) for key, each in value.items())
    return value


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen object with the fields of one JSON form. It keeps fields that this version does not know.

    An attribute bears the name of its field; a name that Python keeps for itself ends in `_`.
    """

    __slots__ = ("_document", "_values")

    KIND: ClassVar[str | None] = None
    """The word in `kind`, where the form is a document of its own."""
    _readers: ClassVar[dict[str, Callable[[Any], Any] | None]] = {}
    _optional: ClassVar[frozenset[str]] = frozenset()

    if TYPE_CHECKING:
        _document: dict[str, Any]
        _values: dict[str, Any] | None

    def __init_subclass__(cls, kind: str | None = None) -> None:
        own = {name: type_ for name, type_ in cls.__annotations__.items() if not name.startswith("_")}
        cls.KIND = kind
        cls._readers = {**cls._readers, **{name: _reader(type_) for name, type_ in own.items()}}
        cls._optional |= {name for name, type_ in own.items() if isinstance(type_, UnionType)}
        setattr(cls, "__match_args__", tuple(cls._readers))  # noqa: B010 - type checkers know their own
        for name in own:
            setattr(cls, name, _field(name))

    def __init__(self, *values: Any, **fields: Any) -> None:
        fields = {**dict(zip(self._readers, values, strict=False)), **fields}
        if len(values) > len(self._readers):
            raise TypeError(f"{type(self).__name__} has {len(self._readers)} fields, not {len(values)}")
        missing = self._readers.keys() - fields.keys()
        unknown = fields.keys() - self._readers.keys()
        if missing or unknown:
            what, names = ("misses", missing) if missing else ("has no", unknown)
            raise TypeError(f"{type(self).__name__} {what} {', '.join(sorted(names))}")
        document = {_key(name): _plain(fields[name]) for name in self._readers}
        head = {"schema": 1, "kind": self.KIND} if self.KIND else {}
        self._keep({**head, **document})

    @classmethod
    def _of(cls, document: dict[str, Any]) -> "Self":
        """Makes the object of a document that nobody else holds."""
        self = object.__new__(cls)
        self._keep(document)
        return self

    def _keep(self, document: dict[str, Any]) -> None:
        object.__setattr__(self, "_document", document)
        object.__setattr__(self, "_values", None)

    def _read(self) -> dict[str, Any]:
        """Returns the values of the fields; threads that ask at once read the same."""
        if self._values is not None:
            return self._values
        values = {}
        for name, read in self._readers.items():
            try:
                value = self._document[_key(name)]
            except KeyError:
                if name not in self._optional:
                    raise ValueError(f"not a {type(self).__name__}: it has no `{_key(name)}`") from None
                value = None
            values[name] = read(value) if read else value
        object.__setattr__(self, "_values", values)
        return values

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Self":
        """Makes the object of its JSON form."""
        self = cls._of(deepcopy(dict(document)))
        self._read()
        return self

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON form, exactly as the engine gave it."""
        return deepcopy(self._document)

    def __replace__(self, **changes: Any) -> "Self":
        unknown = changes.keys() - self._readers.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        changed = {_key(name): _plain(value) for name, value in changes.items()}
        return self._of({**deepcopy(self._document), **changed})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot delete {name}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(other) is not type(self):
            return NotImplemented
        return self._document == other._document

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self._document)))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self)._of, (self._document,)

    def __copy__(self) -> "Self":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Self":
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={_shown(v)}' for k, v in self._read().items())})"

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        yield from self._read().items()


def _shown(value: Any) -> str:
    if isinstance(value, Word):
        return repr(value.value)
    if isinstance(value, tuple):
        inner = ", ".join(map(_shown, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, MappingProxyType):
        return "{" + ", ".join(f"{_shown(k)}: {_shown(v)}" for k, v in value.items()) + "}"
    return repr(value)
