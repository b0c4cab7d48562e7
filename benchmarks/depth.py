"""How the time to derive all gradients of a network grows with its depth.

Prints, for each depth, the best of several runs and the ratio to depth 20 per layer: a ratio
near 1 means that time grows in proportion to depth.
"""

from __future__ import annotations

import gc
import time

import tensorcalc as tc

DEPTHS = (20, 50, 100, 200)
RUNS = 5


def derive_all(depth: int) -> float:
    """Seconds to derive ∂C/∂W and ∂C/∂b for every layer, on a network never seen before."""
    net = tc.FeedForward([8] * (depth + 1))
    started = time.perf_counter()
    for name in net.parameter_names:
        tc.gradient(net["C"], net[name])
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    derive_all(2)
    per_layer = None
    print(f"{'layers':>6} {'seconds':>9} {'ms per layer':>13} {'ratio to 20 layers':>19}")
    for depth in DEPTHS:
        best = min(_fresh(depth) for _ in range(RUNS))
        cost = best / depth
        per_layer = per_layer or cost
        print(f"{depth:>6} {best:>9.3f} {1e3 * cost:>13.2f} {cost / per_layer:>19.2f}")


def _fresh(depth: int) -> float:
    gc.collect()  # interned nodes of the run before are gone, so nothing is remembered
    return derive_all(depth)


if __name__ == "__main__":
    main()
