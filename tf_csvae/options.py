"""The mechanism behind ``configs``: options with a type, a default, bounds and a help text.

A config is a frozen dataclass whose fields are made by ``option``. The constructor, the absl
flags, ``--help``, ``get_config`` and flags.txt all read the same field. Values of presets, the
flagfiles in ``flags/``, and of flags.txt are text; ``Option.parse`` reads them.
"""

import dataclasses
import functools
import math
import os
import types
import typing
from typing import Any, Self

from tf_csvae.errors import InputError, check_known

PRESETS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flags")


def option(default: Any, help: str, **details: Any) -> Any:
    """Declares a field of a config; ``details`` are attributes of ``Option``."""
    return dataclasses.field(default=default, metadata={"help": help, **details})


@dataclasses.dataclass(frozen=True)
class Option:
    """One field of a config.

    Attributes:
        name: of the field and of the flag.
        type: of a value, or of each value of a list: bool, int, float or str.
        many: the value is a tuple.
        optional: the value may be None.
        default: the value without any other.
        help: what the option is for: text of ``--help`` and of the documentation.
        low: least value; None: no bound.
        high: largest value; None: no bound.
        choices: the values allowed; None: all.
        recorded: in flags.txt; False for what does not bear on the result, such as a path.
    """

    name: str
    type: type
    many: bool
    optional: bool
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple | None = None
    recorded: bool = True

    def check(self, value: Any) -> Any:
        """Returns a value in the option's type; raises ``InputError`` if it is not allowed."""
        if value is None and self.optional:
            return None
        try:
            if not self.many:
                return self._check_one(value)
            if isinstance(value, str):
                raise TypeError
            return tuple(map(self._check_one, value))
        except InputError:
            raise
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"{self.name} must be {self.wanted}. Received: {value!r}.") from None

    def _check_one(self, value: Any) -> Any:
        if isinstance(value, str):
            self._check_text(value)
        converted = self.type(value)
        if not (
            isinstance(value, str) == (self.type is str)
            and converted == value
            and (self.type is str or math.isfinite(converted))
            and (self.choices is None or converted in self.choices)
            and (self.low is None or converted >= self.low)
            and (self.high is None or converted <= self.high)
            and not (self.many and self.recorded and "," in str(value))  # flags.txt would split it
        ):
            raise ValueError
        return converted

    def _check_text(self, text: str) -> None:
        """Raises ``InputError`` for a text that flags.txt could not hold, or no path could."""
        valid = "\0" not in text and len(text.splitlines()) < 2
        try:
            text.encode()
        except UnicodeEncodeError:  # bytes of the command line that are no UTF-8
            valid = False
        if not valid:
            raise InputError(
                f"{self.name} must be a text in UTF-8, of one line and without NUL. Received: {text!a}."
            )

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        if self.choices is not None:
            words = "one of " + ", ".join(map(str, self.choices))
        else:
            words = {int: "a whole number", float: "a finite number", str: "a text"}.get(
                self.type, "true or false"
            )
            words += " without a comma" if self.many and self.recorded and self.type is str else ""
        if self.low is not None and self.high is not None:
            words += f" from {self.low} to {self.high}"
        elif self.low is not None:
            words += f" of at least {self.low}"
        return f"a list, each {words}" if self.many else words

    def parse(self, text: str) -> Any:
        """Returns the value of a text, a list separated by commas; raises ``InputError``."""
        if not self.many:
            return self.check(self._parse_one(text))
        parts = text.split(",") if text else []
        return self.check(tuple(self._parse_one(part.strip()) for part in parts))

    def _parse_one(self, text: str) -> Any:
        try:
            if self.type is bool:
                return {"true": True, "false": False}[text.lower()]
            return self.type(text)
        except (ValueError, KeyError):
            raise InputError(f"{self.name} must be {self.wanted}. Received: {text!r}.") from None

    def text(self, value: Any) -> str:
        """Writes a value as ``parse`` reads it."""
        return ",".join(map(str, value)) if self.many else str(value)

    def line(self, value: Any) -> str:
        """Writes a flag with a value, as in "--epochs=3" or "--noadversarial"."""
        if self.type is bool:
            return f"--{'' if value else 'no'}{self.name}"
        return f"--{self.name}={self.text(value)}"


@dataclasses.dataclass(frozen=True)
class Config:
    """Base of all configs: raises ``InputError`` for a value that its option does not allow."""

    def __post_init__(self) -> None:
        for name, each in self.options().items():
            object.__setattr__(self, name, each.check(getattr(self, name)))

    @classmethod
    @functools.cache
    def options(cls) -> dict[str, Option]:
        """Returns {name: ``Option``} of all fields, those of base classes first."""
        hints, found = typing.get_type_hints(cls), {}
        for field in dataclasses.fields(cls):
            hint = hints[field.name]
            optional = isinstance(hint, types.UnionType)
            if optional:
                hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
            many = typing.get_origin(hint) is tuple
            base = typing.get_args(hint)[0] if many else hint
            found[field.name] = Option(field.name, base, many, optional, field.default, **field.metadata)
        return found

    @classmethod
    def preset(cls, *names: str, **changes: Any) -> Self:
        """Returns the config that presets such as "celeba" describe, later ones over earlier ones.

        ``changes`` are values over those of the presets. Flags of other configs are passed over.

        Raises:
            InputError: no such preset or option.
        """
        return cls.from_texts(preset(*names), **changes)

    @classmethod
    def from_texts(cls, texts: dict[str, str], /, **changes: Any) -> Self:
        """Returns the config of {name: text}; names of other configs are passed over."""
        for name in changes:
            check_known(name, cls.options(), f"option of {cls.__name__}")
        return cls(**{**cls.values(texts), **changes})

    @classmethod
    def values(cls, texts: dict[str, str]) -> dict[str, Any]:
        """Returns the values of {name: text} without the names of other configs."""
        known = cls.options()
        return {name: known[name].parse(text) for name, text in texts.items() if name in known}

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, for JSON and Keras configs."""
        values = {name: getattr(self, name) for name in self.options()}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    def lines(self) -> list[str]:
        """Returns the lines of a flagfile: every option that bears on the result."""
        options = self.options().values()
        values = {each: getattr(self, each.name) for each in options if each.recorded}
        return [each.line(value) for each, value in values.items() if value is not None]


def as_config(kind: type[Config], given: Config | dict | None) -> Config:
    """Returns a config from itself, from plain values as of ``to_dict``, or from None.

    Raises:
        InputError: a config of another kind, or an unknown option.
    """
    if given is None or isinstance(given, dict):
        return kind.from_texts({}, **(given or {}))
    if type(given) is not kind:  # options of a subclass would be dropped without a word
        raise InputError(
            f"config must be a {kind.__name__}. Received: a {type(given).__name__}. "
            "Each system has a config class of its own."
        )
    return given


# Presets: flagfiles in ``flags/``.


def preset_names() -> list[str]:
    """Returns the names of the presets that are shipped."""
    names = os.listdir(PRESETS) if os.path.isdir(PRESETS) else []
    return sorted(name.removesuffix(".flags") for name in names if name.endswith(".flags"))


def preset(*names: str) -> dict[str, str]:
    """Returns {flag: text} of presets, later ones over earlier ones; raises ``InputError``."""
    values = {}
    for name in names:
        check_known(name, preset_names(), "preset")
        values |= flag_values(preset_lines(os.path.join(PRESETS, f"{name}.flags")))
    return values


def preset_lines(path: str) -> list[str]:
    """Returns the flags of a flagfile, with those of the files that it includes in their place."""
    found = []
    with open(path, encoding="utf-8") as file:
        for line in map(str.strip, file):
            if line.startswith("--flagfile="):
                other = os.path.basename(line.partition("=")[2])
                found += preset_lines(os.path.join(os.path.dirname(path), other))
            elif line and not line.startswith("#"):
                found.append(line)
    return found


def flag_values(lines: list[str]) -> dict[str, str]:
    """Returns {flag: text} of the lines of a flagfile; a boolean's text is true or false."""
    values = {}
    for line in lines:
        if not line.startswith("--"):  # a comment
            continue
        name, equals, value = line.removeprefix("--").partition("=")
        if equals:
            values[name] = value
        elif name.startswith("no"):
            values[name.removeprefix("no")] = "false"
        else:
            values[name] = "true"
    return values
