"""CSV and Parquet files: what is read, and the places of mistakes."""

import re

import numpy as np
import pandas
import pytest

from tf_csvae import InputError
from tf_csvae.data import table_files


def read(tmp_path, text, **options):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return table_files.read(str(path), **options)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_values_are_the_texts_of_the_file(tmp_path, delimiter, end):
    rows = ["\ufeffname,note", "001, 1.0 ", '"x,;\t|y","say ""yes"""', "", '"one\ntwo",NA', "é,"]
    text = end.join(row.replace(",", delimiter) if "x" not in row else row for row in rows)
    table = read(tmp_path, text.replace('","', f'"{delimiter}"'))
    assert table.columns == {
        "name": ["001", "x,;\t|y", "one\ntwo", "é"],
        "note": ["1.0", 'say "yes"', "NA", ""],
    }
    assert table.lines == [2, 3, 6, 7]  # the last line of each row
    assert table.at(2, "note") == f"{tmp_path}/t.csv, line 6, column note"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"t\.csv is empty. Its first line should name the columns"),
        ("\n\n", r"t\.csv is empty"),
        ("a,b\n\n", r"t\.csv has no rows under its header"),
        ("a,b,a\n1,2,3\n", r"line 1: the column 'a' is there twice"),
        ('a,b\n"1\n2",3\n\n4\n', r"line 5: expected 2 values, one per column. Received: 1"),
        ("a,b\n1,2\n4,5,6\n", r"line 3: expected 2 values, one per column. Received: 3"),
        ('a,b\n1,2\n3,"4\n', r"line 3: this is no row of a CSV file: a quotation mark is not closed"),
        (f"a,b\n1,2\n{'x' * 200_000},4\n", r"line 3: .* a value has more than 131,072 characters, or a quot"),
        (b"a,b\n\xff,1\n", r"no CSV file in UTF-8, line 2: the byte 0xff is no character of UTF-8"),
        (
            "a,b\ncaf\u00e9,1\n".encode("latin-1"),
            r"line 2: the byte 0xe9 .*in Latin-1 \(Windows\) it is '\u00e9'",
        ),
        ("a,b\n1,2\n".encode("utf-16-le"), r"line 1: there is a NUL character, as in files in UTF-16\. Save"),
        (b"a,b\n1,2\nx\0y,2\n", r"line 3: there is a NUL character"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], r"line 2: the byte 0x0a is no character of UTF-16\. Save"),
        (b"PK\x03\x04 a workbook", r"t\.csv is no CSV or Parquet file\. Save the table as CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_told_with_its_line(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint) as raised:
        read(tmp_path, text)
    assert "\n" not in str(raised.value)


def test_parquet_values_become_text_and_gaps_are_empty(tmp_path):
    frame = pandas.DataFrame(
        {
            "whole": pandas.array([1, None, 3], dtype="Int64"),
            "number": [0.1, np.nan, 3],
            "single": np.float32([0.5, 1, 2]),
            "word": [" a", None, "NA"],
            "sure": [True, False, True],
        },
        index=pandas.Index([7, 8, 9], name="row"),
    )
    path = str(tmp_path / "t.parquet")
    frame.to_parquet(path)
    table = table_files.read(path)
    assert table.columns == {
        "whole": ["1", "", "3"],
        "number": ["0.1", "", "3.0"],
        "single": ["0.5", "1.0", "2.0"],
        "word": ["a", "", "NA"],
        "sure": ["True", "False", "True"],
        "row": ["7", "8", "9"],
    }
    assert table.at(1, "word") == f"{path}, row 2, column word"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_mark_tells_the_encoding(tmp_path, encoding):
    table = read(tmp_path, "name,size\né,1\n€,2\n".encode(encoding))
    assert table.columns == {"name": ["é", "€"], "size": ["1", "2"]}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        # More commas than semicolons in the header, and in the values.
        ("mass, g; width, height, mm;y\n0,3;-1,4;0\n0,8;2;1\n", ["mass, g", "width, height, mm", "y"]),
        ('"a,b,c,d";"e"\n"1,2,3";0\n"1";1\n', ["a,b,c,d", "e"]),
        ('name,"note;s;t;u"\n1,"a;b"\n2,c\n', ["name", "note;s;t;u"]),
        ('"a\tb\tc",y\n"line 1;\n;;line 2",0\nx,1\n', ["a\tb\tc", "y"]),
        ("name\n2,5\n", None),
        ("only\nx\ny\n", ["only"]),
        ("a|b\n1,5|x\n", ["a", "b"]),
        ("a;b,c\n1;2,3\n4,5;6\n", ["a", "b,c"]),
    ],
)
def test_the_delimiter_makes_all_rows_equally_long(tmp_path, text, columns):
    if columns:
        assert list(read(tmp_path, text).columns) == columns
    else:
        with pytest.raises(InputError, match=r"line 2: expected 1 values, one per column. Received: 2"):
            read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("000001.jpg,1\n000002.jpg,-1\n", r"'000001\.jpg, 1', where '1' looks like a number"),
        ("name;0,5\nx;0,7\n", "'0,5' looks like a number"),
        ("a,-1e-3\nb,2\n", "'-1e-3' looks like a number"),
        ("12 %;a\n9 %;b\n", "'12 %' looks like a number"),
        ("a;€ 1.234,50\nb;€ 2\n", "'€ 1.234,50' looks like a number"),
        ("a;\u22121\nb;2\n", "'\u22121' looks like a number"),
        ("a;(3.1)\nb;2\n", r"'\(3.1\)' looks like a number"),
        ("2022-05-14,cash\n2022-05-15,card\n", "'2022-05-14' looks like a number"),
        ("size,2019,2020\n1,2,3\n", "'2019' looks like a number"),
        ("red,yes\nblue,no\n\nred,no\n", "'red' is a value of the same column in line 4, too"),
    ],
)
def test_a_first_line_that_may_be_a_row_is_asked_about(tmp_path, text, reason):
    with pytest.raises(InputError, match=r"t.csv, line 1: expected the names of the columns") as raised:
        read(tmp_path, text)
    assert re.search(reason, str(raised.value))
    assert "Give --header=yes if these are names, and --header=no if they are the first row" in str(
        raised.value
    )
    first = text.split("\n")[0].split(";" if ";" in text else ",")
    named, row = read(tmp_path, text, header="yes"), read(tmp_path, text, header="no")
    assert list(named.columns) == first
    assert list(row.columns) == [f"column_{place}" for place in range(1, len(first) + 1)]
    assert [values[0] for values in row.columns.values()] == first
    assert len(row) == len(named) + 1
    assert (row.lines[0], named.lines[0]) == (1, 2)


@pytest.mark.parametrize("names", ["x1,x2", "a/100 g,Na", "Q1,C23", "1st,4x4", "5 kg,v1.2", "e,E5"])
def test_names_with_digits_are_names(tmp_path, names):
    assert list(read(tmp_path, f"{names}\n1,2\n").columns) == names.split(",")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (",a\n0,x\n1,y\n", r"'Unnamed: 0' counts the rows, as an index does .*--ignore=\"Unnamed: 0\""),
        ('"",a\n"1",x\n"2",y\n', "'Unnamed: 0' counts the rows"),
        ("Unnamed: 0,a\n0,x\n1,y\n", "'Unnamed: 0' counts the rows"),
        ("Unnamed: 0.1,Unnamed: 0,a\n0,3,x\n1,2,y\n", '--ignore="Unnamed: 0.1,Unnamed: 0"'),
        (",a\n7,x\n3,y\n", "'Unnamed: 0' has no name. Leave it out"),
        (
            "a;b;;\n1;2;;\n",
            "'Unnamed: 2' has no name. .*--ignore=\"Unnamed: 2,Unnamed: 3\", or give it a name",
        ),
    ],
)
def test_a_column_without_a_name_is_asked_about(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint) as raised:
        read(tmp_path, text)
    asked = re.search('--ignore="(.*)"', str(raised.value))[1].split(",")
    assert set(read(tmp_path, text, ignore=asked).columns) <= {"a", "b"}


def test_columns_are_left_out(tmp_path):
    text = "row,a,note\n1,2,3\n"
    assert read(tmp_path, text, ignore=["row", "note"]).columns == {"a": ["2"]}
    with pytest.raises(InputError, match=r"Unknown column of .* in --ignore 'rows'. Did you mean row"):
        read(tmp_path, text, ignore=["rows"])
    with pytest.raises(InputError, match="--ignore=row,a,note leaves no column of"):
        read(tmp_path, text, ignore=["row", "a", "note"])


def test_the_columns_of_a_run_tell_what_the_first_line_is(tmp_path):
    years = "2019,2020\n1,2\n"
    assert list(read(tmp_path, years, known=["2020"]).columns) == ["2019", "2020"]
    unnamed = read(tmp_path, years, known=["column_1", "column_2"])
    assert unnamed.columns == {"column_1": ["2019", "1"], "column_2": ["2020", "2"]}
    # What export.apply wrote for such a run has names.
    named = read(tmp_path, "column_1,column_2\n1,2\n", header="no", known=["column_1"])
    assert named.columns == {"column_1": ["1"], "column_2": ["2"]}
    # An index beside the columns does not matter, nor does one that is not there.
    assert list(read(tmp_path, ",a\n0,x\n", known=["a"]).columns) == ["a"]
    assert list(read(tmp_path, "a,b\n0,x\n", ignore=["Unnamed: 0"], known=["a"]).columns) == ["a", "b"]


def test_a_name_of_several_lines_becomes_one_line(tmp_path):
    assert list(read(tmp_path, '"mass\r\n(g)",y\n1,2\n').columns) == ["mass (g)", "y"]


def test_a_name_with_a_comma_is_told_where_a_flag_names_a_part_of_it(tmp_path):
    table = read(tmp_path, "mass, g;y\n1;0\n2;1\n")
    with pytest.raises(InputError, match=r"--types names 'mass', and .* has the column 'mass, g'"):
        table.column("mass", "--types")


@pytest.mark.parametrize("name", ["t.PARQUET", "t.pq", "t.parq", "t.parquet.snappy", "k=1/t.parquet"])
def test_parquet_is_known_by_its_ending_or_its_content(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_parquet(path)
    assert table_files.read(str(path)).columns == {"a": ["1", "2"], "b": ["x", "y"]}
    with pytest.raises(InputError, match="--header=no is for CSV files"):
        table_files.read(str(path), header="no")
    path.write_text("a,b\n1,2\n")
    if not name.endswith("snappy"):
        with pytest.raises(InputError, match="is no Parquet file: "):
            table_files.read(str(path))


@pytest.mark.parametrize("name", ["t.xlsx", "t.XLS", "t.json", "t.feather", "t.csv.gz", "t.ods"])
def test_other_kinds_of_files_are_told_what_to_do(tmp_path, name):
    path = tmp_path / name
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        InputError, match=rf"{name} is no CSV or Parquet file. Save the table as CSV in UTF-8"
    ):
        table_files.read(str(path))
    with pytest.raises(InputError, match=r"is no file. A CSV or Parquet file with a header is expected"):
        table_files.read(str(tmp_path))
