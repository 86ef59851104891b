"""How near reconstructions are to the examples."""

import numpy as np
import tensorflow as tf

# Side in pixels of the window of SSIM (Wang et al. 2004); smaller images have no SSIM.
SSIM_WINDOW = 11


class Reconstruction:
    """Means over a data set, batch by batch: memory does not grow with the data.

    ``scale``, a number or [d], is the units of the data per unit of x, and the error is in those
    units. Images, in [0, 1], have PSNR and SSIM too.
    """

    def __init__(self, scale: float | np.ndarray = 1.0, image: bool = False) -> None:
        self._scale, self._image = scale, image
        self._sums, self._count = {}, 0

    def update(self, x: np.ndarray | tf.Tensor, reconstruction: np.ndarray | tf.Tensor) -> None:
        """Adds a batch: x and reconstruction are float [n, *shape]."""
        error = np.square((np.asarray(x, np.float64) - np.asarray(reconstruction)) * self._scale)
        values = {"mse": error.reshape(len(error), -1).mean(1)}
        if self._image:
            values["psnr"] = tf.image.psnr(x, reconstruction, max_val=1.0)
            if min(x.shape[1:3]) >= SSIM_WINDOW:
                values["ssim"] = tf.image.ssim(x, reconstruction, 1.0, filter_size=SSIM_WINDOW)
        for name, each in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(np.sum(each))
        self._count += len(error)

    def result(self) -> dict[str, float]:
        """Returns the means over examples: {"mse"}, for images also {"psnr" in dB, "ssim"}."""
        return {name: total / self._count for name, total in self._sums.items()}
