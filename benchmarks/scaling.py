"""Training steps of CSVAE on several replicas: weak and strong scaling, and the all-reduce.

    python -m benchmarks.scaling --dataset=celeba --replicas=1,2,4
    TF_CONFIG=... python -m benchmarks.scaling      (on every worker)

On one machine the replicas are its GPUs. Without GPUs they are logical CPUs that share the cores,
which shows what dividing a step costs, not what more hardware gains. Model, image size and batch
(strong scaling: of all replicas; weak: of each) are those of the data set's preset. Images are
random and stay in memory, so no input is measured. On one machine each number of replicas has a
process of its own, and they step in turns. The all-reduce is that of one tensor per weight of the
model, timed by itself.
"""

import contextlib
import dataclasses
import statistics
import sys
from typing import Any

from benchmarks import turns
from flags import command, parse
from tf_csvae.configs import CSVAEConfig, DataConfig
from tf_csvae.options import Config, option
from tf_csvae.training.tf_config import place

# Turns that do not count.
WARM = 2


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(Config):
    """Benchmark of scaling: on how many replicas, and how often."""

    replicas: tuple[int, ...] = option(
        (1, 2), "Numbers of replicas on this machine; several workers: all of them.", low=1
    )
    label_count: int = option(18, "Binary labels of an image.", low=1)
    timed_steps: int = option(10, "Steps that are timed of each.", low=1)
    distribute: str = option(
        "auto",
        "auto: the workers in TF_CONFIG if it has several, otherwise replicas of this machine; "
        "multi_worker: the workers in TF_CONFIG.",
        choices=("auto", "multi_worker"),
    )


def options_of(argv: list[str]) -> tuple[BenchmarkConfig, dict[str, Any]]:
    """Returns the benchmark's config and the options of CSVAE, by default those for CelebA."""
    program, *arguments = argv
    argv = [program, "--dataset=celeba", *arguments]
    parsed = parse(argv, (BenchmarkConfig, DataConfig, CSVAEConfig), __doc__, "csvae")
    return parsed.config(BenchmarkConfig), parsed.asked_for(DataConfig, CSVAEConfig)


def benchmark(config: BenchmarkConfig, options: dict[str, Any]) -> None:
    """Times the steps and prints the table.

    Args:
        config: on how many replicas, and how often.
        options: of CSVAE, as in ``settings``.
    """
    workers, own_place = place(config.distribute)
    with command.quietly():
        from benchmarks.scaling_step import turner
        from tf_csvae.evaluation import report
        from tf_csvae.training.cluster import Cluster

    count = WARM + config.timed_steps
    if config.distribute == "multi_worker" or workers > 1:
        facts, turn = turner(Cluster("multi_worker"), options, config.label_count)
        found = [(facts, [turn() for _ in range(count)][WARM:])]
    else:
        make = "benchmarks.scaling_step:on_this_machine"
        with contextlib.ExitStack() as stack:
            sides = [
                stack.enter_context(turns.Side(make, options, config.label_count, replicas))
                for replicas in sorted(set(config.replicas))
            ]
            found = [(side.facts, []) for side in sides]
            for turn in range(count):
                for side, (_, results) in zip(sides, found, strict=True):
                    side.turn(1)
                    results += side.results if turn >= WARM else []
    rows = [["scaling", "replicas", "batch", "step ms", "images/s", "efficiency", "all-reduce"]]
    for variant, scaling in enumerate(("strong", "weak")):
        alone = None
        for facts, results in found:
            replicas, batch = facts["replicas"], facts["batches"][variant]
            steps, reduces = zip(*(result[variant] for result in results), strict=True)
            seconds = statistics.median(steps)
            each = batch / seconds / replicas
            alone = alone or each
            rows.append(
                [
                    scaling,
                    str(replicas),
                    str(batch),
                    f"{1000 * seconds:.0f}",
                    f"{batch / seconds:.1f}",
                    f"{each / alone:.2f}",
                    "–" if reduces[0] is None else f"{statistics.median(reduces) / seconds:.1%}",
                ]
            )
    if own_place == 0:
        print(report.as_text(report.Table("", rows)))


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config, options = options_of(argv or sys.argv)
    command.run(lambda: benchmark(config, options), "A benchmark writes nothing.")


if __name__ == "__main__":
    main()
