"""How well continuous factors can be predicted from codes, and follow one another."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
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


def ridge_r2(codes: np.ndarray, factors: np.ndarray, seed: int = 0) -> float | None:
    """Returns R^2 of a ridge regression that predicts factors [n, s] from codes [n, d], in 5 folds.

    For few examples, of which trees learn less. The result is as of ``held_out_r2``.
    """
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    if len(codes) < 20:
        return None
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    folds = KFold(5, shuffle=True, random_state=seed)
    return float(r2_score(factors, cross_val_predict(model, codes, factors, cv=folds)))


def slope(given: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Returns {"slope", "r"} of a linear regression of numbers found on given ones, [n, s] each.

    Both are means over the s columns: 1 if what is found is what was given; a column that does not
    vary counts as 0.
    """
    given, found = (np.asarray(part, np.float64) for part in (given, found))
    given, found = given - given.mean(0), found - found.mean(0)
    shared, own, other = (given * found).mean(0), (given**2).mean(0), (found**2).mean(0)
    slopes = np.divide(shared, own, out=np.zeros_like(own), where=own > 0)
    norm = np.sqrt(own * other)
    correlations = np.divide(shared, norm, out=np.zeros_like(own), where=norm > 0)
    return {"slope": float(slopes.mean()), "r": float(correlations.mean())}


def retrieval(results: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Returns the ranks, [n, m], of the true donor of each result; 1 is the best.

    ``results``, [n, m, ...], has for n receivers what each got from m donors, [m, ...]. Both are
    compared by the cosine of their differences from their means over the donors.
    """
    n, m = results.shape[:2]
    made = np.asarray(results, np.float64).reshape(n, m, -1)
    real = np.asarray(donors, np.float64).reshape(m, -1)
    made, real = made - made.mean(1, keepdims=True), real - real.mean(0)
    norm = np.linalg.norm(made, axis=-1, keepdims=True)
    differs = norm > 1e-6 * np.linalg.norm(results)  # not a rounding error
    made = np.divide(made, norm, out=np.zeros_like(made), where=differs)
    real /= np.maximum(np.linalg.norm(real, axis=-1, keepdims=True), 1e-12)
    alike = made @ real.T  # [n, m, m]
    own = np.diagonal(alike, axis1=1, axis2=2)
    # Equal ones share their mean rank, so results that do not depend on the donor are at chance.
    better = (alike > own[..., None]).sum(-1)
    return better + ((alike == own[..., None]).sum(-1) + 1) / 2
