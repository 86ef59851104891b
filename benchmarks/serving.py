"""Latency and throughput of an exported model, beside the Keras model that it was made from.

    python -m benchmarks.serving --run_dir=RUN

Exports the run to a temporary folder, loads it with TensorFlow's C++ session, which TensorFlow
Serving runs too, and asks every signature for batches of several sizes. The Keras model is asked
for the same from Python, in turns, by compiled functions like those of ``predict``. There is one
client and no network.
"""

import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from export.configs import RunConfig
from flags import command, parse
from tf_csvae.errors import InputError, check_known
from tf_csvae.options import option
from tf_csvae.runs import Run


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(RunConfig):
    """Benchmark: the run, what is asked, and for how long."""

    batches: tuple[int, ...] = option((1, 8, 64), "Rows of a request.", low=1)
    seconds: float = option(2.0, "Time per signature and batch, on each side.", low=0.01)
    signatures: tuple[str, ...] | None = option(None, "Signatures to ask. Default: all.")


def timed(sides: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """Calls functions in turns, after a first call of each that does not count.

    Args:
        sides: the functions.
        seconds: time for each of them.

    Returns:
        the sorted seconds of the calls, for each function.
    """
    for side in sides:
        side()
    times = [[] for _ in sides]
    until = time.perf_counter() + seconds * len(sides)
    while time.perf_counter() < until or not all(times):
        for side, taken in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            taken.append(time.perf_counter() - start)
    return [sorted(taken) for taken in times]


def quantile(taken: Sequence[float], share: float) -> float:
    """Returns a quantile of sorted seconds in milliseconds."""
    return 1000 * taken[min(len(taken) - 1, int(share * len(taken)))]


def benchmark(config: BenchmarkConfig) -> None:
    """Times an export and prints a table.

    Raises:
        InputError: no finished run, or a signature that the model does not have.
    """
    if not config.run_dir:
        raise InputError("Give --run_dir, the run to export and to time.")
    with command.quietly():
        import pandas as pd
        import tensorflow as tf

        from export import signatures, versions, warmup

    served = signatures.Served.of_run(Run(config.run_dir), config.judge)
    for name in config.signatures or ():
        check_known(name, served.signatures, "signature")
    rows, graph = [], tf.Graph()
    with tempfile.TemporaryDirectory() as folder:
        path = versions.write(served, "model", folder, 1, {})
        session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            meta = tf.compat.v1.saved_model.load(session, ["serve"], path)
    for name in config.signatures or served.signatures:
        signature, function = meta.signature_def[name], served.signatures[name]
        fetches = [tensor.name for tensor in signature.outputs.values()]
        for batch in config.batches:
            inputs = warmup.examples(served, batch)[name]
            feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
            ordered = [inputs[spec.name] for spec in function.input_signature]

            def by_session(fetches=fetches, feeds=feeds):
                session.run(fetches, feeds)

            def by_keras(function=function, ordered=ordered):
                outputs = function(*map(tf.constant, ordered))
                return [value.numpy() for value in outputs.values()]

            ours, theirs = timed([by_session, by_keras], config.seconds)
            middle = statistics.median(ours)
            rows.append(
                {
                    "signature": name,
                    "rows": batch,
                    **{f"p{100 * share:.0f} ms": quantile(ours, share) for share in (0.5, 0.95, 0.99)},
                    "rows/s": round(batch / middle),
                    "Keras p50 ms": quantile(theirs, 0.5),
                    "times Keras": statistics.median(theirs) / middle,
                }
            )
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.1f}".format))


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (BenchmarkConfig,), __doc__).config(BenchmarkConfig)
    command.run(lambda: benchmark(config), "A benchmark writes nothing.")


if __name__ == "__main__":
    main()
