"""Shares, and how far chance may have moved them."""

from scipy.stats import binomtest


def shares(**counts):
    """Shares with their 95 % intervals (Wilson 1927, J. Am. Stat. Assoc. 22:209).

    Args:
        **counts: {name: (hits, of)}, how many of how many.

    Returns:
        {name: float, name + "_interval": [low, high], ...}, without the shares of none.

    Raises:
        ValueError: more hits than there are.
    """
    found = {}
    for name, (hits, of) in counts.items():
        if of:
            interval = binomtest(int(hits), int(of)).proportion_ci(method="wilson")
            found[name] = float(hits / of)
            found[f"{name}_interval"] = [float(interval.low), float(interval.high)]
    return found
