"""Rewriting rules by the kind of node they look at; the table of them is in ``simplify``."""

__all__: list[str] = []
