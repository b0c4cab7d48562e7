"""Reads printed Kronecker forms back into numbers, by what the formula says and np.kron.

In ``(I + K) (I ⊗ Xᵀ)`` nothing tells how large I is but the shape of the whole and how the
rows and columns are counted: (n, m) for vec of an m × n matrix. A product is read from left to
right, the rows of each factor being the columns of the one before.
"""

import numpy as np
from formula_reader import Identity, Ones, _Reader, is_scalar, plain


def commutation(rows, columns):
    """K with K vec(M) = vec(Mᵀ) for M of rows × columns."""
    size = rows * columns
    turned = np.arange(size).reshape(rows, columns, order="F").T.ravel(order="F")
    return np.eye(size)[turned]


def read_kronecker(text, values, rows, columns, swap=None):
    """The matrix that ``text`` means, for vec of a value and of an argument of these shapes."""
    reader = _Kronecker(text, values, rows, columns)
    if swap and len(rows) == 2:
        reader.values[swap] = commutation(*rows[::-1])
    found = reader.whole(reader.shape[0])
    assert reader.next is None, f"{text}: {reader.next} is left over"
    return found


class _Kronecker(_Reader):
    """A sum of products of Kronecker products, of known rows and columns."""

    def __init__(self, text, values, rows, columns):
        super().__init__(text, values, rows[0] if rows else 1)
        self.rows, self.columns = (((*s, 1, 1)[1::-1]) for s in (rows, columns))
        self.shape = (np.prod(self.rows), np.prod(self.columns))

    def whole(self, size):
        """A sum of terms with so many rows."""
        total = (-1 if self.accept("−") else 1) * self.term(size)
        while sign := self.accept("+", "−"):
            total = total + (1 if sign == "+" else -1) * self.term(size)
        return total

    def term(self, size):
        """L ⊗ R, or matrices one after the other with numbers in front."""
        if self.has_tensor_sign():
            left = self.product()
            self.expect("⊗")
            return self.kron(left, self.product(), size)
        number, found = 1.0, np.ones((1, 1))
        while self.next and (self.next[0] in ("fraction", "number", "name") or self.opens()):
            factor = self.matrix(size)
            if is_scalar(factor) and self.shape != (1, 1):
                number = number * factor[0, 0]
                continue
            found = factor if is_scalar(found) else found @ factor
            size = found.shape[1]
        while self.accept("/"):
            number = number / self.postfix()[0, 0]
        return number * found

    def has_tensor_sign(self):
        """Whether ⊗ stands in this term, outside of brackets."""
        depth = 0
        for _, word in self.tokens[self.place :]:
            depth += (word in "([") - (word in ")]")
            if depth < 0 or (not depth and word in "+−⊗"):
                return word == "⊗"
        return False

    def is_of_columns(self):
        """Whether what follows up to the end of these brackets is a matrix between columns."""
        depth = 0
        for _, word in self.tokens[self.place :]:
            depth += (word in "([") - (word in ")]")
            if depth < 0:
                return False
            if word in ("⊗", "K", "vec") or (not depth and word == "I"):
                return True
        return False

    def matrix(self, size):
        """One factor of a product, with so many rows."""
        if self.next[1] == "(":
            self.take()
            place = self.place
            if self.is_of_columns():
                before, self.closing = self.closing, ")"
                inner = self.whole(size)
                self.closing = before
                self.expect(")")
                return inner
            self.place = place - 1
        value = self.postfix()
        return value.number * np.eye(size) if isinstance(value, Identity) else plain(value)

    def named(self, word):
        """vec(I) is as long as the side that is square."""
        ahead = [text for _, text in self.tokens[self.place : self.place + 3]]
        if word == "vec" and ahead == ["(", "I", ")"]:
            self.place += 3
            square = [n for n, m in (self.rows, self.columns) if n == m]
            return np.eye(square[0]).reshape(-1, 1)
        return super().named(word)

    def kron(self, left, right, size):
        """Left ⊗ right of so many rows, where I and 1 take what the other leaves."""
        outer, inner = self.rows
        if is_known(left):
            outer, inner = left.shape[0], size // left.shape[0]
        elif is_known(right):
            outer, inner = size // right.shape[0], right.shape[0]
        elif is_row(left) or is_row(right):
            outer, inner = (1, size) if is_row(left) else (size, 1)
        return np.kron(sized(left, outer, self.columns[0]), sized(right, inner, self.columns[1]))


def is_known(value):
    """Whether a factor tells its own size."""
    return isinstance(value, np.ndarray) and not is_scalar(value)


def is_row(value):
    return isinstance(value, Ones) and value.row


def sized(value, rows, columns):
    """A factor with so many rows; 1 and 1 1ᵀ with so many columns."""
    if isinstance(value, Identity):
        return value.number * np.eye(rows)
    if isinstance(value, Ones):
        return np.ones((1, columns) if value.row else (rows, 1))
    return np.broadcast_to(value, (rows, columns)) if is_scalar(value) else value
