"""The command line of the trainers: absl flags in groups, and presets as flagfiles.

A group is a module here; a trainer imports the groups it has. A preset is a flagfile in
this folder: ``--flagfile=flags/celeba.flags``. The one named like the dataset is taken
without being asked for: its values are the defaults for that dataset. A trainer that differs
from the others has one of its own, TRAINER_DATASET, whose values go over those.
"""

import itertools
import math
import os
import re
import sys

from absl import flags

FLAGS = flags.FLAGS

_FOLDER = os.path.dirname(os.path.abspath(__file__))

# What says where and how a run is written or measured, but not what is trained.
_NOT_RECORDED = (
    "run_dir",
    "resume",
    "overwrite",
    "checkpoint_seconds",
    "checkpoint_minutes",
    "checkpoints_to_keep",
    "tensorboard",
    "distribute",
    "classifier",
    "samples",
    "pictured_labels",
)


def must_be_whole_numbers(name):
    """Has a list flag refuse all but positive whole numbers, and an empty list."""
    flags.register_validator(
        name,
        lambda given: given and all(text.isdecimal() and int(text) > 0 for text in given),
        "must be positive whole numbers, separated by commas",
    )


def presets():
    """Returns the names of the shipped presets."""
    return sorted(name.removesuffix(".flags") for name in os.listdir(_FOLDER) if name.endswith(".flags"))


def parse(argv, groups, usage, trainer="", of_run=False, commands=()):
    """Parses a trainer's command line.

    The dataset's preset, where there is a dataset, comes first, the command line over it.
    Mistakes end the process with one line on stderr and exit code 2; ``--help`` prints the
    flags of the groups, with the defaults for the dataset given, and ends it with 0.

    Args:
        argv: list of str, the program's name first.
        groups: modules whose flags the trainer has.
        usage: str, printed above the flags by --help.
        trainer: str, its name, as in "csvae", for a preset of its own.
        of_run: bool, the flags of the run in --run_dir, where there is one, are defaults too.
        commands: words of which one must come first; other words may follow it.

    Returns:
        list of the words that are no flags, the command first; empty without ``commands``.
    """
    try:
        for argument in argv[1:]:
            if os.path.basename(argument.partition("=")[2]) == "flags.txt":
                _recorded(argument.partition("=")[2])
        arguments = FLAGS.read_flags_from_files(_with_presets_found(argv[1:]), force_gnu=False)
        recorded = []
        if of_run:
            path = os.path.join(_last(arguments, "run_dir") or "", "flags.txt")
            recorded = _recorded(path) if os.path.exists(path) else []
        if "dataset" in FLAGS:
            _take_preset(trainer, _last([*recorded, *arguments], "dataset") or FLAGS["dataset"].default)
        _take_defaults(recorded)
        if {"--help", "-h", "-help", "--helpfull", "--helpshort"} & set(arguments):
            print(usage.strip() + "\n")
            print("\n".join(FLAGS.module_help(group) for group in groups))
            print(f"\nPresets, --flagfile=flags/NAME.flags: {', '.join(presets())}.")
            sys.exit(0)
        left = FLAGS([argv[0], *arguments])
        words = left[1:]
        if words and not commands:
            raise flags.Error(f"Unexpected argument {words[0]!r}: flags begin with --.")
        if commands and (not words or words[0] not in commands):
            given = words[0] if words else "nothing"
            raise flags.Error(f"The first word must be one of {', '.join(commands)}. Received: {given}.")
        for group in groups:
            for flag in FLAGS.get_flags_for_module(group):
                if isinstance(flag.value, float) and not math.isfinite(flag.value):
                    raise flags.Error(f"--{flag.name}={flag.value} is not a finite number.")
        return words
    except flags.Error as error:
        message = " ".join(str(error).split())
        print(f"error: {message} (--help lists the flags.)", file=sys.stderr)
        sys.exit(2)


def _recorded(path):
    """Returns the lines of a run's flags.txt that are flags.

    Unlike other flagfiles it names no further ones: somebody else may have written it, and what a
    line that is no flag holds would be read out. What is not recorded there, such as where to
    write, counts only on the command line.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise flags.Error(f"{path} cannot be read: {error}.") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        name = line.removeprefix("--").partition("=")[0]
        if not re.fullmatch("--[a-z][a-z0-9_]*(=.*)?", line) or name in ("flagfile", "undefok"):
            raise flags.Error(f"{path}, line {number}: expected --flag=value, as a training records it.")
        if name not in _NOT_RECORDED:
            found.append(line)
    return found


def _with_presets_found(arguments):
    """Turns --flagfile=flags/NAME.flags into the shipped file where that path is not there."""
    found = []
    for argument in arguments:
        if found and found[-1] in ("--flagfile", "-flagfile"):  # in two words
            argument = f"{found.pop()}={argument}"
        name, _, path = argument.partition("=")
        shipped = os.path.join(_FOLDER, os.path.basename(path))
        is_preset = name.lstrip("-") == "flagfile" and os.path.dirname(path) == "flags"
        if is_preset and not os.path.exists(path) and os.path.exists(shipped):
            argument = f"--flagfile={shipped}"
        found.append(argument)
    return found


def _last(arguments, flag):
    """Returns the last value given to a flag on a command line, or None."""
    value = None
    for argument, following in itertools.pairwise([*arguments, None]):
        name, equals, given = argument.partition("=")
        if argument.startswith("-") and name.lstrip("-") == flag:
            value = given if equals else following
    return value


def _take_preset(trainer, dataset):
    """Takes the defaults from a dataset's presets; those of tfds:NAME are of all such."""
    dataset = dataset.partition(":")[0]
    for name in (dataset, f"{trainer}_{dataset}"):  # the trainer's own over the general one
        if name in presets():
            path = os.path.join(_FOLDER, f"{name}.flags")
            _take_defaults(FLAGS.read_flags_from_files([f"--flagfile={path}"]))


def _take_defaults(lines):
    """Makes the values in the lines of a flagfile the defaults of those of its flags that are defined."""
    for line in lines:
        name, equals, value = line.lstrip("-").partition("=")
        negated = name.removeprefix("no")
        if name == "undefok":  # for --flagfile; here what a trainer does not have is left out
            continue
        if name in FLAGS:
            FLAGS.set_default(name, value if equals else "true")
        elif negated in FLAGS:
            FLAGS.set_default(negated, "false")


def serialized(groups, trainer):
    """Returns the flagfile that repeats the run: every flag that bears on its result.

    Args:
        groups: modules whose flags the trainer has.
        trainer: str, its module, as in "trainers.csvae".
    """
    lines = [f"# python -m {trainer} --flagfile=THIS_FILE --run_dir=ANOTHER_DIRECTORY"]
    for group in groups:
        lines.append(f"# {group.__doc__.splitlines()[0]}")
        for flag in FLAGS.get_flags_for_module(group):
            if flag.name not in _NOT_RECORDED and flag.value is not None:
                lines.append(flag.serialize())
    return "\n".join(lines) + "\n"
