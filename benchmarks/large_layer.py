"""A 4096 × 4096 layer: what its 3-tensor costs as an object, and what the outer product does."""

from __future__ import annotations

import tracemalloc

import numpy as np

import tensorcalc as tc
from tensorcalc.shapes import format_bytes

N = 4096


def main() -> None:
    """Print the memory of each step."""
    values = {"W": np.zeros((N, N)), "a": np.ones(N), "b": np.zeros(N)}
    row = np.random.default_rng(0).normal(size=(1, N))
    W, a, b = tc.matrix("W", N, N), tc.vector("a", N), tc.vector("b", N)
    z = tc.define("z", W @ a + b)
    repr(tc.derivative(z, b))  # load what is loaded on first use
    tc.derivative(z, b).compile()
    tracemalloc.start()
    box = tc.derivative(z, W)
    chained = tc.from_array(row, of="C", wrt=z) @ box
    print(box)
    print(f"dense: {format_bytes(box.dense_nbytes)}")
    print(f"built, described and chained: {format_bytes(tracemalloc.get_traced_memory()[1])}")
    result = chained.evaluate(values)
    peak = tracemalloc.get_traced_memory()[1] - result.nbytes
    print(f"evaluated: {format_bytes(result.nbytes)} of result, {format_bytes(peak)} beyond it")


if __name__ == "__main__":
    main()
