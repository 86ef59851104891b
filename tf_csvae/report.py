"""report.html: a run, or several side by side, on one page that needs nothing beside it."""

import base64
import contextlib
import dataclasses
import io
import statistics
from collections.abc import Callable

import jinja2
import PIL.Image

# The student report's own figures for what metrics.json measures, by system and dataset. Its
# divergence is at k = 1, its label a function of x in both. Its classifier's accuracies
# (table 1) are of images that "actually possess the required attributes": perhaps recalls.
PUBLISHED = {
    ("CSVAE", "swiss_roll"): {
        ("divergence", "z", "*", "kl"): 0.018,
        ("divergence", "w", "*", "kl"): 1.33,
        ("reconstruction", "mse"): 23.0,
    },
    ("Classifier", "celeba"): {
        ("classification", "Eyeglasses", "accuracy"): 0.99,
        ("classification", "Heavy_Makeup", "accuracy"): 0.90,
        ("classification", "Male", "accuracy"): 0.97,
        ("classification", "Smiling", "accuracy"): 0.91,
        ("classification", "Wearing_Hat", "accuracy"): 0.99,
    },
    ("CondVAE", "celeba"): {
        ("generation", "Eyeglasses", "accuracy"): 0.3639,
        ("generation", "Heavy_Makeup", "accuracy"): 0.625,
        ("generation", "Male", "accuracy"): 0.754,
        ("generation", "Smiling", "accuracy"): 0.877,
        ("generation", "Wearing_Hat", "accuracy"): 0.256,
    },
    ("CSVAE", "celeba"): {
        ("generation", "Eyeglasses", "accuracy"): 0.121,
        ("generation", "Heavy_Makeup", "accuracy"): 0.444,
        ("generation", "Male", "accuracy"): 0.680,
        ("generation", "Smiling", "accuracy"): 0.826,
        ("generation", "Wearing_Hat", "accuracy"): 0.097,
    },
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A number of metrics.json that tables show.

    Attributes:
        path: keys down to it; "*" stands for each label, or for their mean.
        words: str, what it is.
        form: str, how it is written.
        worse: function of the number, larger for a worse one, by which the best of several is
            marked; None: it is no merit.
        spread: path of a standard deviation to write behind it.
    """

    path: tuple
    words: str
    form: str = "{:.3f}"
    worse: Callable | None = None
    spread: tuple = ()


def MORE(value):  # noqa: N802  names of constants, which they are
    """Worse is less."""
    return -value


def LESS(value):  # noqa: N802
    """Worse is more."""
    return value


def FROM_1(value):  # noqa: N802
    """Worse is farther from what the data have."""
    return abs(value - 1)


def FROM_CHANCE(value):  # noqa: N802
    """Worse is farther from a coin's toss."""
    return abs(value - 0.5)


HEADLINE = (
    Entry(("mean_accuracy",), "accuracy, mean over the labels", worse=MORE),
    Entry(("mean_balanced_accuracy",), "balanced accuracy, mean over the labels", worse=MORE),
    Entry(("mean_r2",), "R² of real labels, mean over them", worse=MORE),
    Entry(("generation", "*", "accuracy"), "samples in which the classifier sees their label", worse=MORE),
    Entry(("generation", "*", "real_recall"), "... real examples that have it"),
    Entry(("generation", "*", "reconstruction_recall"), "... reconstructions of those", worse=MORE),
    Entry(("generation", "*", "r2"), "R² of real labels asked for, as it sees them in samples", worse=MORE),
    Entry(("generation", "*", "real_r2"), "... of their own, in real examples"),
    Entry(("generation", "*", "reconstruction_r2"), "... in reconstructions of those", worse=MORE),
    Entry(("transfer", "*", "accuracy"), "examples in which it sees a label set by transfer", worse=MORE),
    Entry(("transfer", "*", "r2"), "R² of real labels set by transfer, as it sees them", worse=MORE),
    Entry(("transfer", "*", "others_kept"), "... and the other labels as before", worse=MORE),
    Entry(("frechet",), "Fréchet distance of samples from real examples", "{:.4g}", worse=LESS),
    Entry(("frechet_real",), "... of other real examples", "{:.4g}"),
    Entry(("diversity_overall",), "diversity of samples, that of the data being 1", worse=FROM_1),
    Entry(("diversity", "*"), "... of samples with one label set", worse=FROM_1),
    Entry(("divergence", "z", "*", "kl"), "divergence of the label's values in z, nats"),
    Entry(
        ("divergence", "z", "*", "null_mean"),
        "... the same on shuffled labels",
        spread=("divergence", "z", "*", "null_sd"),
    ),
    Entry(("divergence", "w", "*", "kl"), "divergence of the label's values in w, nats", worse=MORE),
    Entry(("probe", "z", "*", "auc"), "AUC of a probe that reads the label from z", worse=FROM_CHANCE),
    Entry(("probe", "w", "*", "auc"), "AUC of a probe that reads the label from w", worse=MORE),
    Entry(("probe", "z", "*", "r2"), "R² of a probe that reads a real label from z", worse=LESS),
    Entry(("probe", "w", "*", "r2"), "R² of a probe that reads a real label from w", worse=MORE),
    Entry(("style", "*", "own"), "R² of a label's known style, read from its own w", worse=MORE),
    Entry(("style", "*", "z"), "... from z", worse=LESS),
    Entry(("style", "*", "others"), "... from the other labels' w", worse=LESS),
    Entry(("reconstruction", "mse"), "reconstruction error (mean square)", "{:.4g}", worse=LESS),
    Entry(("reconstruction", "psnr"), "reconstruction PSNR, dB", "{:.3g}", worse=MORE),
    Entry(("reconstruction", "ssim"), "reconstruction SSIM", "{:.3g}", worse=MORE),
    Entry(("active_units", "z"), "active dimensions of z", "{:.0f}"),
    Entry(("parameters",), "parameters", "{:,.0f}"),
    Entry(("seconds_training",), "seconds of training", "{:.1f}", worse=LESS),
    Entry(("examples_per_second",), "training examples per second", "{:.0f}", worse=MORE),
)

BY_LABEL = (
    Entry(("classification", "*", "accuracy"), "accuracy", worse=MORE),
    Entry(("classification", "*", "balanced_accuracy"), "balanced accuracy", worse=MORE),
    Entry(("classification", "*", "recall"), "recall", worse=MORE),
    Entry(("classification", "*", "auc"), "AUC", worse=MORE),
    Entry(("classification", "*", "r2"), "R²", worse=MORE),
    Entry(("classification", "*", "mean_absolute_error"), "mean absolute error", "{:.3g}", worse=LESS),
    Entry(("generation", "*", "accuracy"), "seen in samples", worse=MORE),
    Entry(("generation", "*", "real_recall"), "in real examples"),
    Entry(("generation", "*", "reconstruction_recall"), "in reconstructions", worse=MORE),
    Entry(("generation", "*", "r2"), "R² in samples", worse=MORE),
    Entry(("generation", "*", "mean_absolute_error"), "error in samples", "{:.3g}", worse=LESS),
    Entry(("generation", "*", "real_r2"), "R² in real examples"),
    Entry(("generation", "*", "reconstruction_r2"), "R² in reconstructions", worse=MORE),
    Entry(("transfer", "*", "accuracy"), "after transfer", worse=MORE),
    Entry(("transfer", "*", "r2"), "R² after transfer", worse=MORE),
    Entry(("transfer", "*", "mean_absolute_error"), "error after transfer", "{:.3g}", worse=LESS),
    Entry(("transfer", "*", "others_kept"), "other labels kept", worse=MORE),
    Entry(("diversity", "*"), "diversity", worse=FROM_1),
    Entry(("probe", "z", "*", "auc"), "AUC from z", worse=FROM_CHANCE),
    Entry(("probe", "w", "*", "auc"), "AUC from its w", worse=MORE),
    Entry(("probe", "z", "*", "r2"), "R² from z", worse=LESS),
    Entry(("probe", "w", "*", "r2"), "R² from its w", worse=MORE),
    Entry(("style", "*", "own"), "style R² from its w", worse=MORE),
    Entry(("style", "*", "z"), "from z", worse=LESS),
    Entry(("style", "*", "others"), "from other w", worse=LESS),
)


@dataclasses.dataclass(frozen=True)
class Table:
    """Text in rows and columns.

    Attributes:
        caption: str.
        rows: list of equally long lists of str, the header first.
        best: set of (row, column) that are marked; the header is row 0.
    """

    caption: str
    rows: list
    best: frozenset = frozenset()


def find(numbers, path):
    """Looks up a number of metrics.json: a float, for "*" the mean over labels, or None."""
    for place, key in enumerate(path):
        if key == "*":
            each = [find(entry, path[place + 1 :]) for entry in numbers.values()]
            each = [value for value in each if value is not None]
            return statistics.fmean(each) if each else None
        if not isinstance(numbers, dict) or key not in numbers:
            return None
        numbers = numbers[key]
    return numbers


def interval(numbers, path):
    """Returns the [low, high] that stands beside a number, or None."""
    return None if "*" in path else find(numbers, (*path[:-1], f"{path[-1]}_interval"))


def written(entry, runs, path=None):
    """Writes a number as text: one run's with its interval, several runs' mean ± deviation.

    Args:
        entry: ``Entry``.
        runs: list of dict, the metrics.json of runs of one system.
        path: where it is, if not at the entry's own path.

    Returns:
        (float, str), or (None, "–") where the runs have no such number.
    """
    path = path or entry.path
    values = [value for value in (find(numbers, path) for numbers in runs) if value is not None]
    if not values:
        return None, "–"
    mean = statistics.fmean(values)
    text = entry.form.format(mean)
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.2g}"
    elif entry.spread:
        text += f" ± {entry.form.format(find(runs[0], entry.spread))}"
    elif interval(runs[0], path):
        text += " [{:.2f}, {:.2f}]".format(*interval(runs[0], path))
    return mean, text


def _published(system, dataset, path):
    value = PUBLISHED.get((system, dataset), {}).get(path)
    return "–" if value is None else f"{value:g}"


def headline(numbers, system, dataset):
    """Returns the ``Table`` of a run's main numbers, the student report's beside them.

    Args:
        numbers: dict, the content of metrics.json; a number that it has not makes no row.
        system: str, the model's class.
        dataset: str, its name.
    """
    rows = [["on the test data", "this run", "student report"]]
    for entry in HEADLINE:
        value, text = written(entry, [numbers])
        if value is not None:
            rows.append([entry.words, text, _published(system, dataset, entry.path)])
    return Table("The main numbers. What is per label is the mean over the labels.", rows)


def by_label(numbers, system, dataset):
    """Returns the ``Table`` of a run's numbers label by label, or None where it has one label."""
    labels = _labels([numbers])
    entries = [entry for entry in BY_LABEL if find(numbers, entry.path) is not None]
    if len(labels) < 2 or not entries:
        return None
    rows = [["label", *(entry.words for entry in entries)]]
    theirs = {label: _published(system, dataset, _of(entries[0], label)) for label in labels}
    known = any(text != "–" for text in theirs.values())
    if known:
        rows[0].append("student report")
    for label in labels:
        row = [label, *(written(entry, [numbers], _of(entry, label))[1] for entry in entries)]
        rows.append([*row, theirs[label]] if known else row)
    return Table(
        "By label, with 95 % intervals of the shares. The report's figure is of the first column.", rows
    )


def _of(entry, label):
    return tuple(label if key == "*" else key for key in entry.path)


def _labels(runs):
    """Returns the labels that the runs have numbers of, in the order of the data."""
    names = {}
    for numbers in runs:
        for part in (
            numbers.get("classification", {}),
            numbers.get("probe", {}).get("z", {}),
            numbers.get("generation", {}),
        ):
            names |= dict.fromkeys(part)
    return list(names)


def side_by_side(systems):
    """Returns the ``Table`` of the main numbers of several systems.

    Args:
        systems: {title: list of dict, the metrics.json of its runs}.
    """
    rows, best = [["on the test data", *systems]], set()
    for entry in HEADLINE:
        cells = [written(entry, runs) for runs in systems.values()]
        _add(rows, best, entry.words, cells, entry.worse)
    return Table(
        "The main numbers; the best is marked. What is per label is the mean over the labels.",
        rows,
        frozenset(best),
    )


def labels_side_by_side(systems, path, caption, beside=None, dataset=None):
    """Returns the ``Table`` of one number by label and system, or None where none has it.

    Args:
        systems: {title: list of dict, the metrics.json of its runs}.
        path: of an entry of ``BY_LABEL``.
        caption: str.
        beside: path of a number that is the same for all systems and stands in a column of its own.
        dataset: str; the student report's figures on it get columns of their own.
    """
    entries = {entry.path: entry for entry in BY_LABEL}
    entry = entries[path]
    having = {title: runs for title, runs in systems.items() if find(runs[0], path) is not None}
    if not having:
        return None
    theirs = [
        system
        for (system, where), known in PUBLISHED.items()
        if where == dataset and any(known_path[0] == path[0] for known_path in known)
    ]
    rows = [
        ["label", *having, *([entries[beside].words] if beside else []), *(f"report: {s}" for s in theirs)]
    ]
    best = set()
    for label in (*_labels([runs[0] for runs in having.values()]), None):
        at = path if label is None else _of(entry, label)
        cells = [written(entry, runs, at) for runs in having.values()]
        more = []
        if beside:
            more.append(written(entries[beside], next(iter(having.values())), at[:-1] + beside[-1:])[1])
        more += [_published(system, dataset, at) for system in theirs]
        _add(rows, best, label or "mean", cells, entry.worse, more)
    return Table(caption, rows, frozenset(best))


def label_tables(systems, dataset):
    """Returns the ``Table``s of what the classifier sees, label by label and system by system.

    Args:
        systems: {title: list of dict, the metrics.json of its runs}.
        dataset: str, its name.
    """
    generation, transfer = ("generation", "*"), ("transfer", "*")
    if len(_labels([runs[0] for runs in systems.values()])) < 2:
        return []  # it is in the main table
    tables = [
        labels_side_by_side(
            systems,
            (*generation, "accuracy"),
            "Generation: share of the samples given a label in which the classifier sees it (the student "
            "report's table 3.2.3), beside its recall on real images.",
            (*generation, "real_recall"),
            dataset,
        ),
        labels_side_by_side(
            systems,
            (*generation, "r2"),
            "Generation: R² of what the classifier sees of a real label in samples, against the values asked for, "
            "beside that on real data.",
            (*generation, "real_r2"),
        ),
        labels_side_by_side(
            systems,
            (*generation, "reconstruction_recall"),
            "The classifier's recall on reconstructions of real images: what is lost to blur alone.",
            (*generation, "real_recall"),
        ),
        labels_side_by_side(
            systems,
            (*transfer, "accuracy"),
            "Transfer: share of test images without a label, or of another class, in which the classifier sees it "
            "once it is set.",
        ),
        labels_side_by_side(
            systems,
            (*transfer, "r2"),
            "Transfer: R² of what the classifier sees of a real label, against the values that it was set to.",
        ),
        labels_side_by_side(
            systems, (*transfer, "others_kept"), "... and share of the other labels that it sees as before."
        ),
        labels_side_by_side(
            systems,
            ("diversity", "*"),
            "Mean pairwise distance of samples with a label, over that of real ones.",
        ),
        labels_side_by_side(
            systems, ("probe", "z", "*", "auc"), "How well each label can be read from z: AUC of a probe."
        ),
        labels_side_by_side(
            systems, ("probe", "z", "*", "r2"), "How well each real label can be read from z: R² of a probe."
        ),
    ]
    return [table for table in tables if table]


def _add(rows, best, words, cells, worse, more=()):
    """Adds a row unless it is empty, and marks its best cell."""
    values = [value for value, _ in cells if value is not None]
    if not values:
        return
    if worse and len(set(values)) > 1:
        least = min(map(worse, values))
        best |= {
            (len(rows), column)
            for column, (value, _) in enumerate(cells, start=1)
            if value is not None and worse(value) == least
        }
    rows.append([words, *(text for _, text in cells), *more])


def what_was_run(ran):
    """Returns the ``Table`` of what stands under "run" in the metrics.json of each run."""
    rows = [["what was run", *(run["system"] for run in ran)]]
    facts = [
        {
            "data": run["dataset"],
            **{f"{split} examples": f"{count:,}" for split, count in run["counts"].items()},
            "seed": str(run["seed"]),
            **run["versions"],
        }
        for run in ran
    ]
    rows += [[name, *(fact.get(name, "–") for fact in facts)] for name in facts[0]]
    return Table("What was run; the flags stand at the end.", rows)


def as_text(table):
    """Lays out a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    lines = []
    for first, *others in table.rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join(lines)


def as_png(figure):
    """Renders a matplotlib Figure to PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def as_data_uri(png):
    """Returns a picture as the source of an <img>: as WebP where that is smaller, as of photographs."""
    kind, content = "png", png
    with contextlib.suppress(OSError):  # of a file that a stranger sent: the browser shows no picture
        buffer = io.BytesIO()
        with PIL.Image.open(io.BytesIO(png)) as picture:
            picture.save(buffer, format="webp", quality=85)
        if len(buffer.getvalue()) < len(png):
            kind, content = "webp", buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def render(title, tables, pictures, flags):
    """Makes the page.

    Args:
        title: str.
        tables: list of ``Table``; None in it is passed over.
        pictures: list of (caption, PNG bytes).
        flags: {what: str}, the flags of each run that is shown.

    Returns:
        str, HTML. All that is shown is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tf_csvae"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    inlined = [(caption, as_data_uri(png)) for caption, png in pictures]
    return environment.get_template("report.html").render(
        title=title, tables=[table for table in tables if table], pictures=inlined, flags=flags
    )
