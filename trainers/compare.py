"""Lays finished runs side by side, on one page: the student report's tables, and all pictures.

    python -m trainers.compare --run_dirs=A,B,C --classifier=RUN_OF_A_CLASSIFIER --out=DIR

A run that this classifier has not judged yet is evaluated first, as trainers.evaluate does. Runs
that differ in the seed alone count as one system: mean ± standard deviation over them.
"""

import json
import os
import subprocess
import sys

import flags
import flags.comparison
import flags.evaluation
import flags.judge
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.comparison, flags.judge, flags.evaluation)

# What differs between runs of one system.
NOT_THE_SYSTEM = ("--seed",)


def judged(run):
    """Returns the metrics.json of a run after --classifier has judged it.

    Args:
        run: ``Run``.
    """
    from tf_csvae import runs

    numbers = run.metrics()
    complete = "run" in numbers and os.path.exists(run.file(runs.INFO))
    if complete and FLAGS.classifier and numbers["run"]["system"] != "Classifier":
        judge = measuring.checksum(runs.Run(FLAGS.classifier))
        complete = numbers.get("judge") == {"sha256": judge, "samples": FLAGS.samples}
    if not complete or FLAGS["pictured_labels"].present:
        print(f"Evaluating {run.path}", flush=True)
        chosen = [
            flag.serialize()
            for group in (flags.judge, flags.evaluation)
            for flag in FLAGS.get_flags_for_module(group)
            if flag.present and flag.value is not None
        ]
        command = [sys.executable, "-m", "trainers.evaluate", f"--run_dir={run.path}", *chosen]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            sys.exit(done.returncode)  # it has said why
        numbers = run.metrics()
    return numbers


def titles(found):
    """Names the systems, each after its class and what sets it apart from others of that class.

    Args:
        found: list of (``Run``, its metrics.json).

    Returns:
        {title: list of (``Run``, its metrics.json)}, the runs of each system together.
    """
    from tf_csvae import runs

    systems = {}
    for run, numbers in found:
        values = {k: v for k, v in runs.flag_values(run.flags()).items() if k not in NOT_THE_SYSTEM}
        key = (numbers["run"]["system"], tuple(sorted(values.items())))
        systems.setdefault(key, []).append((run, numbers))
    named = {}
    for (system, values), members in systems.items():
        others = [dict(other) for (same, other) in systems if same == system and other != values]
        apart = [
            _as_given(name, value)
            for name, value in values
            if any(other.get(name) != value for other in others)
        ]
        if apart:
            path = os.path.abspath(members[0][0].path)
            system = f"{system} {apart[0]}" if len(apart) == 1 else f"{system}, {os.path.basename(path)}"
            if system in named:
                system = f"{system} ({path})"
        named[system] = members
    return named


def _as_given(flag, value):
    """Writes a flag as on a command line."""
    if value in ("true", "false"):
        return flag if value == "true" else f"--no{flag.removeprefix('--')}"
    return f"{flag}={value}"


def _data(run):
    """Says what a run's data are, as far as two runs must share it to be compared."""
    from tf_csvae import runs
    from tf_csvae.data import Info

    info = Info.from_dict(runs.read_json(run.file(runs.INFO)))
    labels = [label.name + ("" if label.kind == "binary" else f" ({label.kind})") for label in info.labels]
    shown = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
    return f"{info.name} of shape {list(info.shape)}, {info.counts['test']} test examples, labels {shown}"


def compare():
    """Writes the page."""
    from tf_csvae import report, runs
    from tf_csvae.errors import InputError

    if not FLAGS.run_dirs:
        raise InputError("Give --run_dirs, the runs to compare, separated by commas.")
    found = [runs.Run(path) for path in FLAGS.run_dirs]
    for run in found:
        run.metrics()  # raises where it is not finished, before anything is evaluated
    if FLAGS.classifier:
        runs.Run(FLAGS.classifier).metrics()
    if os.path.exists(os.path.join(FLAGS.out, runs.FLAGS)):
        raise InputError(f"--out={FLAGS.out} is a run, and would be written over. Give another folder.")
    found = [(run, judged(run)) for run in found]
    known = {_data(run): run.path for run, _ in found}
    if len(known) > 1:
        told = "; ".join(f"{path}: {data}" for data, path in known.items())
        raise InputError(f"--run_dirs holds runs of different data ({told}). Compare runs of the same.")
    judges = {json.dumps(numbers.get("judge")) for _, numbers in found if "judge" in numbers}
    if len(judges) > 1:
        raise InputError("The runs were judged by different classifiers. Give --classifier, one for all.")
    dataset = found[0][1]["run"]["dataset"]
    named = titles(found)
    systems = {title: [numbers for _, numbers in members] for title, members in named.items()}

    tables = [report.side_by_side(systems), *report.label_tables(systems, dataset)]
    if FLAGS.classifier:
        judge = runs.Run(FLAGS.classifier).metrics()
        tables.append(report.by_label(judge, "Classifier", dataset))
    tables.append(report.what_was_run([members[0]["run"] for members in systems.values()]))
    pictures = {}
    for title, members in named.items():
        run = members[0][0]
        for name, caption, png in run.pictures():
            pictures.setdefault(name, []).append((f"{title}. {caption}", png))

    out = runs.Run(FLAGS.out)
    for name, versions in pictures.items():
        for number, (_, png) in enumerate(versions):
            runs.write_bytes(out.file(runs.FIGURES, f"{name}_{number}.png"), png)
    page = report.render(
        f"{len(named)} systems on {dataset}",
        tables,
        [picture for versions in pictures.values() for picture in versions],
        {run.path: run.flags() for run, _ in found},
    )
    runs.write_text(out.file(runs.REPORT), page)
    runs.write_json(out.file(runs.METRICS), systems)
    print(report.as_text(tables[0]))
    print(f"Numbers: {out.file(runs.METRICS)}\nPage: {out.file(runs.REPORT)}")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(compare, "What was evaluated stays; the same command goes on.")
