"""Trains a variational autoencoder (Kingma and Welling 2013).

    python -m trainers.vae
    python -m trainers.vae --dataset=celeba --data_dir=FOLDER

It has no labels. z is as large as z and w of CSVAE together.
"""

from trainers import train


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    train.main("vae", __doc__, argv)


if __name__ == "__main__":
    main()
