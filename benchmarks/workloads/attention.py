"""Attention blocks with residual links: text, and backpropagation through them by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Run, Values

KINDS = ("Q", "K", "V", "O", "U", "D")  # query, key, value, output; up and down of the two layers


def program(blocks: int) -> tc.Program:
    """Columns are places; every matrix is n × n, scores are divided by √n."""
    lines, shapes, X = [], {"X": ("n", "t"), "Y": ("n", "t"), "c": ()}, "X"
    for i in range(1, blocks + 1):
        lines += [
            f"q{i} = Q{i} @ {X}",
            f"k{i} = K{i} @ {X}",
            f"v{i} = V{i} @ {X}",
            f"P{i} = softmax(c * (k{i}.T @ q{i}), axis=0)",
            f"R{i} = {X} + O{i} @ (v{i} @ P{i})",
            f"h{i} = relu(U{i} @ R{i})",
            f"X{i} = R{i} + D{i} @ h{i}",
        ]
        shapes |= {f"{kind}{i}": ("n", "n") for kind in KINDS}
        X = f"X{i}"
    return tc.program("\n".join([*lines, f"C = norm({X} - Y)**2 / 2"]), shapes)


def parameters(blocks: int) -> tuple[str, ...]:
    return tuple(f"{kind}{i}" for i in range(1, blocks + 1) for kind in KINDS)


def draw(rng: np.random.Generator, blocks: int, n: int, t: int) -> Values:
    size = 0.3 / np.sqrt(n)
    values = {name: size * rng.normal(size=(n, n)) for name in parameters(blocks)}
    values |= {name: rng.normal(size=(n, t)) for name in "XY"}
    return values | {"c": np.array(1 / np.sqrt(n))}


def by_hand(values: Values, blocks: int) -> Run:
    W = [[values[f"{kind}{i}"] for kind in KINDS] for i in range(1, blocks + 1)]
    X0, Y, c = values["X"], values["Y"], float(values["c"])

    def run() -> list[np.ndarray]:
        X, kept = X0, []
        for Q, K, V, O, U, D in W:
            q, k, v = Q @ X, K @ X, V @ X
            S = c * (k.T @ q)
            P = np.exp(S - S.max(axis=0))
            P /= P.sum(axis=0)
            M = v @ P
            R = X + O @ M
            h = np.maximum(U @ R, 0)
            kept.append((X, q, k, v, P, M, R, h))
            X = R + D @ h
        G, found = X - Y, []
        for (Q, K, V, O, U, D), (X, q, k, v, P, M, R, h) in zip(W[::-1], kept[::-1], strict=True):
            dh = (D.T @ G) * (h > 0)
            dD, dU = G @ h.T, dh @ R.T
            dR = G + U.T @ dh
            dM = O.T @ dR
            dO, dv, dP = dR @ M.T, dM @ P.T, v.T @ dM
            dS = c * P * (dP - (P * dP).sum(axis=0))
            dq, dk = k @ dS, q @ dS.T
            found.append((dq @ X.T, dk @ X.T, dv @ X.T, dO, dU, dD))
            G = dR + Q.T @ dq + K.T @ dk + V.T @ dv
        return [array for block in found[::-1] for array in block]

    return run


def loss(xp: Any, v: Any, blocks: int) -> Any:
    X = v["X"]
    for i in range(1, blocks + 1):
        q, k, values = v[f"Q{i}"] @ X, v[f"K{i}"] @ X, v[f"V{i}"] @ X
        R = X + v[f"O{i}"] @ (values @ xp.softmax(v["c"] * (k.T @ q)))
        X = R + v[f"D{i}"] @ xp.relu(v[f"U{i}"] @ R)
    return xp.sum((X - v["Y"]) ** 2) / 2
