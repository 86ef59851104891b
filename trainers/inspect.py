"""Shows what a data set holds, before hours of training.

    python -m trainers.inspect --dataset=folder --data_dir=FOLDER --labels=labels.csv
    python -m trainers.inspect --dataset=table --data_path=FILE.csv --label_columns=A,B

It reads every example. It prints what each column of a table was taken for, the examples per split,
the kind and the frequency of each label, labels that are correlated, and the problems in the files,
by line. It writes the same as a page, and of images a sheet by label, to --out.
"""

import dataclasses
import sys

from flags import command, parse
from tf_csvae.configs import DataConfig
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class InspectionConfig(Config):
    """Inspection: where its page goes."""

    out: str = option("inspection", "Folder for the page and the sheet of images.", recorded=False)


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = parse(argv or sys.argv, (DataConfig, InspectionConfig), __doc__, system="")

    def work() -> None:
        with command.quietly():  # TensorFlow is imported here, after --help
            from tf_csvae.data import inspection
        out = parsed.config(InspectionConfig).out
        inspection.inspect(parsed.config(DataConfig), parsed.given, out)

    command.run(work, "Nothing was written.")


if __name__ == "__main__":
    main()
