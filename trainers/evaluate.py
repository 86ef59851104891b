"""Measures the model of a finished run again, generative or classifier.

    python -m trainers.evaluate --run_dir=RUN
    python -m trainers.evaluate --run_dir=RUN --judge=RUN_OF_A_CLASSIFIER

The judge is that of the run, or another one. With a judge the numbers include what it sees in
samples, reconstructions and transfers, and a verdict on each label. The data are those of the run;
flags say if they are elsewhere now. Numbers, pictures and page of the run are written anew. The
model is not changed.
"""

import dataclasses
import sys

from flags import Parsed, command, parse
from tf_csvae.configs import DataConfig, EvaluationConfig
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """Run: which one."""

    run_dir: str | None = option(None, "The finished run.")


def evaluate(parsed: Parsed) -> None:
    """Evaluates a run and prints the main numbers."""
    with command.quietly():
        from tf_csvae import evaluation, runs
    run_dir, options = parsed.values["run_dir"], parsed.asked_for(DataConfig, EvaluationConfig)
    evaluation.evaluate(run_dir, **options)
    print(evaluation.summary(runs.Run(run_dir)))


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = parse(argv or sys.argv, (RunConfig, DataConfig, EvaluationConfig), __doc__)
    command.run(
        lambda: evaluate(parsed), "The run is as it was. The same command begins the evaluation anew."
    )


if __name__ == "__main__":
    main()
