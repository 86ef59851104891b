from tests import processes
from tf_csvae import files, runs
from tf_csvae.settings import settings


def study(*arguments):
    return processes.run("trainers.swiss_roll_study", *arguments)


def finished_run(path, divergence, auc, with_w, **more):
    """Writes what a finished training on the swiss roll leaves, as far as the study reads it."""
    label = "x1_at_least_10"
    numbers = {
        "divergence": {"z": {label: {"kl": divergence, "null_mean": 0.01, "null_sd": 0.01, "k": 10}}},
        "probe": {"z": {label: {"auc": auc, "balanced_accuracy": 0.5}}},
        "reconstruction": {"mse": 0.004},
        **more,
    }
    if with_w:
        numbers["divergence"]["w"] = {label: {"kl": 6.0, "null_mean": 0.01, "null_sd": 0.01, "k": 10}}
    run = runs.Run(str(path))
    files.write_text(run.file(runs.FLAGFILE), settings("csvae" if with_w else "vae").flagfile())
    files.write_bytes(run.file(runs.FIGURES, f"planes_{label}.png"), b"\x89PNG")
    files.write_json(run.file(runs.METRICS), numbers)


def test_finished_runs_are_laid_side_by_side_and_not_trained_again(tmp_path):
    for seed in (0, 1):
        finished_run(tmp_path / f"vae_{seed}", 2.0, 0.99, with_w=False)
        finished_run(tmp_path / f"csvae_without_adversary_{seed}", 1.0, 0.95, with_w=True)
        finished_run(tmp_path / f"csvae_{seed}", 0.02, 0.51, with_w=True)
        finished_run(tmp_path / f"csvae_as_published_{seed}", 0.02, (0.51, 0.9)[seed], with_w=True)
    done = study(f"--out={tmp_path}", "--seeds=0,1", "--published_seeds=0,1")
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "0 of 2" in rows["VAE"]
    assert "2 of 2" in rows["CSVAE"]
    assert "1 of 2" in rows["CSVAE as published"]
    assert "1.33" in rows["student report, CSVAE"]
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 8


def test_a_run_that_cannot_be_trained_ends_the_study_with_its_error(tmp_path):
    done = study(f"--out={tmp_path}", "--seeds=0", "--run_flag=--epochs=0")
    assert done.returncode == 2
    assert "epochs" in done.stderr
    assert not (tmp_path / "report.html").exists()
