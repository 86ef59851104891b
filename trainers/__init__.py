"""Command-line trainers: ``python -m trainers.<system>``."""
