import csv
import os

import pytest

from tf_csvae import InputError, files, runs
from tf_csvae.settings import header

FLAGS = f"{header('csvae')}\n--epochs=3\n--seed=0\n"

# The first line of flags.txt of a run of tf_csvae 0.1.
OLD = "# python -m trainers.csvae --flagfile=THIS_FILE --run_dir=ANOTHER_DIRECTORY\n--epochs=3\n"


@pytest.fixture
def run(tmp_path):
    run = runs.Run(str(tmp_path / "run"))
    run.begin(FLAGS)
    return run


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    files.write_text(str(path), "old")

    def fail_in_the_middle():
        with files.written_whole(str(path)) as temporary, open(temporary, "w") as file:
            file.write("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == ["file.txt"]


def test_an_unfinished_run_of_the_same_flags_is_resumed(run):
    run.check(FLAGS)


def test_other_flags_are_named_and_need_a_flag_to_continue(run):
    other = FLAGS.replace("3", "5")
    with pytest.raises(
        InputError, match=r"holds another run \(--epochs: 3 there, 5 here\).*--overwrite.*--resume"
    ):
        run.check(other)
    run.check(other, resume=True)
    run.check(other, overwrite=True)


def test_a_finished_run_needs_a_flag_to_continue(run):
    files.write_json(run.file(runs.METRICS), {"a": 1})
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


def test_a_run_of_an_earlier_version_is_refused(run):
    files.write_text(run.file(runs.FLAGFILE), OLD)
    files.write_json(run.file(runs.METRICS), {"a": 1})
    files.write_bytes(run.file(runs.MODEL), b"")
    for read in (
        lambda: run.check(OLD),
        lambda: run.check(FLAGS),
        lambda: run.check(FLAGS, resume=True),
        run.settings,
        run.metrics,
        run.model,
        run.checksum,
    ):
        with pytest.raises(InputError, match="was written by an earlier version of tf_csvae"):
            read()
    run.check(FLAGS, overwrite=True)


def test_a_run_has_the_settings_that_its_flags_record(run):
    settings = run.settings()
    assert settings.system == "csvae"
    assert (settings.training.epochs, settings.training.seed, settings.data.seed) == (3, 0, 0)
    files.write_text(run.file(runs.FLAGFILE), FLAGS + "--colour=red\n")
    with pytest.raises(InputError, match=r"has the flag --colour, which this version of tf_csvae"):
        run.settings()


def test_a_folder_without_a_run_is_never_touched(tmp_path):
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


def test_overwriting_removes_the_old_run_and_no_other_file(run):
    old = (runs.METRICS, runs.HISTORY, "figures/a.png", "backup/epoch-000001.json", "notes.txt")
    for name in old:
        files.write_text(run.file(name), "old")
    run.begin(FLAGS, overwrite=True)
    assert sorted(os.listdir(run.path)) == [runs.FLAGFILE, "notes.txt"]


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
