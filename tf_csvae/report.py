"""report.html: a run on one page that needs nothing beside it."""

import base64
import io

import jinja2

# The student report's own figures for what metrics.json measures, by system and dataset.
# Its divergence is at k = 1, its label a function of x in both.
PUBLISHED = {
    ("CSVAE", "swiss_roll"): {"divergence.z": 0.018, "divergence.w": 1.33, "reconstruction.mse": 23.0}
}


def headline(metrics):
    """Picks the main numbers out of metrics.json.

    Args:
        metrics: dict, the content of metrics.json.

    Returns:
        list of (key as in ``PUBLISHED``, what it is in words, value as str). A number that is
        per label is the mean over the labels.
    """
    rows = []

    def add(key, words, values, form="{:.3f}"):
        if values:
            rows.append((key, words, form.format(sum(values) / len(values))))

    for part in ("z", "w"):
        entries = list(metrics["divergence"].get(part, {}).values())
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
            [e["auc"] for e in metrics["probe"].get(part, {}).values()],
        )
    add(
        "reconstruction.mse",
        "reconstruction error (mean square)",
        [metrics["reconstruction"]["mse"]],
        "{:.4g}",
    )
    for name, unit in (("psnr", " dB"), ("ssim", "")):
        if name in metrics["reconstruction"]:
            words = f"reconstruction {name.upper()}"
            add(f"reconstruction.{name}", words, [metrics["reconstruction"][name]], f"{{:.3g}}{unit}")
    add("active_units.z", "active dimensions of z", [metrics["active_units"]["z"]], "{:.0f}")
    add("seconds_training", "seconds of training", [metrics["seconds_training"]], "{:.1f}")
    add("examples_per_second", "training examples per second", [metrics["examples_per_second"]], "{:.0f}")
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
