"""The commands that train and measure: ``python -m trainers.<system>``."""
