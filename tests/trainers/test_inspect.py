import subprocess
import sys

import tensorflow as tf


def run(*arguments):
    # A real process, in which TensorFlow writes to stderr while it is imported: it must be hidden.
    command = [sys.executable, "-m", "trainers.inspect", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_counts_labels_and_a_sheet_of_images(image_dir, tmp_path):
    path = image_dir / "labels.csv"
    header, *lines = path.read_text().splitlines()
    # "hot" is "warm" by another name.
    rows = [f"{header},hot", *(f"{line},{line.split(',')[1]}" for line in lines)]
    path.write_text("\n".join(rows) + "\n")
    given = ("--dataset=folder", f"--data_dir={image_dir}", "--labels=labels.csv")
    options = ("--image_size=16", "--split=0.5,0.25,0.25", "--group_column=person")
    done = run(*given, *options, f"--out={tmp_path}/sheet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    examples = next(line.split() for line in lines if line.startswith("examples"))
    assert sum(map(int, examples[1:])) == 40
    for name in ("warm", "light", "hot"):
        assert any(line.startswith(f"{name} (binary)") for line in lines)
    assert "warm and hot have a correlation of 1.00" in done.stdout
    assert "light and hot" not in done.stdout
    assert "too few to learn it from" in done.stdout
    assert tf.io.decode_png((tmp_path / "sheet" / "sheet.png").read_bytes()).shape[0] > 100


def test_all_problems_are_listed(image_dir, edit):
    edit(image_dir / "labels.csv", 4, "b/c/002.bmp,2,0,p")
    edit(image_dir / "labels.csv", 6, "a/gone.bmp,1,1,p")
    given = ("--dataset=folder", f"--data_dir={image_dir}", "--labels=labels.csv")
    done = run(*given, "--attributes=warm,light", "--split=0.5,0.25,0.25")
    assert done.returncode == 1
    *problems, last = done.stderr.splitlines()
    assert len(problems) == 2
    assert any("line 4, column warm" in problem and "'2'" in problem for problem in problems)
    assert any("line 6, column file: there is no file" in problem for problem in problems)
    assert last == "error: There are 2 problems; they stand above."
