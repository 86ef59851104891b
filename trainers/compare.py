"""Compares finished runs on one page: the tables of the student report, and all pictures.

    python -m trainers.compare --run_dirs=A,B,C --out=DIR
    python -m trainers.compare --run_dirs=A,B,C --judge=RUN_OF_A_CLASSIFIER --out=DIR

Without --judge it is the one that the runs share. A run that this judge has not measured yet is
evaluated first, as trainers.evaluate does it. Runs that differ only in their seeds count as one
system: mean ± standard deviation.
"""

import dataclasses
import sys

from flags import Parsed, command, parse
from tf_csvae.configs import EvaluationConfig
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class CompareConfig(Config):
    """Comparison: which runs, and where to."""

    run_dirs: tuple[str, ...] = option((), "The finished runs to compare.")
    out: str = option("runs/comparison", "Folder for metrics.json, the figures and the page.")


def compare(parsed: Parsed) -> None:
    """Compares runs and prints the main numbers."""
    with command.quietly():
        from tf_csvae import evaluation
        from tf_csvae.evaluation import report
    config = parsed.config(CompareConfig)
    options = parsed.asked_for(EvaluationConfig)
    systems = evaluation.compare(config.run_dirs, out=config.out, **options)
    print(report.as_text(report.side_by_side(systems)))
    print(f"Numbers: {config.out}/metrics.json\nPage: {config.out}/report.html")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = parse(argv or sys.argv, (CompareConfig, EvaluationConfig), __doc__)
    command.run(lambda: compare(parsed), "Finished evaluations stay. The same command goes on after them.")


if __name__ == "__main__":
    main()
