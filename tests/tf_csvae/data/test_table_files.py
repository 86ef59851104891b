"""CSV and Parquet files: what is read, and the places of mistakes."""

import numpy as np
import pandas
import pytest

from tf_csvae import InputError
from tf_csvae.data import table_files


def read(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return table_files.read(str(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_values_are_the_texts_of_the_file(tmp_path, delimiter, end):
    rows = ["\ufeffname,note", "001, 1.0 ", '"x,;\ty","say ""yes"""', "", '"one\ntwo",NA', "é,"]
    text = end.join(row.replace(",", delimiter) if "x" not in row else row for row in rows)
    table = read(tmp_path, text.replace('","', f'"{delimiter}"'))
    assert table.columns == {
        "name": ["001", "x,;\ty", "one\ntwo", "é"],
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
        ('a,b\n1,2\n3,"4\n', r"no CSV file in UTF-8, line 3: unexpected end of data"),
        (b"a,b\n\xff,1\n", r"no CSV file in UTF-8"),
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
