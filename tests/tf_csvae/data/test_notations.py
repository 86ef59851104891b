"""Numbers in other notations: they are read as those numbers, or refused with a sentence."""

import numpy as np
import pytest

from tf_csvae.data import notations
from tf_csvae.data.notations import Notation
from tf_csvae.data.table_files import Problems, Table

NUMBERS = [-1234567.25, -1.5, -0.125, 0, 3, 12.75, 999.5, 1000, 98765.4321, 30000]


def read(*texts, decimal=None, known=None, typed=()):
    table = Table("t.csv", {"x": list(texts)}, list(range(2, 2 + len(texts))), typed=frozenset(typed))
    problems = Problems()
    table, found = notations.plain_table(table, ["x"], decimal, problems, known)
    return table.columns["x"], found.get("x"), problems


def swapped(text):
    return text.translate(str.maketrans(",.", ".,"))


WRITERS = {
    "decimal comma": lambda v: f"{v:.6f}".rstrip("0").rstrip(".").replace(".", ","),
    "decimal comma, all digits": lambda v: f"{v:.4f}".replace(".", ","),
    "thousands comma": lambda v: f"{v:,.4f}",
    "thousands point": lambda v: swapped(f"{v:,.4f}"),
    "blank": lambda v: f"{v:,.4f}".replace(",", " "),
    "blank, decimal comma": lambda v: f"{v:,.4f}".replace(",", " ").replace(".", ","),
    "no-break blank": lambda v: f"{v:,.4f}".replace(",", "\u00a0"),
    "narrow blank": lambda v: f"{v:,.4f}".replace(",", "\u202f").replace(".", ","),
    "thin blank": lambda v: f"{v:,.4f}".replace(",", "\u2009"),
    "apostrophe": lambda v: f"{v:,.4f}".replace(",", "'"),
    "curly apostrophe": lambda v: f"{v:,.4f}".replace(",", "’"),
    "percent": lambda v: f"{v}%",
    "percent, comma": lambda v: f"{v} %".replace(".", ","),
    "dollars": lambda v: f"{'-' * (v < 0)}${abs(v):,.4f}",
    "dollars, accounting": lambda v: f"$({-v:,.4f})" if v < 0 else f"${v:,.4f}",
    "euros": lambda v: swapped(f"{v:,.4f} €"),
    "code before": lambda v: f"CHF {v:,.4f}".replace(",", "’"),
    "code behind": lambda v: f"{v:.4f} USD",
    "unicode minus": lambda v: f"{v:.4f}".replace("-", "−"),
    "trailing minus": lambda v: f"{abs(v):.4f}{'-' * (v < 0)}",
    "accounting": lambda v: f"({-v:.4f})" if v < 0 else f"{v:.4f}",
    "scientific": lambda v: f"{v:.9E}".replace(".", ","),
    "full width": lambda v: f"{v:.4f}".translate(str.maketrans("0123456789.-", "０１２３４５６７８９．－")),
    "arabic": lambda v: f"{v:,.4f}".translate(str.maketrans("0123456789.,", "٠١٢٣٤٥٦٧٨٩٫٬")),
    "a unit": lambda v: f"{v:.4f} kg",
    "another unit": lambda v: f"{v:.4f} mmol/L",
}


@pytest.mark.parametrize("name", WRITERS)
def test_known_numbers_are_read_back_to_the_last_digit(name):
    texts, notation, problems = read(*map(WRITERS[name], NUMBERS), "", "NA")
    assert not problems
    assert [float(text) for text in texts[:-2]] == NUMBERS
    assert texts[-2:] == ["", "NA"]
    assert notation is not None
    assert notation.described()


@pytest.mark.parametrize(
    ("texts", "comma", "point"),
    [
        (("30,000", "31,000"), ["30.000", "31.000"], ["30000", "31000"]),
        (("1.234", "2.345"), ["1234", "2345"], ["1.234", "2.345"]),
        (("$1.234", "$2.000"), ["1234", "2000"], ["1.234", "2.000"]),
        (("1.234", "2.345", "1,5"), ["1234", "2345", "1.5"], None),
        (("1,037", "826", "831"), ["1.037", "826", "831"], ["1037", "826", "831"]),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked(texts, comma, point):
    _, _, problems = read(*texts)
    (problem,) = problems
    assert problem.startswith("t.csv, column x: ")
    assert "--decimal=, for the first, --decimal=. for the second" in problem
    assert read(*texts, decimal=",")[0] == comma
    assert not read(*texts, decimal=",")[2]
    if point:
        assert read(*texts, decimal=".")[0] == point
        assert not read(*texts, decimal=".")[2]
    # A run's own notation, and a file that holds numbers, leave no doubt.
    assert read(*texts, known={"x": Notation(",", ".", "$" * ("$" in texts[0]))})[0] == comma
    assert read(*texts, typed="x") == (list(texts), None, [])


@pytest.mark.parametrize(
    ("other", "read_as"),
    [
        (("0.250", "1.500"), ["1.234", "2.345"]),
        (("0,250", "1,500"), ["1234", "2345"]),
        (("$1,234.500", "$7.250"), ["1.234", "2.345"]),
        # 0.25 may be of another hand than 1.234 for 1234.
        (("0.25", "1.500"), None),
        (("1", "2"), None),
        (("red", "v1.500"), None),
        (("", ""), None),
    ],
)
def test_a_table_of_three_decimals_has_them_in_every_column(other, read_as):
    table = Table("t.csv", {"x": ["1.234", "2.345"], "y": list(other)}, [2, 3])
    problems = Problems()
    table, _ = notations.plain_table(table, ["x", "y"], None, problems)
    assert bool(problems) == (read_as is None)
    assert table.columns["x"] == (read_as or ["1.234", "2.345"])


def test_columns_of_both_separators_leave_the_doubt():
    table = Table("t.csv", {"x": ["30,000"], "y": ["0.125"], "z": ["0,125"]}, [2])
    problems = Problems()
    notations.plain_table(table, ["x", "y", "z"], None, problems)
    (problem,) = problems
    assert "--decimal=" in problem


def test_the_question_shows_both_readings():
    assert read("30,000", "31,000")[2] == [
        "t.csv, column x: '30,000' may be 30 or 30000, and so all numbers of the column. Give "
        "--decimal=, for the first, --decimal=. for the second."
    ]


@pytest.mark.parametrize(
    "texts",
    [
        ("1.5", "2.5", "3"), ("0.123", "1.234"), ("1.234", "12.3"), ("1e3", "2"), ("007", "12"),
        ("red", "blue"), ("Q1", "Q2"), ("C23", "C85"), ("PC 324", "PC 480"), ("1st", "2nd"),
        ("4x4", "2x2"), ("1.2.3", "1.10.0"), ("05.10.2020", "06.11.2021"), ("2020-05-14", "2019-01-01"),
        ("192.168.100.101", "192.168.100.200"), ("12A", "7B", "3C"), ("3D", "2D"), ("<=50K", ">50K"),
        ("5-10", "10-20"), ("10:30", "11:45"), ("1-", "2+", "3-"), ("A-", "B-"), ("5+", "6+"),
        ("10_2020", "11_2020"), ("",), (),
    ],
)  # fmt: skip
def test_other_texts_stay_what_they_are(texts):
    assert read(*texts) == (list(texts), None, [])


@pytest.mark.parametrize(
    "texts",
    [
        ("12k", "13k"), ("12k", "1.2M"), ("5 kg", "7 g"), ("$5", "€7"), ("5%", "7"),
        ("1,00,000", "12,34,567"), ("1,5", "2.5"), ("1.234,5", "1,234.5"), ("3 Mio", "4 Mio"),
        ("1-", "2-", "3"),
    ],
)  # fmt: skip
def test_texts_that_only_look_like_numbers_are_refused(texts):
    found, notation, problems = read(*texts)
    assert (found, notation) == (list(texts), None)
    assert problems == [
        f"t.csv, column x: the texts, such as {texts[0]!r} and {texts[1]!r}, look like numbers, but "
        "not all are written in the same known way. Write plain numbers, or make the column a "
        "category: --types=x:category, of a label --label_kinds=x:categorical."
    ]


def test_a_grade_is_no_number_but_a_sum_of_money_is():
    assert read("1-", "2+", "3")[:2] == (["1-", "2+", "3"], None)
    assert read("EUR 1-", "EUR 2", "EUR 3-")[0] == ["-1", "2", "-3"]


def test_a_value_in_another_notation_than_most_is_told_by_its_row():
    texts, _, problems = read("1,5", "2,5", "2.5", "3,5")
    assert texts == ["1.5", "2.5", "", "3.5"]
    (problem,) = problems
    assert problem.startswith(
        "t.csv, line 4, column x: expected a number as elsewhere in the column (decimal comma). "
        "Received: '2.5'."
    )


def test_the_runs_notation_is_read_first_and_a_new_one_is_found():
    comma = {"x": Notation(",", ".")}
    assert read("1.234", known=comma)[0] == ["1234"]
    assert read("1.5", known=comma)[:2] == (["1.5"], None)
    assert read("1.234", known={})[:2] == (["1.234"], None)
    assert read("1,5", known={})[0] == ["1.5"]


def test_what_was_read_is_told():
    assert notations.told({"a": Notation(",", "."), "b": Notation(suffix="%"), "c": Notation()}) == [
        "The column a is read as numbers: decimal comma, thousands point.",
        "The column b is read as numbers: unit %.",
        "The column c is read as numbers: other signs.",
    ]
    with pytest.raises(ValueError, match="no notation"):
        Notation("x")


def test_large_columns_are_read_quickly():
    values = np.random.default_rng(0).normal(size=20_000)
    texts, _, _ = read(*[f"{value:.5f}".replace(".", ",") for value in values])
    np.testing.assert_allclose(np.array(texts, float), values, atol=1e-5)
