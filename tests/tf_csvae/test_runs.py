import csv
import os

import pytest

from tf_csvae import InputError, runs

FLAGS = "# python -m trainers.csvae\n--epochs=3\n--seed=0\n"


@pytest.fixture
def run(tmp_path):
    run = runs.Run(str(tmp_path / "run"))
    run.begin(FLAGS)
    return run


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    runs.write_text(str(path), "old")

    def fail_in_the_middle():
        with runs.written_whole(str(path)) as temporary, open(temporary, "w") as file:
            file.write("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == ["file.txt"]


def test_an_unfinished_run_of_the_same_flags_is_gone_on_with(run):
    run.check(FLAGS)


def test_other_flags_are_named_and_need_a_word(run):
    other = FLAGS.replace("3", "5")
    with pytest.raises(
        InputError, match=r"holds another run \(--epochs: 3 there, 5 here\).*--overwrite.*--resume"
    ):
        run.check(other)
    run.check(other, resume=True)
    run.check(other, overwrite=True)


def test_a_finished_run_needs_a_word(run):
    runs.write_json(run.file(runs.METRICS), {"a": 1})
    assert run.metrics() == {"a": 1}
    with pytest.raises(InputError, match="holds this run, finished"):
        run.check(FLAGS)
    run.check(FLAGS, resume=True)
    run.begin(FLAGS)
    with pytest.raises(InputError, match="no finished run"):
        run.metrics()


def test_another_trainers_run_is_never_resumed(run):
    with pytest.raises(InputError, match=r"trainers.csvae, not of .*trainers.vae"):
        run.check(FLAGS.replace("csvae", "vae"), resume=True)


def test_what_is_no_run_is_never_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(InputError, match="holds other files and no run"):
        runs.Run(str(tmp_path)).check(FLAGS, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        runs.Run(str(tmp_path / "thesis.tex")).check(FLAGS)
    with pytest.raises(InputError, match="there is no run"):
        runs.Run(str(tmp_path / "new")).check(FLAGS, resume=True)
    assert (tmp_path / "thesis.tex").read_text() == "all of it"


def test_a_folder_with_a_flags_file_of_its_own_is_no_run(tmp_path):
    (tmp_path / "flags.txt").write_text("a list of countries")
    with pytest.raises(InputError, match="holds other files and no run"):
        runs.Run(str(tmp_path)).check(FLAGS, overwrite=True)


def test_resume_and_overwrite_exclude_each_other(run):
    with pytest.raises(InputError, match="exclude each other"):
        run.check(FLAGS, resume=True, overwrite=True)


def test_a_negated_flag_is_compared_by_its_value(run):
    with pytest.raises(InputError, match=r"\(--flip: absent there, false here\)"):
        run.check(FLAGS + "--noflip\n")


def test_overwriting_leaves_nothing_of_the_old_run_and_all_that_was_not_its(run):
    for name in (runs.METRICS, runs.HISTORY, "figures/a.png", "backup/epoch-000001.json", "notes.txt"):
        runs.write_text(run.file(name), "old")
    run.begin(FLAGS, overwrite=True)
    assert sorted(os.listdir(run.path)) == [runs.FLAGS, "notes.txt"]


def test_history_is_read_and_cut(run):
    assert run.history() == {}
    with open(run.file(runs.HISTORY), "w", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss"], [0, 3.5], [1, 2.5], [2, 1.5]])
    run.cut_history(2)
    assert run.history() == {"epoch": [0, 1], "loss": [3.5, 2.5]}
    with open(run.file(runs.HISTORY), "a") as file:
        file.write("2,-")  # where the power went
    run.cut_history(2)
    assert run.history() == {"epoch": [0, 1], "loss": [3.5, 2.5]}
    run.cut_history(0)
    assert run.history() == {}
