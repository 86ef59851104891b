"""Latency and throughput of an exported model, beside the Keras model it came from.

    python -m benchmarks.serving --run_dir=RUN

Exports the run to a folder that is removed again, loads it with TensorFlow's C++ session, the one that
TensorFlow Serving runs, and asks every signature for batches of several sizes; the Keras model is asked the
same from Python, in turns with it, by functions that are compiled as those of ``predict`` are. One
client, no network.
"""

import statistics
import sys
import tempfile
import time

import flags
import flags.judge
import flags.run
import flags.serving_benchmark
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.run, flags.judge, flags.serving_benchmark)


def timed(sides, seconds):
    """Calls functions in turns for a time each, after a first call that is not counted.

    Args:
        sides: list of functions without arguments.
        seconds: float, of each.

    Returns:
        list of lists of seconds, sorted, one per call.
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


def quantile(taken, share):
    """Returns a quantile of sorted times in milliseconds."""
    return 1000 * taken[min(len(taken) - 1, int(share * len(taken)))]


def benchmark():
    """Prints the table."""
    import tensorflow as tf

    from export import requests, saved_model, signatures
    from tf_csvae import InputError, report, runs
    from tf_csvae.errors import check_known

    if not FLAGS.run_dir:
        raise InputError("Give --run_dir, the run to export and to time.")
    model, info, _ = saved_model.load(runs.Run(FLAGS.run_dir))
    judge = measuring.load_judge(info)
    served = signatures.Served(model, info, judge[0] if judge else None)
    chosen = FLAGS.signatures or list(served.signatures)
    for name in chosen:
        check_known(name, served.signatures, "signature")
    rows = [["signature", "rows", "p50 ms", "p95 ms", "p99 ms", "rows/s", "Keras p50 ms", "times Keras"]]
    graph = tf.Graph()
    with tempfile.TemporaryDirectory() as folder:
        path = saved_model.write(served, "model", folder, 1, {})
        session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            meta = tf.compat.v1.saved_model.load(session, ["serve"], path)
        for name in chosen:
            for batch in map(int, FLAGS.batches):
                inputs = requests.examples(served, info, batch)[name]
                signature = meta.signature_def[name]
                feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
                fetches = [tensor.name for tensor in signature.outputs.values()]
                function = served.signatures[name]
                ordered = [inputs[spec.name] for spec in function.input_signature]

                def by_session(fetches=fetches, feeds=feeds):
                    session.run(fetches, feeds)

                def by_keras(function=function, ordered=ordered):
                    outputs = function(*map(tf.constant, ordered))
                    return [value.numpy() for value in outputs.values()]

                ours, theirs = timed([by_session, by_keras], FLAGS.seconds)
                middle = statistics.median(ours)
                rows.append(
                    [
                        name,
                        str(batch),
                        *(f"{quantile(ours, share):.1f}" for share in (0.5, 0.95, 0.99)),
                        f"{batch / middle:.0f}",
                        f"{quantile(theirs, 0.5):.1f}",
                        f"{statistics.median(theirs) / middle:.1f}",
                    ]
                )
    print(report.as_text(report.Table("", rows)))


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
