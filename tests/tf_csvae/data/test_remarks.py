"""What a table holds, and what may be a mistake in it."""

import pytest

from tf_csvae.data import load_data


def load(path, header, rows, **options):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return load_data("table", data_path=str(path), label_columns=["sick"], **options).info


def test_the_cells_of_each_column_are_counted(tmp_path):
    rows = [(i / 8, "" if i % 10 == 0 else "ab"[i % 2], i % 2) for i in range(200)]
    rows[17] = (9e14, "a", 1)
    info = load(tmp_path / "t.csv", "size,kind,sick", rows)
    assert info.facts == {
        "size": {"missing": 0, "different": 200, "outside": 1},
        "kind": {"missing": 20, "different": 2, "outside": 0},
        "sick": {"missing": 0, "different": 2, "outside": 0},
    }
    assert info.taken_for()["size"].endswith(", 1 far outside")
    assert info.taken_for()["kind"] == "category of 2 (a, b), 20 missing"
    assert info.remarks == ()


@pytest.mark.parametrize(
    ("spellings", "found"), [(("Male", "male"), True), (("a b", "ab"), True), (("a", "b"), False)]
)
def test_spellings_that_differ_in_case_or_blanks_are_told(tmp_path, capsys, spellings, found):
    rows = [(i / 8, spellings[i % 2], i % 3 % 2) for i in range(60)]
    info = load(tmp_path / "t.csv", "size,kind,sick", rows)
    assert (", ".join(map(repr, spellings)) in capsys.readouterr().out) == found
    assert bool(info.remarks) == found


def test_columns_that_may_name_groups_are_told_unless_they_are_given(tmp_path):
    rows = [(i / 8, f"p{i // 4}", i % 2) for i in range(80)]
    info = load(tmp_path / "t.csv", "size,patient,sick", rows)
    (remark,) = info.remarks
    assert "column patient: 20 values, each in 4.0 rows on average" in remark
    assert "--group_column=patient keeps each in one split" in remark
    assert load(tmp_path / "t.csv", "size,patient,sick", rows, group_column="patient").remarks == ()
    rows = [(i / 8, f"p{i}", i % 2) for i in range(80)]  # each patient once
    assert load(tmp_path / "t.csv", "size,patient,sick", rows).remarks == ()
