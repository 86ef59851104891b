import subprocess
import sys

import pytest

import flags


def run(*arguments, cwd=None, trainer="csvae"):
    return subprocess.run(
        [sys.executable, "-m", f"trainers.{trainer}", *arguments], capture_output=True, text=True, cwd=cwd
    )


def test_help_lists_the_groups_with_the_datasets_defaults_without_tensorflow():
    for dataset, batch_size in (("swiss_roll", 256), ("celeba", 32)):
        done = run("--help", f"--dataset={dataset}")
        assert done.returncode == 0
        for flag in ("--data_dir", "--z_dim", "--beta4", "--[no]adversarial", "--epochs", "--run_dir"):
            assert flag in done.stdout
        assert f"--batch_size: Examples per step.\n    (default: '{batch_size}')" in done.stdout


def test_neither_help_nor_the_package_imports_tensorflow():
    for statement in ("import tf_csvae", "import tf_csvae.data", "import trainers.csvae"):
        code = f"import sys; {statement}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0, statement


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--epochs=0", "epochs"),
        ("--z_dim=-3", "z_dim"),
        ("--batch_size=many", "batch_size"),
        ("--hidden=12,wide", "hidden"),
        ("--likelihood=cauchy", "likelihood"),
        ("--epoch=3", "epoch"),
        ("--seed=-1", "seed"),
        ("--kl_warmup=nan", "kl_warmup"),
        ("--flagfile=nowhere/celeba.flags", "nowhere"),
        ("--flagfile=nowhere.flags", "nowhere.flags"),
        ("swiss_roll", "swiss_roll"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(argument, complaint, tmp_path):
    done = run(argument, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_presets_name_only_flags_that_a_trainer_has():
    import trainers.classifier
    import trainers.condvae_info
    import trainers.csvae  # noqa: F401  together they define those of all

    assert {"celeba", "swiss_roll"} <= set(flags.presets())
    for name in flags.presets():
        lines = flags.FLAGS.read_flags_from_files([f"--flagfile=flags/{name}.flags"])
        for line in lines:
            flag = line.lstrip("-").partition("=")[0]
            assert flag == "undefok" or flag in flags.FLAGS or flag.removeprefix("no") in flags.FLAGS, (
                f"{name}: {line}"
            )


@pytest.mark.parametrize("trainer", ["csvae", "vae", "condvae", "condvae_info"])
def test_a_shipped_preset_is_found_from_anywhere(tmp_path, trainer):
    done = run("--flagfile=flags/celeba.flags", "--help", cwd=tmp_path, trainer=trainer)
    assert done.returncode == 0
    assert "(default: '32')" in done.stdout


def test_a_trainers_own_preset_goes_over_the_general_one():
    done = run("--help", "--dataset=celeba", trainer="condvae_info")
    assert "--gan_weight" in done.stdout
    assert "(default: '100.0')" in done.stdout
    assert "(default: '32')" in done.stdout  # the batch size, of flags/celeba.flags
    done = run("--help", "--dataset=celeba", trainer="classifier")
    assert "(default: '28')" in done.stdout  # epochs


def test_a_preset_may_leave_a_list_empty():
    done = run("--help", "--dataset=drawn_faces")
    assert "(brightness and contrast); empty: not.\n    (default: '')" in done.stdout


def test_a_command_line_of_words_and_flags():
    done = subprocess.run(
        [sys.executable, "-m", "export.client", "--port=9", "paint"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: The first word must be one of sample")
