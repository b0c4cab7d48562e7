"""Batches: the derivatives of all samples, what they are, and the equations of a whole batch."""

from tensorcalc.batch.explain import BatchExplanation, explain_batch
from tensorcalc.batch.per_sample import PerSample, per_sample

__all__ = ["BatchExplanation", "PerSample", "explain_batch", "per_sample"]
