"""Settings with what is allowed (`src/config/field.ts`)."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

from .errors import AskError

Value = int | float | str
Values = Mapping[str, Value]


class Number(NamedTuple):
    """A number from `least` to `most`."""

    default: float
    least: float
    most: float
    is_whole: bool = True

    def allows(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            return False
        return self.least <= value <= self.most and (not self.is_whole or value == int(value))

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number from {self.least} to {self.most}"


class Choice(NamedTuple):
    default: str
    options: tuple[str, ...]

    def allows(self, value: object) -> bool:
        return value in self.options

    def __str__(self) -> str:
        return f"one of {', '.join(self.options)}"


Field = Number | Choice


def parse(fields: Mapping[str, Field], given: object, where: str) -> dict[str, Value]:
    """The values with defaults for those that are left out. AskError `config/invalid` that names the setting and what is allowed."""
    if not isinstance(given, Mapping):
        raise AskError("config/invalid", f"The settings are {given!r} and not names with values.", where, "Give them by name.")
    for name, value in given.items():
        if name not in fields:
            cure = f"Settings here are {', '.join(fields)}." if fields else "There are no settings here."
            raise AskError("config/invalid", "There is no such setting.", f"{where}.{name}", cure)
        if not fields[name].allows(value):
            raise AskError("config/invalid", f"The value {value!r} is not allowed.", f"{where}.{name}", f"Give {fields[name]}.")
    parsed = {name: given.get(name, field.default) for name, field in fields.items()}
    return {name: plain(fields[name], value) for name, value in parsed.items()}


def plain(field: Field, value: Value) -> Value:
    """A number of NumPy as one of Python, which JSON holds; a whole one as int."""
    if not isinstance(field, Number) or (isinstance(value, int | float) and not field.is_whole):
        return value
    return int(value) if field.is_whole else float(value)
