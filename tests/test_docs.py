"""The Python blocks of the README and of every page of docs run, and pages are easy to read."""

import os
import pathlib
import re
import shutil

import pytest

from tf_csvae.models.labelled import LabelledModel

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(page):
    """Returns [(line, code)] of the Python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start()].count("\n") + 2, match[1]) for match in found]


def run(page, folder):
    """Runs the Python blocks of a page in one namespace, in a folder."""
    before, names = os.getcwd(), {"__name__": "__main__"}
    os.chdir(folder)
    try:
        for line, code in blocks(page):
            # Errors then name the page and the line.
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
    finally:
        os.chdir(before)
    return names


@pytest.fixture(scope="module", autouse=True)
def without_xla():
    """Leaves XLA out, whose compiler takes longer than the trainings of the pages."""
    compiled = LabelledModel.compile

    def compile_model(self, optimizer="adam", jit_compile=False, **options):
        compiled(self, optimizer, False, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LabelledModel, "compile", compile_model)
        yield


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """A folder in which the README's example was run, and the names that it left."""
    folder = tmp_path_factory.mktemp("readme")
    return folder, run(ROOT / "README.md", folder)


def test_the_readme_trains_and_steers(first_run):
    folder, names = first_run
    assert (folder / "runs" / "my_first" / "report.html").exists()
    assert names["moved"].shape == names["style"].shape == names["x"].shape
    # The example is the swiss roll of docs/results.md: the label is gone from z, and w has it.
    ((_, probe),) = names["result"].metrics["probe"]["z"].items()
    assert probe["auc"] < 0.55
    assert names["result"].metrics["reconstruction"]["mse"] < 0.1


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_python_blocks_of_a_page_run(page, first_run, tmp_path):
    shutil.copytree(first_run[0] / "runs", tmp_path / "runs")
    run(page, tmp_path)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short_and_in_order():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line.startswith("## ")] == [
        "## First steps",
        "## From Python",
        "## Your own data",
        "## Faces",
        "## Other systems, and comparison",
        "## Serving",
        "## Map",
        "## Licence",
    ]
