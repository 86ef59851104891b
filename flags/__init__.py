"""The command line: configs as absl flags, and presets as flagfiles.

A preset is a flagfile in this folder: ``--flagfile=flags/celeba.flags``. The presets of a data set
(``settings.default_presets``) are its defaults and need not be named.
"""

import dataclasses
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

from absl import flags

from tf_csvae.errors import InputError
from tf_csvae.options import PRESETS, Config, Option, flag_values, preset, preset_lines, preset_names
from tf_csvae.settings import default_presets, recorded_lines

AnyConfig = TypeVar("AnyConfig", bound=Config)


@dataclasses.dataclass(frozen=True)
class Parsed:
    """A command line.

    Attributes:
        values: {flag: value} of all flags of the command.
        given: names of the flags on the command line, or in flagfiles named there.
        words: words that are no flags.
    """

    values: dict[str, Any]
    given: frozenset[str]
    words: list[str]

    def config(self, kind: type[AnyConfig]) -> AnyConfig:
        """Returns the config of a class with these values."""
        return kind(**{name: self.values[name] for name in kind.options()})

    def asked_for(self, *kinds: type[Config]) -> dict[str, Any]:
        """Returns {name: value} of the flags of some configs that were given."""
        names = {name for kind in kinds for name in kind.options()}
        return {name: self.values[name] for name in names & self.given}


class _Parser(flags.ArgumentParser):
    """Parses a flag as its option does."""

    def __init__(self, option: Option) -> None:
        super().__init__()
        self._option = option
        self.syntactic_help = "" if option.type is str and not option.choices else option.wanted

    def parse(self, argument: Any) -> Any:
        return (self._option.parse if isinstance(argument, str) else self._option.check)(argument)

    def flag_type(self) -> str:
        return self._option.type.__name__


class _Serializer(flags.ArgumentSerializer):
    """Writes a flag as its option does."""

    def __init__(self, option: Option) -> None:
        self._option = option

    def serialize(self, value: Any) -> str:
        return self._option.text(value)


def parse(
    argv: Sequence[str],
    kinds: Sequence[type[Config]],
    usage: str,
    system: str | None = None,
    commands: Sequence[str] = (),
) -> Parsed:
    """Parses the command line of a command; ends the process after ``--help`` and for mistakes.

    The presets of the data set come first, the command line over them. A mistake ends the process
    with one line on stderr and exit code 2. ``--help`` prints the flags, with the defaults for the
    data set given, and ends it with 0.

    Args:
        argv: the program's name, then its arguments.
        kinds: configs whose options are the flags. A name in several of them is one flag.
        usage: text above the flags of ``--help``.
        system: whose presets for the data set are the defaults; "": those of the data set alone;
            None: none.
        commands: words of which the first word must be one; empty: no words are allowed.
    """
    values = flags.FlagValues()
    for kind in reversed(kinds):  # the first config that has a name shows it in --help
        _define(kind, values)
    try:
        arguments = _expanded(list(argv[1:]), set(values))
        if system is not None:
            _set_presets(values, arguments, system)
        if {"--help", "-h", "-help", "--helpfull", "--helpshort"} & set(arguments):
            print(usage.strip() + "\n")
            print("\n".join(values.module_help(_title(kind)) for kind in kinds))
            presets = f"Presets, --flagfile=flags/NAME.flags: {', '.join(preset_names())}."
            print("\n" + flags.text_wrap(presets))
            sys.exit(0)
        words = values([argv[0], *arguments])[1:]
        if words and not commands:
            raise flags.Error(f"Unexpected argument {words[0]!r}: flags begin with --.")
        first = words[0] if words else "nothing"
        if commands and first not in commands:
            raise flags.Error(f"The first word must be one of {', '.join(commands)}. Received: {first}.")
        names = [name for kind in kinds for name in kind.options()]
        given = frozenset(name for name in names if values[name].present)
        return Parsed({name: values[name].value for name in names}, given, words)
    except (flags.Error, InputError) as error:
        message = " ".join(str(error).split())
        print(f"error: {message} (--help lists the flags.)", file=sys.stderr)
        sys.exit(2)


def _title(kind: type[Config]) -> str:
    return kind.__doc__.splitlines()[0].rstrip(".")


def _define(kind: type[Config], values: flags.FlagValues) -> None:
    """Defines the options of a config as flags."""
    for name, option in kind.options().items():
        what = name, option.default, option.help
        options = {"flag_values": values, "module_name": _title(kind), "allow_override": True}
        if option.type is bool:
            flags.DEFINE_boolean(*what, **options)
        else:
            flags.DEFINE(_Parser(option), *what, serializer=_Serializer(option), **options)


def _expanded(arguments: list[str], known: set[str]) -> list[str]:
    """Replaces each --flagfile by the flags in it.

    Flags of a shipped preset that this command does not have are passed over, as are the header
    and unrecorded flags of a run's flags.txt.
    """
    found = []
    pending = iter(arguments)
    for argument in pending:
        name, equals, path = argument.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            found.append(argument)
            continue
        path = path if equals else next(pending, "")
        shipped = os.path.join(PRESETS, os.path.basename(path))
        if os.path.dirname(path) == "flags" and not os.path.exists(path):
            path = shipped
        try:
            if os.path.basename(path) == "flags.txt":
                with open(path, encoding="utf-8") as file:
                    lines = recorded_lines(file.read(), path)
            elif os.path.exists(shipped) and os.path.samefile(path, shipped):
                lines = [line for line in preset_lines(path) if set(flag_values([line])) <= known]
            else:
                lines = flags.FlagValues().read_flags_from_files([f"--flagfile={path}"])
        except (OSError, UnicodeDecodeError) as error:
            raise flags.Error(f"{path} cannot be read: {error}.") from error
        found += lines
    return found


def _set_presets(values: flags.FlagValues, arguments: Sequence[str], system: str) -> None:
    """Makes the values of the data set's presets the defaults."""
    dataset = _last(arguments, "dataset") or values["dataset"].default
    guide = _last(arguments, "guide") or "auto"
    for name, text in preset(*default_presets(system, dataset, guide)).items():
        if name in values:
            values.set_default(name, text)


def _last(arguments: Sequence[str], flag: str) -> str | None:
    """Returns the last value given to a flag on a command line, or None."""
    value = None
    for argument, following in itertools.pairwise([*arguments, None]):
        name, equals, given = argument.partition("=")
        if argument.startswith("-") and name.lstrip("-") == flag:
            value = given if equals else following
    return value
