"""All commands under one name: ``tf-csvae COMMAND --FLAG=VALUE ...``.

``tf-csvae csvae --dataset=celeba`` is ``python -m trainers.csvae --dataset=celeba``.
"""

import importlib
import sys

from tf_csvae.errors import InputError, check_known

COMMANDS = {
    "csvae": "trainers.csvae",
    "condvae": "trainers.condvae",
    "condvae_info": "trainers.condvae_info",
    "vae": "trainers.vae",
    "classifier": "trainers.classifier",
    "inspect": "trainers.inspect",
    "evaluate": "trainers.evaluate",
    "compare": "trainers.compare",
    "swiss_roll_study": "trainers.swiss_roll_study",
    "tune": "trainers.tune",
    "apply": "export.apply",
    "explore": "export.explore",
    "publish": "export.publish",
    "export": "export.saved_model",
    "check": "export.check",
    "client": "export.client",
}


def main(argv: list[str] | None = None) -> None:
    """Runs the command that the first word names; ends with 2 without one."""
    program, *words = argv or sys.argv
    name = words[0] if words else "--help"
    if name in ("--help", "-h"):
        usage = f"usage: tf-csvae COMMAND --FLAG=VALUE ...\ncommands: {', '.join(COMMANDS)}"
        print(f"{usage}\ntf-csvae COMMAND --help lists the flags of a command.")
        sys.exit(0 if words else 2)
    try:
        check_known(name, COMMANDS, "command")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    importlib.import_module(COMMANDS[name]).main([f"{program} {name}", *words[1:]])


if __name__ == "__main__":
    main()
