"""What every trainer does at its end, and trainers.evaluate again: measure, draw, write."""

import hashlib
import importlib.metadata
import platform

import flags

FLAGS = flags.FLAGS

# Whose versions a result may depend on.
PACKAGES = ("tf_csvae", "tensorflow", "keras", "tensorflow-probability", "numpy", "scikit-learn")

# What counts as a z from which the label is gone: the estimate within three deviations of
# its null and a probe within four deviations of chance (0.0083 for 1,366 in 10,000).
MOST_DEVIATIONS, MOST_AUC = 3, 0.533


def what_ran(model, info, helper=None):
    """Returns what metrics.json says under "run" of a training that ends now.

    Args:
        model: what was trained.
        info: ``Info`` of its data.
        helper: ``checksum`` of the classifier that took part in it.
    """
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # such as tensorflow-cpu in its place
            versions[package] = "unknown"
    return {
        "system": type(model).__name__,
        "dataset": info.name,
        "seed": FLAGS.seed,
        "counts": info.counts,
        "versions": versions,
        **({"helper": helper} if helper else {}),
    }


def checksum(run):
    """Returns what tells the model of a run from all others; raises ``InputError`` where it is not finished."""
    from tf_csvae import runs

    run.metrics()
    with open(run.file(runs.MODEL), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_judge(info, helper=None):
    """Loads the model of the run in --classifier.

    Args:
        info: ``Info`` of the data it is to judge.
        helper: ``checksum`` of the classifier that took part in the training of what is judged.

    Returns:
        (Classifier, its ``checksum``), or None without the flag.

    Raises:
        InputError: no finished run, not one of a classifier, of other data or labels, or the helper.
    """
    if FLAGS.classifier is None:
        return None
    judge, judged_by = load_classifier("classifier", info)
    if judged_by == helper:
        from tf_csvae import InputError

        raise InputError(
            f"--classifier={FLAGS.classifier} is the helper that took part in the training, which learned to "
            "please it. Judge by another."
        )
    return judge, judged_by


def load_classifier(flag, info):
    """Loads the model of the run of trainers.classifier that a flag names.

    Args:
        flag: str, its name.
        info: ``Info`` of the data it is to read.

    Returns:
        (Classifier, its ``checksum``).

    Raises:
        InputError: no finished run, not one of a classifier, or of other data or labels.
    """
    from tf_csvae import Classifier, InputError, load_model, runs
    from tf_csvae.models.labelled import check_same

    run = runs.Run(FLAGS[flag].value)
    which = checksum(run)
    found = load_model(run.file(runs.MODEL))
    if not isinstance(found, Classifier):
        raise InputError(
            f"--{flag}={run.path} holds a {type(found).__name__}. Give a run of trainers.classifier."
        )
    check_same(found, info.shape, info.labels, "The classifier")
    return found, which


def pictured_labels(info):
    """Returns --pictured_labels, or None for the default.

    Args:
        info: ``Info`` of the data.

    Raises:
        InputError: the user named a label that the data have not.
    """
    from tf_csvae import errors

    names = [label.name for label in info.labels]
    if FLAGS["pictured_labels"].present:
        for name in FLAGS.pictured_labels:
            errors.check_known(name, names, "label")
        return FLAGS.pictured_labels or None
    # A preset's, which may know more labels than were chosen.
    return [name for name in FLAGS.pictured_labels or () if name in names] or None


def measure(model, dataset, history, judge=None):
    """Measures and draws a trained model.

    Args:
        model: ``GenerativeModel`` or ``Classifier``.
        dataset: ``Dataset``.
        history: {name: list of float per epoch}.
        judge: from ``load_judge``, for a generative model.

    Returns:
        (dict of numbers, {file name without ending: (caption, matplotlib Figure)}).
    """
    from tf_csvae import Classifier, evaluation

    if isinstance(model, Classifier):
        numbers = evaluation.evaluate_classifier(model, dataset)
        return numbers, evaluation.classifier_pictures(numbers, history)
    classifier, judged_by = judge or (None, None)
    result = evaluation.evaluate(model, dataset, classifier, FLAGS.samples, FLAGS.seed)
    drawn = evaluation.pictures(
        model, result, dataset.info, history, pictured_labels(dataset.info), FLAGS.seed
    )
    judged = {"judge": {"sha256": judged_by, "samples": FLAGS.samples}} if judge else {}
    return {**result.numbers, **judged}, drawn


def write(run, model, dataset, training, measured, figures):
    """Writes figures, page and, last, metrics.json of a run, and prints the main numbers.

    Args:
        run: ``Run``.
        model: what was trained.
        dataset: ``Dataset``.
        training: dict, the part of metrics.json that is about the training.
        measured: dict, the part that is about the model.
        figures: as ``measure`` gives them.
    """
    from tf_csvae import report, runs

    system, info = type(model).__name__, dataset.info
    numbers = {**training, **measured}
    ran = numbers["run"]
    pictures = {name: (caption, report.as_png(figure)) for name, (caption, figure) in figures.items()}
    for name, (_, png) in pictures.items():
        runs.write_bytes(run.file(runs.FIGURES, f"{name}.png"), png)
    runs.write_json(run.file(runs.INFO), info.to_dict())
    captions = {name: caption for name, (caption, _) in pictures.items()}
    runs.write_json(run.file(runs.FIGURES, runs.CAPTIONS), captions)
    main = report.headline(numbers, system, info.name)
    tables = [main, report.by_label(numbers, system, info.name), report.what_was_run([ran])]
    page = report.render(f"{system} on {info.name}", tables, pictures.values(), {run.path: run.flags()})
    runs.write_text(run.file(runs.REPORT), page)
    runs.write_json(run.file(runs.METRICS), numbers)
    print(report.as_text(main))
    print(
        f"Numbers: {run.file(runs.METRICS)}\nPictures: {run.file(runs.FIGURES)}\nPage: {run.file(runs.REPORT)}"
    )


def swiss_roll_numbers(run):
    """Returns what a finished run of the swiss roll is held against: {name: value}, None where it has no such number."""
    numbers = run.metrics()
    ((label, z),) = numbers["divergence"]["z"].items()
    auc = numbers["probe"]["z"][label]["auc"]
    near = z["kl"] <= z["null_mean"] + MOST_DEVIATIONS * z["null_sd"]
    return {
        "divergence z": z["kl"],
        "divergence w": numbers["divergence"].get("w", {}).get(label, {}).get("kl"),
        "AUC from z": auc,
        "mse": numbers["reconstruction"]["mse"],
        "label gone from z": near and auc <= MOST_AUC,
    }
