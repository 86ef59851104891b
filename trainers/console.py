"""All commands under one name: ``tf-csvae COMMAND --FLAG=VALUE ...``.

``tf-csvae csvae --dataset=celeba`` is ``python -m trainers.csvae --dataset=celeba``.
"""

import importlib
import sys

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
    "apply": "export.apply",
    "export": "export.saved_model",
    "check": "export.check",
    "client": "export.client",
}


def main(argv: list[str] | None = None) -> None:
    """Runs the command that the first word names; exits with 2 without one."""
    program, *words = argv or sys.argv
    if words and words[0] in COMMANDS:
        module = importlib.import_module(COMMANDS[words[0]])
        module.main([f"{program} {words[0]}", *words[1:]])
        return
    usage = f"usage: tf-csvae COMMAND --FLAG=VALUE ...\ncommands: {', '.join(COMMANDS)}"
    if words and words[0] in ("--help", "-h"):
        print(f"{usage}\ntf-csvae COMMAND --help lists the flags of a command.")
        return
    print(usage, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
