"""Publishes a trained model: one folder, or a repository of the Hugging Face Hub.

    python -m export.publish --run_dir=RUN --to=FOLDER --license=cc-by-4.0
    python -m export.publish --run_dir=RUN --to=hf://USER/NAME --license=other --private

What is published is a run that every command reads: hf://USER/NAME, or the folder, in place of a
run. It has the model, its numbers and pictures, the judge, a model card, and a checksum of every
file. It has no training data, and no path of this machine. The hub needs the extra "share" and a
login: hf auth login.
"""

import dataclasses
import os
import re
import shutil
import sys
import tempfile

from flags import command, parse
from tf_csvae import hub, runs
from tf_csvae.errors import InputError
from tf_csvae.files import check_folder, checksum, write_json, write_text
from tf_csvae.options import Config, option
from tf_csvae.runs import without_paths


@dataclasses.dataclass(frozen=True)
class PublishConfig(Config):
    """Publish: the run, and where it goes."""

    run_dir: str | None = option(None, "The finished run of the model.", recorded=False)
    to: str | None = option(None, "A new folder, or hf://USER/NAME.")
    license: str | None = option(
        None,
        "Licence of the model as the hub writes it, such as apache-2.0, cc-by-4.0 or other. What the "
        "terms of the training data allow decides it.",
    )
    with_judge: bool = option(True, "Publish the judge too, if the run has one.")
    private: bool = option(False, "On the hub: only you and those whom you invite see it.")


def publish(config: PublishConfig) -> None:
    """Publishes the model of a finished run.

    Raises:
        InputError: no finished run, no licence, a folder that is there, or a hub that refuses.
    """
    for name in ("run_dir", "to", "license"):
        if not getattr(config, name):
            raise InputError(f"Give --{name}.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", config.license):
        raise InputError(f"--license={config.license!r:.80}: expected a name of the hub, as in cc-by-4.0.")
    run = runs.Run(config.run_dir)
    run.metrics()  # raises for an unfinished run
    on_hub = config.to.startswith(hub.PREFIX)
    if on_hub:
        name = config.to.removeprefix(hub.PREFIX)
        hub.imported()
    else:
        check_folder(config.to, "--to")
        if os.path.lexists(config.to):
            raise InputError(f"--to={config.to} is there already. Give a new folder.")
        name = os.path.basename(os.path.abspath(config.to))
    with command.quietly():
        from export import card
    with tempfile.TemporaryDirectory() as parent:
        folder = os.path.join(parent, "run")
        _copy(run, folder, config.with_judge)
        text = card.of_hub(name, config.to, run, config.license)
        write_text(os.path.join(folder, "README.md"), text)
        _list(folder)
        if on_hub:
            _upload(folder, name, config.private)
        else:
            _copy_whole(folder, os.path.abspath(config.to))
    print(f"{config.run_dir} is published: {config.to}\nEvery command takes it as --run_dir={config.to}")


def _copy_whole(folder: str, to: str) -> None:
    """Copies a folder so that an interruption leaves no half of it at its place."""
    temporary = f"{to}.{os.getpid()}"
    try:
        shutil.copytree(folder, temporary)
        os.rename(temporary, to)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy(run: runs.Run, folder: str, with_judge: bool = False) -> None:
    """Copies what is published of a run into a new folder."""
    os.makedirs(folder)
    for name in (runs.MODEL, runs.INFO, runs.METRICS, runs.HISTORY):
        if os.path.exists(run.file(name)):
            shutil.copyfile(run.file(name), os.path.join(folder, name))
    if os.path.isdir(run.file(runs.FIGURES)):
        shutil.copytree(run.file(runs.FIGURES), os.path.join(folder, runs.FIGURES))
    write_text(os.path.join(folder, runs.FLAGFILE), without_paths(run.flags()))
    judge = runs.Run(run.file(runs.JUDGE))
    if with_judge and judge.finished:
        _copy(judge, os.path.join(folder, runs.JUDGE))


def _list(folder: str) -> None:
    """Writes the checksums of the files in a folder, but for the card, which its owner changes."""
    files = [
        os.path.relpath(os.path.join(at, file), folder)
        for at, _, found in os.walk(folder)
        for file in found
        if file != "README.md"
    ]
    sums = {file: checksum(os.path.join(folder, file)) for file in sorted(files)}
    write_json(os.path.join(folder, hub.CHECKSUMS), sums)


def _upload(folder: str, name: str, private: bool) -> None:
    api = hub.imported().HfApi()
    try:
        api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder, commit_message="Publish a model of tf_csvae")
    except Exception as error:  # of HTTP libraries below it
        raise InputError(f"--to={hub.PREFIX}{name}: {hub.sentence(error)}") from error


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (PublishConfig,), __doc__).config(PublishConfig)
    command.run(lambda: publish(config), "Nothing is published.")


if __name__ == "__main__":
    main()
