"""How near reconstructions are to their originals."""

import numpy as np
import tensorflow as tf

# Pixels of the side of the window over which SSIM compares (Wang et al. 2004); smaller images have none.
SSIM_WINDOW = 11


class Reconstruction:
    """Means over a data set, a batch at a time: memory does not grow with the data.

    Args:
        scale: float or float [d], units of the data per unit of x; the error is in the former.
        image: bool, x are images in [0, 1]: PSNR and SSIM too.
    """

    def __init__(self, scale=1.0, image=False):
        self._scale, self._image = scale, image
        self._sums, self._count = {}, 0

    def update(self, x, reconstruction):
        """Adds a batch: x and reconstruction float [n, *shape]."""
        error = np.square((np.asarray(x, np.float64) - np.asarray(reconstruction)) * self._scale)
        values = {"mse": error.reshape(len(error), -1).mean(1)}
        if self._image:
            values["psnr"] = tf.image.psnr(x, reconstruction, max_val=1.0).numpy()
            if min(x.shape[1:3]) >= SSIM_WINDOW:
                values["ssim"] = tf.image.ssim(
                    x, reconstruction, max_val=1.0, filter_size=SSIM_WINDOW
                ).numpy()
        for name, each in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(each.sum())
        self._count += len(error)

    def result(self):
        """Returns {"mse"} and for images {"psnr" in dB, "ssim"}: means over examples."""
        return {name: total / self._count for name, total in self._sums.items()}
