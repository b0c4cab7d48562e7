"""The handwritten digits bundled with scikit-learn, and random samples for other sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorcalc.errors import NotSupportedError

__all__ = ["Samples", "digits", "random_samples"]


@dataclass(frozen=True)
class Samples:
    """Inputs and targets with one sample per column, and the class of each sample."""

    inputs: np.ndarray
    targets: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return self.inputs.shape[1]

    def one(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Sample k as the pair (z¹, λ)."""
        return self.inputs[:, k], self.targets[:, k]


def digits(held_out: int = 360, seed: int = 0) -> tuple[Samples, Samples]:
    """1,797 real handwritten digits of 8 × 8 pixels in [−2, 2]: to train on, and held out.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998 (UCI),
    as bundled with scikit-learn. Raises NotSupportedError where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise NotSupportedError(
            "the handwritten digits, which scikit-learn brings along",
            "pip install 'tensorcalc[demo]'",
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    inputs, labels = (pixels[order] / 4 - 2).T, labels[order]
    targets = (labels == np.arange(10)[:, None]).astype(float)
    split = len(labels) - held_out
    train = Samples(inputs[:, :split], targets[:, :split], labels[:split])
    return train, Samples(inputs[:, split:], targets[:, split:], labels[split:])


def random_samples(sizes: tuple[int, ...], count: int, seed: int = 0) -> Samples:
    """Random inputs, and random targets between 0 and 1."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(sizes[0], count))
    targets = rng.uniform(size=(sizes[-1], count))
    return Samples(inputs, targets / targets.sum(axis=0), np.argmax(targets, axis=0))
