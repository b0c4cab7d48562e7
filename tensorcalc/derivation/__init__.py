"""Derivations: how a derivative is found, step by step, in three styles."""

from tensorcalc.derivation.telling import derivation

__all__ = ["derivation"]
