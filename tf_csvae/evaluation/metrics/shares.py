"""Shares with their intervals."""

from scipy.stats import binomtest


def shares(**counts: tuple[int, int]) -> dict[str, float | list[float]]:
    """Returns shares, of {name: (hits, trials)}, with their 95 % intervals.

    Wilson 1927, J. Am. Stat. Assoc. 22:209. The result is {name: share, name + "_interval": [low,
    high]}, without those of no trials.

    Raises:
        ValueError: more hits than trials.
    """
    found = {}
    for name, (hits, trials) in counts.items():
        if trials:
            interval = binomtest(int(hits), int(trials)).proportion_ci(method="wilson")
            found[name] = float(hits / trials)
            found[f"{name}_interval"] = [float(interval.low), float(interval.high)]
    return found
