"""Trains while everything goes wrong, and compares the end with a training that nothing befell.

    make chaos

The swiss roll and a tiny image set are trained with --deterministic. A driver kills them at random
moments, by SIGKILL, and starts them again; it damages the newest checkpoint, and lets a disk run
full. At the end the last checkpoint, which holds the model and every optimizer, must have the same
bits as that of an undisturbed run. KILLS says how many kills there are (30), SEED at which moments.
Needs root, to mount a small disk.
"""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import h5py

from tests.conftest import ATTRIBUTES, write_celeba

KILLS, SEED = int(os.environ.get("KILLS", "30")), int(os.environ.get("SEED", "0"))

# A checkpoint after each step, so that most kills meet one that is being written.
TRAINER = ("trainers.csvae", "--deterministic", "--notensorboard", "--checkpoint_minutes=1e-6", "--seed=3")
SWISS_ROLL = ("--batch_size=500", "--steps_per_execution=1", "--jit_compile=false", "--hidden=16,16")
IMAGES = ("--image_size=16", "--filters=4,8", "--hidden=8", "--batch_size=4", "--dataset=celeba")

# Seconds after its first line up to which a training is let live.
LONGEST = 12.0


def train(flags, run_dir, log):
    """Starts a training."""
    command = [sys.executable, "-m", *TRAINER, *flags, f"--run_dir={run_dir}"]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def finished(flags, run_dir, log):
    """Trains to the end; returns the bytes of everything in the last checkpoint, by name."""
    with open(log, "a") as file:
        code = train(flags, run_dir, file).wait()
    if code:
        sys.exit(f"{run_dir} ended with {code}: {log.read_text()[-2000:]}")
    return last_checkpoint(run_dir)


def last_checkpoint(run_dir):
    """Returns {name: bytes} of all arrays in the last checkpoint of a finished run."""
    newest = max(run_dir.glob("backup/epoch-*.weights.h5"))
    found = {}
    with h5py.File(newest) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def damage(backup, dice):
    """Flips a bit of the newest checkpoint, or cuts it; returns whether there was one."""
    states = sorted(backup.glob("epoch-*.json"), key=lambda path: path.stem)
    if len(states) < 2:
        return False
    weights = states[-1].with_suffix(".weights.h5")
    content = bytearray(weights.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    weights.write_bytes(bytes(content) if dice.random() < 0.5 else bytes(content[: len(content) // 2]))
    return True


def killed(flags, run_dir, log, most, dice):
    """Trains, killed at random moments and started again, until it is done or killed ``most`` times.

    Returns:
        dict of counts: kills; in a write, those that left a file half written; damaged, the checkpoints
        that were then damaged; and told, how many of these the next start reported.
    """
    counts = dict.fromkeys(("kills", "in a write", "damaged", "told"), 0)
    while counts["kills"] < most:
        start = log.stat().st_size if log.exists() else 0
        with open(log, "a") as file:
            process = train(flags, run_dir, file)
        while "written to" not in log.read_text()[start:] and process.poll() is None:
            time.sleep(0.05)
        try:
            process.wait(dice.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            process.kill()
        code = process.wait()
        if code == 0:
            break
        if code != -9:
            sys.exit(f"{run_dir} ended with {code}: {log.read_text()[-2000:]}")
        counts["kills"] += 1
        backup = run_dir / "backup"
        counts["in a write"] += bool(list(backup.glob(".*"))) or bool(list(run_dir.glob(".[0-9]*")))
        if dice.random() < 0.2:
            counts["damaged"] += damage(backup, dice)
    return counts


def filled(flags, folder, log):
    """Trains on a disk too small for it, then on the same disk enlarged; returns as ``finished``."""
    disk = folder / "small_disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(disk)], check=True)
    try:
        with open(log, "a") as file:
            code = train((*flags, "--checkpoints_to_keep=9"), disk / "run", file).wait()
        if code != 1 or "No space left on device" not in log.read_text():
            sys.exit(f"A full disk ended with {code}: {log.read_text()[-2000:]}")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        return finished(flags, disk / "run", log)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def main():
    """Prints a row of the table for each training that was disturbed; exits with 1 where one came out otherwise."""
    dice = random.Random(SEED)
    print("| training | disturbed by | in a write | damaged, told | end |\n| --- | --- | --- | --- | --- |")
    different = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        faces = write_celeba(folder / "faces")
        data = (f"--data_dir={faces}", f"--attributes={','.join(ATTRIBUTES)}")
        kinds = {
            "swiss roll": (*SWISS_ROLL, "--epochs=10"),
            "images": (*IMAGES, *data, "--epochs=25"),
        }
        for number, (name, flags) in enumerate(kinds.items(), start=1):
            whole = finished(flags, folder / name / "whole", folder / f"{name}.log")

            def row(by, writes, told, end, name=name, whole=whole):
                same = end == whole
                print(
                    f"| {name} | {by} | {writes} | {told} | {'bit-equal' if same else 'DIFFERENT'} |",
                    flush=True,
                )
                return not same

            left, attempt = KILLS * number // len(kinds) - KILLS * (number - 1) // len(kinds), 0
            while left > 0:
                attempt += 1
                run_dir, log = folder / name / f"killed_{attempt}", folder / f"{name}_{attempt}.log"
                counts = killed(flags, run_dir, log, left, dice)
                end = (
                    finished(flags, run_dir, log)
                    if not (run_dir / "metrics.json").exists()
                    else last_checkpoint(run_dir)
                )
                told = len(re.findall("is damaged; going back", log.read_text()))
                left -= counts["kills"]
                kills = f"{counts['kills']} kills"
                different += row(kills, counts["in a write"], f"{counts['damaged']}, {told}", end)
            different += row(
                "a full disk", "–", "–", filled(flags, folder / name, folder / f"{name}_disk.log")
            )
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
