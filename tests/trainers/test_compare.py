"""trainers.evaluate and trainers.compare, over tiny runs of real trainers."""

import inspect
import json
import shutil

import pytest

import tf_csvae
from tests import processes
from tests.conftest import ALONE, needs_no_other_file, write_celeba, write_table
from tf_csvae import InputError, load_data
from trainers.compare import CompareConfig

LABELS = ("Smiling", "Male")  # each has pictures of its own
QUICK_TABLE = ("--notensorboard", "--jit_compile=false", "--epochs=1")
QUICK = (*QUICK_TABLE, "--image_size=8", "--batch_size=4", "--seed=1")
SMALL = ("--hidden=8", "--filters=4", "--z_dim=3")
PICTURED = "--pictured_labels=Male"  # a few pictures take as long as the rest of a small run


def run(module, *arguments):
    return processes.run(f"trainers.{module}", *arguments)


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A folder with the finished runs judge, guide, csvae and plain (both with that guide, plain
    without adversary) and vae."""
    folder = tmp_path_factory.mktemp("runs")
    data = (
        "--dataset=celeba",
        f"--data_dir={write_celeba(folder / 'celeba')}",
        f"--attributes={','.join(LABELS)}",
    )
    guided = (PICTURED, f"--guide={folder / 'guide'}", "--judge=none")
    for module, name, options in (
        ("classifier", "judge", ("--depth=10", "--width=4", "--shift=1")),
        ("classifier", "guide", ("--depth=10", "--width=4", "--shift=1", "--half=second")),
        ("csvae", "csvae", (*SMALL, *guided)),
        ("csvae", "plain", (*SMALL, *guided, "--noadversarial")),
        ("vae", "vae", (*SMALL, PICTURED, *ALONE)),
    ):
        done = run(module, *data, *QUICK, *options, f"--run_dir={folder / name}")
        assert done.returncode == 0, done.stderr
    return folder


def metrics(path):
    return json.loads((path / "metrics.json").read_text())


def test_a_run_is_evaluated_with_its_own_flags(there, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(there / "csvae", path)
    before = metrics(path)
    done = run("evaluate", f"--run_dir={path}", f"--judge={there / 'judge'}", "--samples=20", PICTURED)
    assert done.returncode == 0, done.stderr
    assert "samples in which the judge sees the requested label" in done.stdout
    after = metrics(path)
    for name in ("seconds_training", "examples_per_second", "parameters", "run"):
        assert after[name] == before[name]
    assert after["reconstruction"] == pytest.approx(before["reconstruction"], rel=1e-4)
    assert "generation" not in before
    for label, entry in after["generation"].items():
        assert label in LABELS
        low, high = entry["accuracy_interval"]
        assert 0 <= low <= entry["accuracy"] <= high <= 1
    assert after["judge"]["samples"] == 20
    assert set(after["leak"]) == set(LABELS)
    drawn = {file.stem for file in (path / "figures").glob("*.png")}
    pictures = {"transfer", "interpolation", "samples", "leak", "styles_Male", "traversal_Male"}
    assert pictures <= drawn
    page = (path / "report.html").read_text()
    assert page.count("data:image/") == len(drawn)
    assert "Style transfer" in page


def test_the_judge_itself_is_evaluated(there):
    before = metrics(there / "judge")
    done = run("evaluate", f"--run_dir={there / 'judge'}")
    assert done.returncode == 0, done.stderr
    assert metrics(there / "judge")["classification"] == before["classification"]


def test_runs_side_by_side(there, tmp_path):
    names = ("csvae", "plain", "vae")
    arguments = (
        f"--run_dirs={','.join(str(there / name) for name in names)}",
        f"--judge={there / 'judge'}",
        "--samples=10",
        f"--out={tmp_path}",
    )
    done = run("compare", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Evaluating") == 3
    systems = metrics(tmp_path)
    assert set(systems) == {"CSVAE --adversarial", "CSVAE --noadversarial", "VAE"}
    page = (tmp_path / "report.html").read_text()
    for text in ("Generation", "Transfer", "report: CondVAE", "0.754", 'class="best"', "0.97"):
        assert text in page
    assert needs_no_other_file(page)

    again = run("compare", *arguments)
    assert again.returncode == 0, again.stderr
    assert "Evaluating" not in again.stdout


def test_the_function_and_the_command_write_to_the_same_folder():
    default = inspect.signature(tf_csvae.compare).parameters["out"].default
    assert default == CompareConfig().out


def test_options_that_change_data_are_refused_beside_data_that_are_given(there):
    with pytest.raises(InputError, match="Received: batch_size"):
        tf_csvae.evaluate(str(there / "vae"), data=load_data("swiss_roll"), batch_size=3)
    with pytest.raises(InputError, match="Unknown option 'sample'"):
        tf_csvae.evaluate(str(there / "vae"), sample=3)


@pytest.mark.parametrize(
    ("module", "arguments", "complaint"),
    [
        ("evaluate", [], "Give --run_dir"),
        ("evaluate", ["--run_dir={here}/nothing"], "holds no finished run"),
        ("evaluate", ["--run_dir={here}/csvae", "--judge={here}/vae"], "holds a VAE. Give a run of"),
        ("evaluate", ["--run_dir={here}/csvae", "--attributes=Male"], "has no label Smiling"),
        ("evaluate", ["--run_dir={here}/csvae", "--pictured_labels=Hat"], "Unknown label 'Hat'"),
        ("compare", [], "Give --run_dirs"),
        ("compare", ["--run_dirs={here}/csvae", "--out={here}/vae"], "is a run, and would be written over"),
        ("compare", ["--run_dirs={here}/csvae,{here}/no"], "no holds no finished run"),
        ("compare", ["--run_dirs={here}/csvae,{here}/./csvae"], "are the same run, which would count"),
        ("compare", ["--run_dirs={here}/csvae", "--judge={here}/no"], "no holds no finished run"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(there, tmp_path, module, arguments, complaint):
    out = [f"--out={tmp_path}"] if module == "compare" and "--out" not in str(arguments) else []
    before = metrics(there / "csvae")
    done = run(module, *(argument.format(here=there) for argument in arguments), *out)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert metrics(there / "csvae") == before


def test_a_judge_of_other_labels_and_runs_of_other_data_are_refused(there, tmp_path):
    judge = tmp_path / "judge"
    done = run("classifier", *write_table(tmp_path), *QUICK_TABLE, f"--run_dir={judge}")
    assert done.returncode == 0, done.stderr
    done = run("evaluate", f"--run_dir={there / 'csvae'}", f"--judge={judge}")
    assert done.returncode == 1
    assert "The judge has the labels tall; these data have Smiling" in done.stderr
    assert done.stderr.count("\n") == 1
    done = run("compare", f"--run_dirs={there / 'csvae'},{judge}", f"--out={tmp_path}/out")
    assert done.returncode == 1
    assert "runs of different data" in done.stderr


def test_a_run_starts_from_the_networks_of_another(there, tmp_path):
    flagfile = f"--flagfile={there / 'csvae' / 'flags.txt'}"
    arguments = (flagfile, "--judge=none", "--notensorboard", f"--run_dir={tmp_path}/run")
    done = run("csvae", *arguments, f"--init_from={there / 'vae'}")
    assert done.returncode == 0, done.stderr
    assert f"Started from the VAE in {there / 'vae'}" in done.stdout
    assert "of trunk" in done.stdout
    assert "of decoder" in done.stdout
    done = run("csvae", *arguments, "--overwrite", f"--init_from={there / 'nothing'}")
    assert done.returncode == 1
    assert "holds no finished run" in done.stderr
    assert (tmp_path / "run" / "metrics.json").exists()


def test_the_guide_of_a_training_may_not_judge_it(there):
    done = run("evaluate", f"--run_dir={there / 'csvae'}", f"--judge={there / 'guide'}")
    assert done.returncode == 1
    assert "is the guide that took part in the training" in done.stderr
    assert done.stderr.count("\n") == 1
