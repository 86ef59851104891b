"""Tables of numbers, and report.html: tables and pictures on one page that needs no other file."""

import base64
import contextlib
import dataclasses
import html
import io
import itertools
import math
import re
import statistics
from collections.abc import Iterable, Sequence

import jinja2
import pandas as pd
import PIL.Image
from matplotlib.figure import Figure

from tf_csvae.data import Info
from tf_csvae.evaluation.effects import disagreements
from tf_csvae.evaluation.entries import BY_LABEL, HEADLINE, HIGH, LABEL_TABLES, LOW, Entry
from tf_csvae.evaluation.verdict import REASONS, leak_limit, others_kept, sight
from tf_csvae.labels import Label
from tf_csvae.studies.student_report import Path, published

# What stands for a number that is not there.
NONE = "–"

# Features in a table of what an edit changes, and rows of the table of columns.
MAX_EFFECTS, MAX_COLUMNS = 10, 200

# Systems side by side: {title: the metrics.json of each of its runs}.
Systems = dict[str, Sequence[dict]]

_TEMPLATES = jinja2.PackageLoader("tf_csvae.evaluation")
_PAGE = jinja2.Environment(loader=_TEMPLATES, autoescape=True, trim_blocks=True, lstrip_blocks=True)


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of text with a caption.

    A list of rows becomes a DataFrame; its first row, and the first cell of each row, are titles.
    ``best``, bool [rows, columns] without titles, are the marked cells; None: none.
    """

    caption: str
    cells: pd.DataFrame
    best: Sequence | None = None

    def __post_init__(self) -> None:
        """Makes a DataFrame of a list of rows."""
        if not isinstance(self.cells, pd.DataFrame):
            (corner, *columns), *rows = self.cells
            cells = pd.DataFrame([row[1:] for row in rows], [row[0] for row in rows], columns)
            object.__setattr__(self, "cells", cells.rename_axis(columns=corner))

    @property
    def rows(self) -> list[list[str]]:
        """The rows, with the titles in the first one and in the first cell of each."""
        named = self.cells.rename_axis(index=self.cells.columns.name)
        return [[named.index.name, *named.columns], *map(list, named.itertuples())]


def as_text(table: Table) -> str:
    """Lays out a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    form = "  ".join(f"{{:{'>' if place else '<'}{width}}}" for place, width in enumerate(widths))
    return "\n".join(form.format(*row) for row in table.rows)


def markdown(text: str) -> str:
    """Returns a text from anywhere so that Markdown shows it, on one line, and no more."""
    text = html.escape("".join(each if each.isprintable() else " " for each in text), quote=False)
    # An underscore within a word begins nothing, and Wearing_Hat stays legible.
    text = re.sub(r"([\\`*#~|!@]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = text.replace("](", r"]\(")  # a link
    text = re.sub(r"://|(?i:www)\.", lambda found: found[0].replace(":", "&#58;").replace(".", "&#46;"), text)
    return re.sub(r"^(\s*)([-+=] |\d+[.)] )", r"\1\\\2", text)


def as_markdown(table: Table) -> str:
    """Lays out a table as Markdown."""
    header, *rows = (f"| {' | '.join(map(markdown, row))} |" for row in table.rows)
    return "\n".join([header, "|" + " --- |" * len(table.rows[0]), *rows])


def find(numbers: dict, path: Path) -> float | list | None:
    """Looks up a number of metrics.json; for "*" the mean over labels; None if it is not there."""
    for position, name in enumerate(path):
        if name == "*":
            each = (find(entry, path[position + 1 :]) for entry in numbers.values())
            each = [value for value in each if value is not None]
            return statistics.fmean(each) if each else None
        if not isinstance(numbers, dict) or name not in numbers:
            return None
        numbers = numbers[name]
    return numbers


def written(entry: Entry, runs: Sequence[dict], label: str = "*") -> tuple[float | None, str]:
    """Writes a number of one run with its interval, or of several as mean ± standard deviation.

    ``runs`` are the metrics.json of runs of one system; for the label "*" it is the mean over the
    labels. Returns the number or its mean, and its text; None and "–" if no run has it.
    """
    path = entry.path(label)
    values = [value for value in (find(numbers, path) for numbers in runs) if value is not None]
    if not values:
        return None, NONE
    mean = statistics.fmean(values)
    text = entry.form.format(mean)
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.2g}"
    elif entry.spread and (spread := find(runs[0], (*path[:-1], entry.spread))) is not None:
        text += f" ± {entry.form.format(spread)}"
    elif "*" not in path:
        interval = find(runs[0], (*path[:-1], f"{path[-1]}_interval"))
        if isinstance(interval, list):
            text += " [{:.2f}, {:.2f}]".format(*interval)
    return mean, text


def verdict_table(numbers: dict, labels: Sequence[Label]) -> Table | None:
    """Returns the verdict on each label, with the numbers that it comes from; None: no verdict."""
    found = numbers.get("verdict")
    if not found:
        return None
    titles = ["label", "verdict", "judge, real data", "generation", "transfer", "told by z", "others kept"]
    rows = [[*titles, "why"]]
    for label in labels:
        seen, own = sight(numbers, label), found.get(label.name)
        if own is None:
            continue
        cells = [None] * 3 if seen is None else [seen.real, seen.generation, seen.transfer]
        cells += [leak_limit(numbers, label)[0], others_kept(numbers, label, labels)[0]]
        others = find(numbers, ("goes_with", label.name)) or {}
        why = [REASONS.get(word, word) for word in own["reasons"]]
        why = [f"{each} ({', '.join(others)})" if each == REASONS["goes_with"] else each for each in why]
        texts = [NONE if value is None else f"{value:.2f}" for value in cells]
        rows.append([label.name, own["status"], *texts, "; ".join(why)])
    caption = (
        "Is each label steered? A label that the judge does not recognise in real data gets no "
        "verdict. Generation and transfer are the judge's rates divided by those on real data (for a "
        "binary label, of the worse of its two values)."
    )
    return Table(caption, rows)


def verdicts(systems: Systems) -> Table | None:
    """Returns the verdict on each label by system; None if no run has one."""
    having = {name: runs for name, runs in systems.items() if any("verdict" in run for run in runs)}
    labels = dict.fromkeys(
        label for runs in having.values() for run in runs for label in run.get("verdict", {})
    )
    rows = [["label", *having]]
    for label in labels:
        cells = []
        for runs in having.values():
            found = [run["verdict"][label]["status"] for run in runs if label in run.get("verdict", {})]
            counts = {word: found.count(word) for word in dict.fromkeys(found)}
            several = len(found) > 1
            cells.append(
                ", ".join(f"{word} {n} of {len(found)}" if several else word for word, n in counts.items())
            )
        rows.append([label, *(cell or NONE for cell in cells)])
    return Table("Is each label steered? docs/evaluation.md has the criteria.", rows) if labels else None


def advice(numbers: dict) -> list[str]:
    """Returns lines about labels that are not steered, and edits that go against real rows."""
    lines = {}
    for label, own in numbers.get("verdict", {}).items():
        for flags in own["next"]:
            lines.setdefault(flags, []).append(label)
    tries = [f"Try {flags} for {', '.join(labels)}." for flags, labels in lines.items()]
    return [*tries, *disagreements(numbers.get("effects", {}))]


def effect_tables(numbers: dict) -> list[Table]:
    """Returns a table for each value of a label: what its edits change, beside real rows."""
    tables = []
    for label, values in numbers.get("effects", {}).items():
        for value, features in values.items():
            by_size = sorted(features.items(), key=lambda pair: -_distance(pair[1]))[:MAX_EFFECTS]
            rows = [["mean, or share", "rows without it", "after the edit", "rows with it"]]
            for name, own in by_size:
                rows.append([name, *(f"{own[key]:.4g}" for key in ("without", "edited", "with"))])
            caption = f"What an edit to {label}={value} changes, beside the test rows that have the value."
            tables += [Table(caption, rows)] if by_size else []
    return tables


def _distance(effect: dict[str, float]) -> float:
    """Returns how far an edit moves a mean or real rows differ, in standard deviations."""
    return max(abs(effect[key] - effect["without"]) for key in ("edited", "with")) / effect["sd"]


def headline(numbers: dict, system: str, dataset: str) -> Table:
    """Returns the main numbers of a run, as far as its metrics.json and the report have them."""
    rows = [["on the test data", "this run", "student report"]]
    theirs = published(dataset).get(system, {})
    for entry in _entries([numbers]):
        value, text = written(entry, [numbers])
        if value is not None:
            rows.append([entry.words, text, _given(theirs, entry.path())])
    if not theirs:
        rows = [row[:2] for row in rows]
    return Table("The main numbers. Numbers of labels are means over the labels.", rows)


def _entries(runs: Iterable[dict]) -> list[Entry]:
    """Returns the main numbers that are shown: no mean over features with units of their own."""
    mixed = any("r2" in run.get("reconstruction", {}) for run in runs)
    return [entry for entry in HEADLINE if not (mixed and entry.place == "reconstruction.mse")]


def by_label(numbers: dict, system: str, dataset: str) -> Table | None:
    """Returns the numbers of a run label by label; None if it has only one label."""
    labels = _labels([numbers])
    entries = [entry for entry in BY_LABEL if find(numbers, entry.path()) is not None]
    if len(labels) < 2 or not entries:
        return None
    rows = [["label", *(entry.words for entry in entries)]]
    rows += [[label, *(written(entry, [numbers], label)[1] for entry in entries)] for label in labels]
    caption = "By label, with 95 % intervals of the shares."
    theirs = published(dataset).get(system, {})
    column = [_given(theirs, entries[0].path(label)) for label in labels]
    if set(column) != {NONE}:
        rows = [[*row, cell] for row, cell in zip(rows, ["student report", *column], strict=True)]
        caption += " The student report's number is that of the first column."
    return Table(caption, rows)


def side_by_side(systems: Systems) -> Table:
    """Returns the main numbers of several systems."""
    rows = [
        (entry.words, entry.best, [written(entry, runs) for runs in systems.values()])
        for entry in _entries([run for runs in systems.values() for run in runs])
    ]
    caption = "The main numbers; the best is marked. Numbers of labels are means over the labels."
    return _ranked(caption, ["on the test data", *systems], rows)


def label_tables(systems: Systems, dataset: str) -> list[Table]:
    """Returns tables of numbers by label and system, with those of the report; none for a label."""
    if len(_labels([runs[0] for runs in systems.values()])) < 2:
        return []  # the main table has the number
    tables = [_label_table(systems, dataset, *row) for row in LABEL_TABLES]
    return [table for table in tables if table]


def _label_table(systems: Systems, dataset: str, place: str, caption: str, beside: str = "") -> Table | None:
    entries = {entry.place: entry for entry in BY_LABEL}
    entry = entries[place]
    having = {name: runs for name, runs in systems.items() if find(runs[0], entry.path()) is not None}
    if not having:
        return None
    labels = _labels([runs[0] for runs in having.values()])
    paths = {entry.path(label) for label in labels}
    theirs = {name: values for name, values in published(dataset).items() if paths & set(values)}
    titles = ["label", *having, *(f"report: {name}" for name in theirs)]
    if beside:  # the same for all systems
        titles.insert(1 + len(having), entries[beside].words)
    rows = []
    for label in (*labels, "*"):
        cells = [written(entry, runs, label) for runs in having.values()]
        if beside:
            cells.append((None, written(entries[beside], next(iter(having.values())), label)[1]))
        cells += [(None, _given(values, entry.path(label))) for values in theirs.values()]
        rows.append(("mean" if label == "*" else label, entry.best, cells))
    return _ranked(caption, titles, rows)


def _ranked(caption: str, titles: list[str], rows: list[tuple]) -> Table:
    """Makes a table of rows (title, best value, cells as of ``written``) that have numbers."""
    rows = [row for row in rows if any(value is not None for value, _ in row[2])]
    costs = pd.DataFrame([[_cost(value, best) for value, _ in cells] for _, best, cells in rows])
    best = costs.eq(costs.min(axis=1), axis=0).mul(costs.nunique(axis=1) > 1, axis=0)
    texts = [[title, *(text for _, text in cells)] for title, _, cells in rows]
    return Table(caption, [titles, *texts], best.to_numpy())


def _cost(value: float | None, best: float | None) -> float:
    """Returns how far a value is from the best one, up to a constant; NaN: no distance."""
    if value is None or best is None:
        return math.nan
    return -value if best == HIGH else value if best == LOW else abs(value - best)


def _given(theirs: dict[Path, float], path: Path) -> str:
    return f"{theirs[path]:g}" if path in theirs else NONE


def _labels(runs: Iterable[dict]) -> list[str]:
    """Returns the labels that the runs have numbers of, in the order of the data."""
    parts = ("classification",), ("probe", "z"), ("generation",)
    return list(dict.fromkeys(name for run in runs for part in parts for name in find(run, part) or ()))


def what_was_run(runs: Sequence[dict]) -> Table:
    """Returns the table of the parts "run" of the metrics.json of several runs.

    A run that was measured on other data than those of its training has "measured_on", too, and
    "seen" is how many examples the parts have read that do not read all.
    """
    facts = []
    for run in runs:
        counts = {f"{split} examples": f"{count:,}" for split, count in run["counts"].items()}
        other = run.get("measured_on") or {}
        if other:
            where = f"{other.get('path', other['dataset'])}, {other['counts']['test']:,} test examples"
            other = {"measured on other data": where}
        seen = {name: f"{count:,}" for name, count in (run.get("seen") or {}).items()}
        about = {"data": run["dataset"], **counts, **other, **seen, "seed": str(run["seed"])}
        facts.append({**about, **run["versions"]})
    rows = [[name, *(fact.get(name, NONE) for fact in facts)] for name in facts[0]]
    titles = ["what was run", *(run["system"] for run in runs)]
    return Table("What was run. The flags are at the end of the page.", [titles, *rows])


def columns(info: Info) -> Table | None:
    """Returns what the columns of a table were taken for, and what they hold; None: no table."""
    if not info.columns:
        return None
    rows = [["column", "taken for", "different values"]]
    taken = info.taken_for()
    for name, words in itertools.islice(taken.items(), MAX_COLUMNS):
        different = info.facts.get(name, {}).get("different")
        rows.append([name, words, NONE if different is None else f"{different:,}"])
    more = f", the first {MAX_COLUMNS} of {len(taken)}" if len(taken) > MAX_COLUMNS else ""
    caption = f"The columns of the table{more}. What is far outside is taken for damaged, and counts nowhere."
    return Table(caption, rows)


def as_png(figure: Figure) -> bytes:
    """Renders a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def as_data_uri(png: bytes) -> str:
    """Returns a picture as the source of an <img>: as WebP if that is smaller."""
    kind, content = "png", png
    with contextlib.suppress(OSError):  # no PNG: the browser shows no picture
        buffer = io.BytesIO()
        with PIL.Image.open(io.BytesIO(png)) as picture:
            picture.save(buffer, format="webp", quality=85)
        if len(buffer.getvalue()) < len(png):
            kind, content = "webp", buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def render(
    title: str,
    tables: Iterable[Table | None],
    pictures: Iterable[tuple[str, bytes]],
    flags: dict[str, str],
    first: Table | None = None,
    advice: Iterable[str] = (),
) -> str:
    """Makes the page, HTML in which everything is escaped.

    It has the ``first`` table, such as the verdict, and lines of ``advice`` below it, then the
    pictures (caption, PNG), the other tables, and the flags {run: its flags}. A table that is None
    is passed over.
    """
    inlined = [(caption, as_data_uri(png)) for caption, png in pictures]
    return _PAGE.get_template("report.html").render(
        title=title,
        first=first,
        advice=list(advice),
        pictures=inlined,
        tables=[table for table in tables if table],
        flags=flags,
    )
