"""How much of a known continuous factor a code holds."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import threadpool_limits


def held_out_r2(codes, factors, seed=0):
    """R² of boosted trees that read factors from codes, each half by trees that saw the other.

    Trees, as in ``probe``, and stopped early: where nothing can be read they say nothing.

    Args:
        codes: float [n, d].
        factors: float [n, s].
        seed: int, of the halves and of the trees' own hold-out.

    Returns:
        float, the mean over the s factors: 1 where all can be read, about 0 (a little below too)
        where nothing can. None for fewer than 20 examples.

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
    trees = HistGradientBoostingRegressor(
        max_bins=63, max_leaf_nodes=15, early_stopping=len(codes) >= 200, random_state=seed
    )
    # For so few examples a second thread costs more than it does, most of all on a busy machine.
    with threadpool_limits(1):
        scores = [
            r2_score(factor, cross_val_predict(trees, codes, factor, cv=halves)) for factor in factors.T
        ]
    return float(np.mean(scores))
