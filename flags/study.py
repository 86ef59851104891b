"""Study: which runs are compared."""

from absl import flags

flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the systems that are compared.")
flags.DEFINE_list(
    "published_seeds", ["0", "1", "2", "3", "4"], "Seeds of CSVAE with the objective as published."
)
for _name in ("seeds", "published_seeds"):
    flags.register_validator(
        _name,
        lambda seeds: seeds and all(seed.isdecimal() for seed in seeds),
        "must be whole numbers, separated by commas",
    )
flags.DEFINE_string("out", "runs/swiss_roll_study", "Where the runs and the page are written.")
flags.DEFINE_multi_string(
    "run_flag", [], "A flag for every run, as in --run_flag=--epochs=2; may be given again."
)
