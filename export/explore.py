"""Opens a page in the browser, on this machine only, to look at a trained model and to steer it.

    python -m export.explore --run_dir=RUN
    python -m export.explore --run_dir=RUN --port=7861 --nobrowser
    python -m export.explore --model=HOST:PORT/NAME --labels_file=labels.json

The page edits your own images or rows and those of the data set, shows the subspace of each label
as a pad to move over, makes new examples, and says what the model can do. It needs the extra
"explore": pip install -e '.[explore]'.
"""

import dataclasses
import sys

from flags import command, parse
from tf_csvae.errors import InputError
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class ExploreConfig(Config):
    """Explorer: the run, and where the page is."""

    run_dir: str | None = option(None, "The finished run of the model.", recorded=False)
    model: str | None = option(
        None, "In place of run_dir: a model that TF Serving serves, HOST:PORT/NAME (gRPC).", recorded=False
    )
    labels_file: str | None = option(
        None, "With model: the file assets.extra/labels.json of the exported model.", recorded=False
    )
    judge: str = option(
        "auto",
        "The classifier whose view of the examples is shown. auto: that of the run; none; or a "
        "finished run of trainers.classifier on the same data.",
        recorded=False,
    )
    port: int = option(0, "Port of the page. 0: the first free one from 7860 on.", low=0, high=65535)
    browser: bool = option(True, "Open the page in the browser.")


def explore(config: ExploreConfig) -> None:
    """Serves the page until Ctrl-C.

    Raises:
        InputError: Gradio is not installed, no finished run of a generative system, or a port that
            is taken.
    """
    if bool(config.run_dir) == bool(config.model):
        raise InputError("Give --run_dir, the run of the model, or --model=HOST:PORT/NAME.")
    with command.quietly():
        try:
            from export import explore_page
        except ModuleNotFoundError as error:
            if error.name != "gradio":
                raise
            raise InputError("The explorer needs Gradio: pip install -e '.[explore]'.") from None
        from export.explorer import Explorer
    if config.run_dir:
        explorer = Explorer.of_run(config.run_dir, config.judge)
    else:
        from export.remote import Remote

        explorer = Explorer(Remote(config.model, config.labels_file), None, config.judge)
    with explore_page.served(explorer, config.port, config.browser) as (server, url):
        print(f"The explorer of {config.run_dir or config.model} is at {url}. Ctrl-C ends it.", flush=True)
        server.block_thread()


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (ExploreConfig,), __doc__).config(ExploreConfig)
    command.run(lambda: explore(config), "The explorer has ended.")


if __name__ == "__main__":
    main()
