"""Searches options of CSVAE for data of your own, with Optuna, the extra "tune".

    python -m trainers.tune --dataset=table --data_path=FILE.csv --label_columns=A --trials=20

All flags of trainers.csvae are allowed; every trial has them. The search ends with a page of all
trials and a flagfile of the best one. The same command continues an interrupted search, and with
more --trials one that ended.
"""

import dataclasses
import importlib.util
import sys

from flags import Parsed, command, parse
from tf_csvae.errors import InputError
from tf_csvae.options import Config, option
from tf_csvae.settings import config_classes


@dataclasses.dataclass(frozen=True)
class TuneConfig(Config):
    """Search: of which options, for what, and where to."""

    trials: int = option(20, "Trainings in all, those of an earlier part of the search included.", low=1)
    objectives: tuple[str, ...] = option(
        ("transfer", "leak", "reconstruction"),
        "What counts: transfer, leak, reconstruction. With one of them, hopeless trials end early.",
    )
    search: tuple[str, ...] = option(
        (),
        "Options to search, as in --search=beta3=1:8,z_dim=8|16|32. Default: the learning rate and "
        "the weights, around those of the data set.",
    )
    out: str = option("runs/tuning", "Folder of the trials, the page and the flagfile.")


def tune(parsed: Parsed) -> None:
    """Runs the search and prints its table."""
    if importlib.util.find_spec("optuna") is None:
        raise InputError("trainers.tune needs Optuna: pip install -e '.[tune]'.")
    with command.quietly():
        from tf_csvae.evaluation import report
        from tf_csvae.studies import tuning
    config = parsed.config(TuneConfig)
    options = parsed.asked_for(*config_classes(tuning.SYSTEM))
    for name in ("run_dir", "resume", "overwrite"):
        if name in options:
            raise InputError(f"--{name} is of one training. Give --out, the folder of the search.")
    table = tuning.tune(config.trials, config.out, config.objectives, config.search, **options)
    print(f"{report.as_text(table)}\nPage: {config.out}/report.html")
    print(f"The best: python -m trainers.csvae --flagfile={config.out}/{tuning.BEST} --run_dir=RUN")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = parse(argv or sys.argv, (TuneConfig, *config_classes("csvae")), __doc__, "csvae")
    command.run(lambda: tune(parsed), "The same command continues the search.")


if __name__ == "__main__":
    main()
