"""report.html: a run on one page that needs nothing beside it."""

import base64
import io

import jinja2

# The student report's own figures for what metrics.json measures, by system and dataset.
# Its divergence is at k = 1, its label a function of x in both. Its classifier's accuracies
# (table 1) are of images that "actually possess the required attributes": perhaps recalls.
PUBLISHED = {
    ("CSVAE", "swiss_roll"): {"divergence.z": 0.018, "divergence.w": 1.33, "reconstruction.mse": 23.0},
    ("Classifier", "celeba"): {
        "classification.Eyeglasses.accuracy": 0.99,
        "classification.Heavy_Makeup.accuracy": 0.90,
        "classification.Male.accuracy": 0.97,
        "classification.Smiling.accuracy": 0.91,
        "classification.Wearing_Hat.accuracy": 0.99,
    },
}


def headline(metrics):
    """Picks the main numbers out of metrics.json.

    Args:
        metrics: dict, the content of metrics.json; a number that it has not makes no row.

    Returns:
        list of (key as in ``PUBLISHED``, what it is in words, value as str). A number that is
        per label is the mean over the labels, but for a classifier's accuracies.
    """
    rows = []
    divergence, probe = metrics.get("divergence", {}), metrics.get("probe", {})

    def add(key, words, values, form="{:.3f}"):
        if values:
            rows.append((key, words, form.format(sum(values) / len(values))))

    def add_one(key, words, form, value):
        add(key, words, [] if value is None else [value], form)

    for kind in ("accuracy", "balanced_accuracy"):
        words = f"{kind.replace('_', ' ')}, mean over the labels"
        add_one(f"mean_{kind}", words, "{:.3f}", metrics.get(f"mean_{kind}"))
    for label, scores in metrics.get("classification", {}).items():
        add_one(f"classification.{label}.accuracy", f"... accuracy on {label}", "{:.3f}", scores["accuracy"])
    for part in ("z", "w"):
        entries = list(divergence.get(part, {}).values())
        add(
            f"divergence.{part}",
            f"divergence of the label's values in {part}, nats",
            [e["kl"] for e in entries],
        )
        if part == "z":
            null = [e["null_mean"] for e in entries]
            spread = sum(e["null_sd"] for e in entries) / max(1, len(entries))
            add("divergence.z.null", "... the same on shuffled labels", null, f"{{:.3f}} ± {spread:.3f}")
    for part in ("z", "w"):
        add(
            f"probe.{part}",
            f"AUC of a probe that reads the label from {part}",
            [e["auc"] for e in probe.get(part, {}).values()],
        )
    for name, words, form in (
        ("mse", "reconstruction error (mean square)", "{:.4g}"),
        ("psnr", "reconstruction PSNR", "{:.3g} dB"),
        ("ssim", "reconstruction SSIM", "{:.3g}"),
    ):
        add_one(f"reconstruction.{name}", words, form, metrics.get("reconstruction", {}).get(name))
    add_one("active_units.z", "active dimensions of z", "{:.0f}", metrics.get("active_units", {}).get("z"))
    for name, words, form in (
        ("seconds_training", "seconds of training", "{:.1f}"),
        ("examples_per_second", "training examples per second", "{:.0f}"),
    ):
        add_one(name, words, form, metrics.get(name))
    return rows


def table(metrics, system, dataset):
    """Returns the headline as a table of text: a header, then a row per number.

    The columns: what it is, its value, the student report's figure or "–".
    """
    published = PUBLISHED.get((system, dataset), {})
    rows = [
        (words, value, f"{published[key]:g}" if key in published else "–")
        for key, words, value in headline(metrics)
    ]
    return [("on the test data", "this run", "student report"), *rows]


def as_text(table):
    """Lays out a table, a list of equally long rows of str, for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others in table:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join(lines)


def as_png(figure):
    """Renders a matplotlib Figure to PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def render(title, table, pictures, flags):
    """Makes the page.

    Args:
        title: str.
        table: list of equally long rows of str, the header first.
        pictures: list of (caption, PNG bytes).
        flags: str, the flags of what is shown.

    Returns:
        str, HTML. All that is shown is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tf_csvae"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    inlined = [(caption, base64.b64encode(png).decode()) for caption, png in pictures]
    return environment.get_template("report.html").render(
        title=title, table=table, pictures=inlined, flags=flags
    )
