"""Numbers as people write them: decimal commas, thousands separators, percent signs, currencies.

A column of a table that is written in one of these notations is rewritten as Python writes numbers,
digit by digit, so that nothing else has to know about notations.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tf_csvae.texts import missing, number

if TYPE_CHECKING:
    from tf_csvae.data.table_files import Problems, Table

# (decimal, thousands) in the order in which they are tried.
_SEPARATORS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
_NAMES = {",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}

# Signs that stand for a minus, a blank, an apostrophe, a point, a comma.
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008\u2002\u2003\u3000\t", " "),
        **dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'"),
        **dict.fromkeys("\u066b", "."),
        **dict.fromkeys("\u066c\uff0c", ","),
        "\uff0e": ".",
        "\uff0b": "+",
        "\uff05": "%",
        "\u066a": "%",
    }
)

_SIGNS = "$¢£¤¥֏؋৲৳฿﷼" + "".join(map(chr, range(0x20A0, 0x20C1)))
_CODES = (
    "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KES KRW KZT MAD "
    "MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR "
    "Fr Fr. kr kr. Kč Ft lei R$ Rp Rs Rs. RM S$ US$ A$ C$ CA$ AU$ HK$ NZ$ zł"
)
_CURRENCIES = {*_SIGNS, *_CODES.casefold().split()}

# A unit that is none of these counts only if it stands behind every number of the column.
_UNITS = {"%", "‰", "°", "°c", "°f", "kg", "g", "mg", "km", "m", "cm", "mm", "l", "ml", "h", "min", "s", "ms"}
_MULTIPLIERS = {
    *("k", "mio", "mio.", "mln", "mn", "mrd", "mrd.", "bn", "tsd", "tsd.", "cr", "crore", "crores"),
    *("lac", "lakh", "lakhs", "thousand", "million", "millions", "billion", "billions", "万", "億", "亿"),
}

# What makes a code of a number, as in 1st, 3D, 4x.
_CODE_ENDINGS = {"st", "nd", "rd", "th", "d", "x", "e", "er", "ª", "º"}

# A number with its units: "-5", "$ 1,234.50", "12 %", "(3.1)", "7-", "1.5e-3 kg".
_UNIT = rf"[^\W\d_{_SIGNS}](?:[^\W\d_]|[.$/²³*])*[23]?|[°%‰µ{_SIGNS}](?:[^\W\d_]|[/²³$])*"
_WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-]?) ?(?P<prefix>(?:{_UNIT})?) ?(?P<inner>[+(-]?) ?"
    r"(?P<core>(?:\d|[.,](?=\d))(?:[\d.,']|[ ](?=\d))*(?:[eE][+-]?\d+)?)"
    rf"(?P<after>-?) ?(?P<suffix>(?:{_UNIT})?)(?P<trailing>-?)(?P<close>\))?"
)
_NO_CENTS = re.compile(r"(?<=\d)[.,]--?(?!\d)")  # as in 5.- and 5,--
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}")  # as in 192.168.100.200
_INDIAN = re.compile(r"\d{1,2}(,\d{2})+,\d{3}(\.\d+)?")

# Longer texts are no numbers.
_LONGEST = 100


@dataclasses.dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Attributes:
        decimal: the decimal separator, "." or ",".
        thousands: what separates groups of three digits, or "".
        prefix: what stands before each number, as in "$".
        suffix: what stands behind each number, as in "%".
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for fields that are no notation."""
        texts = isinstance(self.prefix, str) and isinstance(self.suffix, str)
        if (self.decimal, self.thousands) not in _SEPARATORS or not texts:
            raise ValueError(f"This is no notation of numbers: {self}")

    def plain(self, text: str) -> str | None:
        """Returns a number of this notation as Python writes it, or None for another text."""
        written = _parse(text)
        if written is None or written[2:] != (self.prefix, self.suffix):
            return None
        digits = _digits(written[1], self.decimal, self.thousands)
        return None if digits is None else written[0] + digits

    def described(self) -> str:
        """Returns the notation in words, as in "decimal comma, unit %"."""
        parts = [
            f"decimal {_NAMES[self.decimal]}" if self.decimal != "." else "",
            f"thousands {_NAMES[self.thousands]}" if self.thousands else "",
            f"currency {self.prefix}" if self.prefix else "",
            f"unit {self.suffix}" if self.suffix else "",
        ]
        return ", ".join(filter(None, parts)) or "other signs"


def plain_table(
    table: Table,
    names: Sequence[str],
    decimal: str | None,
    problems: Problems,
    known: Mapping[str, Notation] | None = None,
) -> tuple[Table, dict[str, Notation]]:
    """Returns a table whose numbers are written as Python writes them, and how they were written.

    Args:
        table: the table.
        names: the columns that may be numbers.
        decimal: the decimal separator of columns that can be read in two ways; None: that of other
            columns in which all numbers have three decimals. If there are none, it is asked.
        problems: gets a sentence about each column and value that cannot be read.
        known: the notations of the data of a run. A column is read in its run's notation, if that
            reads all of it.

    Returns:
        The table, and {column: its notation} of the columns that were not in Python's notation.
    """
    columns, found = dict(table.columns), {}
    names = [name for name in names if name not in table.typed]
    texts = {name: collections.Counter(t for t in columns[name] if not missing(t)) for name in names}
    readings = {}
    for name, counts in texts.items():
        if known is not None and all(_reads(known.get(name), text) for text in counts):
            readings[name] = [known.get(name)]
        else:
            readings[name] = _readings(table, name, counts, problems)
    signs = {_decimal(each[0]) for name, each in readings.items() if _settles(each, texts[name])}
    if decimal is None and len(signs) == 1:
        (decimal,) = signs
    for name, counts in texts.items():
        notation = _choose(table, name, counts, readings[name], decimal, problems)
        if notation is None:
            continue
        found[name] = notation
        plain = {text: notation.plain(text) for text in counts}
        for row, text in enumerate(columns[name]):
            if plain.get(text, text) is None:
                problems.append(
                    f"{table.at(row, name)}: expected a number as elsewhere in the column "
                    f"({notation.described()}). Received: {text!r}. If these are categories, say so by "
                    "--types, of a label by --label_kinds."
                )
        columns[name] = [plain.get(text, text) or "" for text in columns[name]]
    return dataclasses.replace(table, columns=columns), found


def told(notations: Mapping[str, Notation]) -> list[str]:
    """Returns a sentence about each column that was not in Python's notation."""
    return [f"The column {name} is read as numbers: {how.described()}." for name, how in notations.items()]


def _decimal(notation: Notation | None) -> str:
    return "." if notation is None else notation.decimal


def _plain(text: str, notation: Notation | None) -> str:
    """Returns a text as Python writes numbers, if it is one; None: it is written so already."""
    return text if notation is None else notation.plain(text) or ""


def _reads(notation: Notation | None, text: str) -> bool:
    return not math.isnan(number(_plain(text, notation)))


def _settles(readings: Sequence[Notation | None], counts: Mapping[str, int]) -> bool:
    """Returns whether all numbers of a column have three decimals, and one reading only.

    Then whoever wrote the table wrote three decimals everywhere: the 1.234 of another column is no
    1234. A column with other decimals tells nothing of that kind.
    """
    if len(readings) > 1 or not counts:
        return False
    return all(re.fullmatch(r"[+-]?\d*\.\d{3}", _plain(text, readings[0])) for text in counts)


def _readings(
    table: Table, name: str, counts: Mapping[str, int], problems: Problems
) -> list[Notation | None]:
    """Returns the notations of texts {text: times}. None: Python's, or that of no number."""
    total = sum(counts.values())
    plain = {text: value for text in counts if (value := number(text)) == value}
    is_plain = len(plain) == len(counts)
    if is_plain and not all(re.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})+", t) for t in plain if "." in t):
        return [None]  # the usual case, told apart quickly
    parsed = {text: _parse(text) for text in counts}
    unit = _unit(parsed, counts)
    read = {None: plain}
    if unit is not None:
        notations = [Notation(*separators, *unit) for separators in _SEPARATORS]
        read |= {each: _values(each, parsed) for each in notations}
    shares = {each: sum(counts[text] for text in values) / total for each, values in read.items() if values}
    best = max(shares.values(), default=0)
    if best <= 0.5:
        if _resembles(parsed, counts):
            shown = " and ".join(map(repr, list(counts)[:2]))
            problems.append(
                f"{table.path}, column {name}: the texts, such as {shown}, look like numbers, but not "
                "all are written in the same known way. Write plain numbers, or make the column a "
                f"category: --types={name}:category, of a label --label_kinds={name}:categorical."
            )
        return [None]
    # A column most of which Python reads is not read in another way unless one asks for it.
    rivals = [each for each, share in shares.items() if share == best or (each is None and share > 0.5)]
    rivals.sort(key=lambda each: (-shares[each], each is not None))
    told_apart = any(len({read[e][text] for e in rivals if text in read[e]}) > 1 for text in counts)
    return rivals if told_apart else rivals[:1]


def _choose(
    table: Table,
    name: str,
    counts: Mapping[str, int],
    readings: Sequence[Notation | None],
    decimal: str | None,
    problems: Problems,
) -> Notation | None:
    """Returns the reading with a decimal separator. If there are several and none, it is asked."""
    of_sign = {_decimal(each): each for each in reversed(readings)}
    if len(readings) == 1 or decimal in of_sign:
        return of_sign.get(decimal, readings[0])
    for text in counts:
        # Of readings with the same separator the first, which is the best, is kept.
        values = {_decimal(e): number(_plain(text, e)) for e in reversed(readings) if _reads(e, text)}
        if len(set(values.values())) > 1:
            problems.append(
                f"{table.path}, column {name}: {text!r} may be {values[',']:.15g} or {values['.']:.15g}, "
                "and so all numbers of the column. Give --decimal=, for the first, --decimal=. for the "
                "second."
            )
            break
    return None


def _values(notation: Notation, parsed: Mapping[str, tuple | None]) -> dict[str, float]:
    found = {}
    for text, written in parsed.items():
        if written and written[2:] == (notation.prefix, notation.suffix):
            digits = _digits(written[1], notation.decimal, notation.thousands)
            if digits is not None:
                found[text] = number(written[0] + digits)
    return {text: value for text, value in found.items() if value == value}


def _unit(parsed: Mapping[str, tuple | None], counts: Mapping[str, int]) -> tuple[str, str] | None:
    """Returns (prefix, suffix) of most texts, if it makes no multiple or code of a number."""
    units = collections.Counter()
    for text, written in parsed.items():
        if written:
            units[written[2:]] += counts[text]
    if not units:
        return None
    (prefix, suffix), count = units.most_common(1)[0]
    total, end = sum(counts.values()), suffix.casefold()
    if prefix and prefix.casefold() not in _CURRENCIES:
        return None
    if end in _MULTIPLIERS or end in _CODE_ENDINGS or suffix in ("M", "B", "T"):
        return None
    # A letter may be a code, as in 34m and 25f, unless it stands everywhere.
    is_known = end in ("", *_UNITS, *_CURRENCIES) and not (len(end) == 1 and end.isalpha())
    return (prefix, suffix) if is_known or count == total else None


def _resembles(parsed: Mapping[str, tuple | None], counts: Mapping[str, int]) -> bool:
    """Returns whether most texts are numbers in some notation, with some unit or multiple."""
    units = {"", *_UNITS, *_CURRENCIES, *_MULTIPLIERS}

    def resembles(written: tuple | None) -> bool:
        if written is None:
            return False
        _, core, prefix, suffix = written
        if prefix.casefold() not in ("", *_CURRENCIES):
            return False
        if suffix.casefold() not in units and suffix not in ("M", "B", "T"):
            return False
        return bool(_INDIAN.fullmatch(core)) or any(_digits(core, *each) for each in _SEPARATORS)

    alike = sum(counts[text] for text, written in parsed.items() if resembles(written))
    # 1- may be a grade, or accounting's -1. Grades have a 2+ somewhere.
    if not any(re.fullmatch(r"\d\+", text) for text in counts):
        alike += sum(count for text, count in counts.items() if re.fullmatch(r"\d-", text))
    return alike > 0.5 * sum(counts.values())


def _parse(text: str) -> tuple[str, str, str, str] | None:
    """Returns (sign, digits with their separators, prefix, suffix) of a number, or None."""
    if len(text) > _LONGEST:
        return None
    text = text.translate(_SAME).strip()
    if not text.isascii():  # full-width and Arabic digits
        text = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    match = _WRITTEN.fullmatch(_NO_CENTS.sub("", text))
    if not match or ("(" in (match["open"], match["inner"])) != bool(match["close"]):
        return None
    signs = [match[name] for name in ("open", "sign", "inner", "after", "trailing") if match[name]]
    has_unit = match["prefix"] or match["suffix"]
    is_grade = len(match["core"]) == 1 and (match["after"] or match["trailing"]) and not has_unit
    if len(signs) > 1 or is_grade or _ADDRESS.fullmatch(match["core"]):
        return None
    sign = "-" if signs and signs[0] != "+" else ""
    return sign, match["core"], match["prefix"], match["suffix"]


@functools.cache
def _pattern(decimal: str, thousands: str) -> re.Pattern:
    whole = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|\d+" if thousands else r"\d+"
    sign = re.escape(decimal)
    return re.compile(
        rf"(?P<whole>{whole})?(?:{sign}(?P<fraction>\d*))?(?P<exponent>[eE][+-]?\d+)?", re.ASCII
    )


def _digits(core: str, decimal: str, thousands: str) -> str | None:
    """Returns digits with their separators as Python writes them, or None for another notation."""
    match = _pattern(decimal, thousands).fullmatch(core)
    if not match or not (match["whole"] or match["fraction"]):
        return None
    whole = (match["whole"] or "0").replace(thousands, "") if thousands else match["whole"] or "0"
    fraction = "" if match["fraction"] is None else f".{match['fraction']}"
    return whole + fraction + (match["exponent"] or "")
