"""Figures 1 to 3 of the student report, and ours: four systems on the swiss roll, over seeds.

    python -m trainers.swiss_roll_study

Trains VAE, CSVAE without adversary, CSVAE, and CSVAE with the objective as published. A finished
run is not trained again. report.html has a table and the planes of the latent codes.
"""

import dataclasses
import sys

from flags import command, parse
from tf_csvae.configs import SEED, GenerativeTrainingConfig, VAEConfig
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class StudyConfig(Config):
    """Study: its seeds, and where to."""

    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds of each system.", low=0, high=SEED)
    published_seeds: tuple[int, ...] = option(
        (0, 1, 2, 3, 4), "Seeds of CSVAE with the objective as published.", low=0, high=SEED
    )
    out: str = option("runs/swiss_roll_study", "Folder of the runs and the page.")
    run_flag: tuple[str, ...] = option(
        (), "Flags of every training, as in --run_flag=--epochs=2,--hidden=8,8."
    )


def study(config: StudyConfig, options: dict) -> None:
    """Runs the study and prints its table."""
    with command.quietly():
        from tf_csvae.evaluation import report
        from tf_csvae.studies import swiss_roll
    table = swiss_roll.study(config.seeds, config.published_seeds, config.out, options)
    print(f"{report.as_text(table)}\nPage: {config.out}/report.html")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    program, *_ = argv = argv or sys.argv
    config = parse(argv, (StudyConfig,), __doc__).config(StudyConfig)
    run_flags = ",".join(config.run_flag).replace(",--", "\n--").splitlines()
    of_runs = parse([program, *run_flags], (VAEConfig, GenerativeTrainingConfig), __doc__)
    options = of_runs.asked_for(VAEConfig, GenerativeTrainingConfig)
    command.run(lambda: study(config, options), "The same command goes on where it was.")


if __name__ == "__main__":
    main()
