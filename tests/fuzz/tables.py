"""Fuzzing of tables: files of any content, and numbers that are written in any notation."""

import functools
import pathlib
import tempfile

import numpy as np

# How a number may be written: from (its sign, integer digits, decimals) to a text.
GROUPS = {"": "", "comma": ",", "point": ".", "blank": " ", "nbsp": "\u00a0", "narrow": "\u202f"}
GROUPS |= {"apostrophe": "'", "curly": "\u2019"}
SIGNS = ("-", "\u2212", "after", "brackets")
UNITS = (("", ""), ("", "%"), ("", " %"), ("$", ""), ("", " \u20ac"), ("EUR ", ""), ("", " kg"))


@functools.cache
def folder():
    """Returns a folder that lives as long as the process."""
    made = tempfile.TemporaryDirectory()
    return made, pathlib.Path(made.name)


def grouped(digits, separator):
    """Returns digits in groups of three."""
    head = len(digits) % 3
    groups = [digits[:head]] * bool(head) + [digits[i : i + 3] for i in range(head, len(digits), 3)]
    return separator.join(groups)


def written(value, decimals, decimal, group, sign, unit):
    """Returns a number as a text in a notation."""
    whole, _, rest = f"{abs(value):.{decimals}f}".partition(".")
    text = grouped(whole, GROUPS[group]) + (decimal + rest if rest else "")
    text = f"{unit[0]}{text}{unit[1]}"
    if value >= 0:
        return text
    return {"after": f"{text}-", "brackets": f"({text})"}.get(sign, f"{sign}{text}")


def refused(error, *where):
    """Checks the message of an error that a command tells in a line."""
    told = str(error)
    assert told.strip(), ("an empty message", *where)
    assert len(told.splitlines()) == 1, (*where, told)
    assert len(told) < 2000, (*where, told[:3000])


def load(path, **options):
    """Loads a table; returns the data set, or None if a sentence refuses it."""
    from tf_csvae import InputError, load_data

    try:
        return load_data("table", data_path=str(path), batch_size=8, **options)
    except InputError as error:
        refused(error)
        return None


def mutated(content):
    """Loads the bytes as a CSV file: no feature is infinite, or a sentence refuses it."""
    _, here = folder()
    path = here / "file.csv"
    path.write_bytes(content)
    label = content.split(b"\n", 1)[0].strip().rsplit(b",", 1)[-1].decode("utf-8", "replace").strip('"\r ;\t')
    for split in ((0.5, 0.25, 0.25), (0.8, 0.1, 0.1)):
        data = load(path, label_columns=(label or "y",), split=split)
        if data is None:
            continue
        for x, _ in data.test:
            assert not np.isinf(x.numpy()).any()  # NaN: a missing value
        data.info.to_columns(x.numpy())


def notations(content):
    """Writes known numbers in a notation that the bytes choose: they read back, or are refused."""
    seed = np.frombuffer(content[:24].ljust(24, b"\0"), np.uint8)
    random = np.random.default_rng(int.from_bytes(content[:24], "little"))
    rows, decimals = 40, int(seed[0] % 5)
    values = random.normal(0, 10.0 ** (seed[1] % 8), rows)
    values = np.round(values if seed[2] % 2 else abs(values), decimals) + 0.0
    decimal, group = ".,"[seed[3] % 2], list(GROUPS)[seed[4] % len(GROUPS)]
    if GROUPS[group] == decimal:
        group = ""
    how = (decimals, decimal, group, SIGNS[seed[5] % len(SIGNS)], UNITS[seed[6] % len(UNITS)])
    delimiter = ",;\t"[seed[7] % 3]
    lines = [delimiter.join(("value", "other", "y"))]
    for row, value in enumerate(values):
        text = written(value, *how)
        cells = (f'"{text}"' if delimiter in text else text, str(row / 7), str(row % 2))
        lines.append(delimiter.join(cells))
    _, here = folder()
    path = here / "numbers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = load(path, label_columns=("y",), split=(0.5, 0.25, 0.25), types=("value:number",))
    if data is None:
        return
    assert data.info.feature_names == ("value", "other"), (how, lines[1:4], data.info.feature_names)
    found = []
    for split in (data.train_from(0).take(data.steps_per_epoch), data.validation, data.test):
        found += [data.info.unscale(x.numpy())[:, 0] for x, _ in split]
    spread = max(values.std(), 1e-9)
    for value in np.concatenate(found):
        nearest = abs(values - value).min()
        # A value beyond the training rows has become their end.
        assert nearest < 1e-3 * spread + 1e-6 * abs(value), (how, lines[1:6], value)


def table(content):
    """One target for both; the first byte chooses."""
    (notations if content[:1] >= b"\x80" else mutated)(content[1:])
