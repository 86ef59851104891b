"""How well a known continuous factor can be predicted from codes."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import threadpool_limits

from tf_csvae.evaluation.metrics.probes import TREES


def held_out_r2(codes: np.ndarray, factors: np.ndarray, seed: int = 0) -> float | None:
    """Returns R^2 of boosted trees that predict factors [n, s] from codes [n, d], in two folds.

    The trees are those of ``probe``, with early stopping. The result is the mean over the s
    factors: 1 if all can be predicted, about 0 (or slightly less) if nothing can. None for fewer
    than 20 examples.

    Raises:
        ValueError: codes and factors of different lengths.
    """
    codes, factors = np.asarray(codes), np.asarray(factors)
    if len(codes) != len(factors):
        raise ValueError(
            f"codes and factors need as many rows. Received: {len(codes)} and {len(factors)} rows."
        )
    if len(codes) < 20:
        return None
    halves = KFold(2, shuffle=True, random_state=seed)
    options = {**TREES, "early_stopping": len(codes) >= 200, "random_state": seed}
    trees = HistGradientBoostingRegressor(**options)
    # For so few examples a second thread costs more than it gains, above all on a busy machine.
    with threadpool_limits(1):
        predicted = [cross_val_predict(trees, codes, factor, cv=halves) for factor in factors.T]
    return float(np.mean([r2_score(*pair) for pair in zip(factors.T, predicted, strict=True)]))
