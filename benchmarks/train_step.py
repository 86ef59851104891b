"""Images per second of a training step, CSVAE's beside a twin in PyTorch.

    python -m benchmarks.train_step
    python -m benchmarks.train_step --systems=csvae --presets=celeba_report --batch_sizes=64

Images and labels are random and stay in memory: the step alone is timed, as ``fit`` calls it. Each
side runs in a process of its own, on all cores, in turns with the others. The twin
(``torch_csvae``) runs eagerly and compiled by ``torch.compile``, with images channels-last, its
faster layout. PyTorch is no dependency: without it (``pip install torch``) there is no twin.
"""

import contextlib
import dataclasses
import importlib.util
import statistics
import sys
from typing import Any

from benchmarks import turns
from flags import command, parse
from tf_csvae.options import Config, option
from tf_csvae.settings import config_classes

PRESETS = ("celeba_report", "celeba", "celeba_128", "celeba_guide")
# Systems whose training of faces has a guide.
GUIDED = ("csvae", "condvae")
SYSTEMS = ("csvae", "vae", "condvae", "condvae_info", "classifier")


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(Config):
    """Benchmark of the training step: what is trained, and how often."""

    systems: tuple[str, ...] = option(SYSTEMS, "Systems whose step is timed.", choices=SYSTEMS)
    presets: tuple[str, ...] = option(
        PRESETS,
        "Networks: celeba_report, those of the student report; celeba, the default for faces; "
        "celeba_128, the same for faces of 128 x 128 pixels; celeba_guide, the default for faces with "
        "its guide, beside the same without it.",
        choices=PRESETS,
    )
    batch_sizes: tuple[int, ...] = option((64, 128), "Examples of a step.", low=1)
    rounds: int = option(5, "Turns of each side.", low=1)
    steps: int = option(3, "Steps of a turn.", low=1)
    peer: bool = option(True, "Time the twin of CSVAE in PyTorch, if that is installed.")


def options_of(system: str, preset: str) -> dict[str, Any] | None:
    """Returns the options of a system for one of ``PRESETS``; None: it has no such network."""
    if preset == "celeba_guide":
        return {"dataset": "celeba", "guide": "auto"} if system in GUIDED else None
    if preset != "celeba_report":
        return {"dataset": "celeba", "image_size": "128" if preset == "celeba_128" else "64"}
    if system == "classifier":
        return None
    name = "celeba_condvae_info_report" if system == "condvae_info" else preset
    kinds = config_classes(system)
    return parse([system, f"--flagfile=flags/{name}.flags"], kinds, "").asked_for(*kinds)


def sides_of(
    stack: contextlib.ExitStack, system: str, preset: str, batch_size: int, peer: bool
) -> dict[str, turns.Side]:
    """Starts the sides of one comparison.

    Args:
        stack: ends them.
        system: one of ``SYSTEMS``.
        preset: one of ``PRESETS``.
        batch_size: examples of a step.
        peer: with the twin, if the system has one.

    Returns:
        {name: side}, ours first.
    """
    given = options_of(system, preset)
    ours = turns.Side("benchmarks.keras_step:stepper", system, given, batch_size)
    sides = {"TensorFlow": stack.enter_context(ours)}
    if preset == "celeba_guide":
        alone = turns.Side("benchmarks.keras_step:stepper", system, {**given, "guide": "none"}, batch_size)
        sides["no guide"] = stack.enter_context(alone)
    options = ours.facts.get("options")
    if peer and options:
        for name, compiled in (("PyTorch", False), ("torch.compile", True)):
            twin = turns.Side("benchmarks.torch_csvae:stepper", options, batch_size, compiled)
            sides[name] = stack.enter_context(twin)
    return sides


def compared(
    config: BenchmarkConfig, system: str, preset: str, batch_size: int, peer: bool, peak: float
) -> list[list[str]]:
    """Returns the rows of the table for a system, a preset and a batch size.

    Args:
        config: how often.
        system: one of ``SYSTEMS``.
        preset: one of ``PRESETS``.
        batch_size: examples of a step.
        peer: with the twin.
        peak: floating-point operations per second of a matrix product.
    """
    rows = []
    with contextlib.ExitStack() as stack:
        sides = sides_of(stack, system, preset, batch_size, peer)
        times = turns.timed(list(sides.values()), config.rounds, config.steps)
        ours = statistics.median(times[0])
        for (name, side), taken in zip(sides.items(), times, strict=True):
            middle = statistics.median(taken)
            # The twin has the operations of ours.
            flops = side.facts.get("flops", sides["TensorFlow"].facts["flops"])
            rows.append(
                [
                    system,
                    preset,
                    str(batch_size),
                    name,
                    f"{batch_size / middle:.1f}",
                    f"{batch_size / taken[-1]:.1f} to {batch_size / taken[0]:.1f}",
                    f"{100 * flops / middle / peak:.0f} %",
                    f"{side.peak / 2**30:.1f}",
                    f"{middle / ours:.2f}",
                ]
            )
    return rows


def benchmark(config: BenchmarkConfig) -> None:
    """Prints each speed as it is found, then the table."""
    with command.quietly():
        from tf_csvae.evaluation import report
    peer = config.peer and importlib.util.find_spec("torch") is not None
    if config.peer and not peer:
        print("PyTorch is not installed (pip install torch), so only our half runs.", flush=True)
    with turns.Side("benchmarks.keras_step:matrix_product") as side:
        (times,) = turns.timed([side], 1, 8)
        size = side.facts["size"]
    peak = 2 * size**3 / times[0]
    print(f"Matrix products of {size} x {size}: {peak / 1e9:.0f} GFLOP/s", flush=True)

    header = ["system", "preset", "batch", "side", "images/s", "slowest to fastest"]
    rows = [[*header, "of that peak", "GiB", "TensorFlow is faster by"]]
    for preset in config.presets:
        for batch_size in config.batch_sizes:
            for system in config.systems:
                if options_of(system, preset) is not None:
                    found = compared(config, system, preset, batch_size, peer, peak)
                    for _, _, _, name, speed, *_ in found:
                        line = f"{system}, {preset}, {batch_size}, {name}: {speed} images/s"
                        print(line, flush=True)
                    rows += found
    print(f"\n{report.as_text(report.Table('', rows))}")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (BenchmarkConfig,), __doc__).config(BenchmarkConfig)
    command.run(lambda: benchmark(config), "A benchmark writes nothing.")


if __name__ == "__main__":
    main()
