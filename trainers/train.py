"""The command of every system: flags to settings, ``tf_csvae.fit``, exit code."""

import sys

from flags import command, parse
from tf_csvae.settings import Settings, config_classes


def main(system: str, usage: str, argv: list[str] | None = None) -> None:
    """Trains a system as the command line says; ``usage`` is above the flags of ``--help``."""
    parsed = parse(argv or sys.argv, config_classes(system), usage, system)
    overwrite = ", without --overwrite," if parsed.values["overwrite"] else ""

    def train() -> None:
        # Imported here, so that --help answers at once.
        from tf_csvae.training import fit

        result = fit(Settings.of(system, parsed.values, parsed.given))
        if result.metrics:  # a worker that is not the chief has none
            print(result.summary())

    command.run(train, f"The same command{overwrite} continues from the last checkpoint.")
