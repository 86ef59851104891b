"""``tf-csvae COMMAND``: all commands under one name."""

import json
import subprocess
import sys

import pytest

from tests import processes
from tests.conftest import ALONE, write_table
from trainers import console


def shown(capsys, *words):
    """Calls the command; returns (its exit code, its output, its errors)."""
    with pytest.raises(SystemExit) as end:
        console.main(["tf-csvae", *words])
    return end.value.code, *capsys.readouterr()


@pytest.mark.parametrize("command", console.COMMANDS)
def test_each_command_has_the_help_of_its_module(capsys, command):
    code, out, error = shown(capsys, command, "--help")
    assert (code, error) == (0, "")
    assert console.COMMANDS[command] in out  # the usage shows the module
    for flag in out.splitlines():
        assert len(flag) <= 100


def test_the_help_is_that_of_the_module_with_the_defaults_of_the_dataset(capsys):
    command = [sys.executable, "-m", "trainers.csvae", "--help", "--dataset=celeba"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert shown(capsys, "csvae", "--help", "--dataset=celeba") == (0, done.stdout, "")


@pytest.mark.parametrize("words", [("--help",), ("-h",), ()])
def test_help_lists_the_commands(capsys, words):
    code, out, error = shown(capsys, *words)
    assert (code, error) == (0 if words else 2, "")
    for command in console.COMMANDS:
        assert command in out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["csva"], "Unknown command 'csva'. Did you mean csvae"),
        (["--epochs=3"], "Unknown command '--epochs=3'"),
        (["csvae", "--epochs=0"], "epochs"),
        (["csvae", "--epoch=3"], "epoch"),
        (["client", "paint"], "The first word must be one of sample"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, words, complaint):
    code, out, error = shown(capsys, *words)
    assert (code, out) == (2, "")
    assert error.startswith("error: ")
    assert complaint in error
    assert error.count("\n") == 1


def test_a_command_runs(tmp_path):
    table = write_table(tmp_path)
    tiny = ("--epochs=1", "--hidden=8", "--jit_compile=false", "--notensorboard", "--samples=10", *ALONE)
    run_dir = f"--run_dir={tmp_path}/run"
    done = processes.run("trainers.console", "vae", *table, *tiny, run_dir)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]["system"] == "VAE"
    done = processes.run("trainers.console", "evaluate", run_dir, "--samples=5")
    assert done.returncode == 0, done.stderr
    assert "metrics.json" in done.stdout
    done = processes.run("trainers.console", "vae", *table, *tiny, run_dir)
    assert done.returncode == 1
    assert "holds this run, finished" in done.stderr
