"""How near reconstructions are to the examples."""

import numpy as np
import tensorflow as tf

# Side in pixels of the window of SSIM (Wang et al. 2004); smaller images have no SSIM.
SSIM_WINDOW = 11


class Reconstruction:
    """Means over a data set, batch by batch: memory does not grow with the data.

    ``scale``, a number or [d], is the units of the data per unit of x, and the error is in those
    units. Images, in [0, 1], have PSNR and SSIM too. Features of a table, ``mixed``, have units of
    their own, so their errors are of x, and they have R², too. A missing feature has no error.
    """

    def __init__(self, scale: float | np.ndarray = 1.0, image: bool = False, mixed: bool = False) -> None:
        self._scale, self._image, self._mixed = scale, image, mixed
        self._sums, self._count = {}, 0
        self._moments = [0.0, 0.0, 0.0, 0.0]

    def update(self, x: np.ndarray | tf.Tensor, reconstruction: np.ndarray | tf.Tensor) -> None:
        """Adds a batch: x and reconstruction are float [n, *shape]."""
        plain = np.asarray(x, np.float64)
        left = np.where(np.isnan(plain), 0.0, plain - np.asarray(reconstruction))
        error = np.square(left * self._scale)
        values = {"mse": error.reshape(len(error), -1).mean(1)}
        if self._image:
            values["psnr"] = tf.image.psnr(x, reconstruction, max_val=1.0)
            if min(x.shape[1:3]) >= SSIM_WINDOW:
                values["ssim"] = tf.image.ssim(x, reconstruction, 1.0, filter_size=SSIM_WINDOW)
        if self._mixed:
            is_known = ~np.isnan(plain)
            known = np.where(is_known, plain, 0.0)
            sums = np.square(left).sum(0), np.square(known).sum(0), known.sum(0), is_known.sum(0)
            self._moments = [total + each for total, each in zip(self._moments, sums, strict=True)]
        for name, each in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(np.sum(each))
        self._count += len(error)

    def result(self) -> dict[str, float]:
        """Returns the means over examples: {"mse"}, for images also {"psnr" in dB, "ssim"}.

        Mixed features also have {"r2"}: the share of their variance in the reconstructions.
        """
        found = {name: total / self._count for name, total in self._sums.items()}
        if self._mixed:
            left, squares, sums, counts = self._moments
            variance = np.sum(squares - np.square(sums) / np.maximum(counts, 1))
            if variance > 0:
                found["r2"] = float(1 - left.sum() / variance)
        return found
