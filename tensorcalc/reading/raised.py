"""What is raised behind an operand: powers x², transposes x^T and x', inverses A⁻¹."""

from __future__ import annotations

from tensorcalc.reading.faults import Edit, wrapped
from tensorcalc.reading.mathematics import Mathematical
from tensorcalc.reading.pieces import DEEPEST
from tensorcalc.reading.refusals import LONGEST_NUMBER
from tensorcalc.reading.tokens import Token
from tensorcalc.reading.written import Piece
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["Raised"]


class Raised(Mathematical):
    """Reads what is raised behind the present operand."""

    def superscript(self, token: Token) -> None:
        """x², A⁻¹: a raised whole number."""
        if token.text.strip("-+") == "" or not token.text.lstrip("-+").isdecimal():
            self.stop("a raised sign without a number", token, "write powers with **")
        if token.text == "-1":
            self.insert(["inv", "("], [")"])
            self.pieces[self.primary].mark = "⁻¹"
            self.pieces[-1].start, self.pieces[-1].end = token.start, token.end
            return
        if len(token.text) > LONGEST_NUMBER:
            self.stop(f"a power of {len(token.text):,} digits", token, "write fewer digits")
        self.raised += 1
        if self.raised > DEEPEST:
            self.stop(f"more than {DEEPEST} powers in a row", token, "multiply them")
        digits = token.text.lstrip("-+").lstrip("0") or "0"
        self.insert(["("], [])
        self.push("**", token)
        self.push(f"({'-' if token.text[0] == '-' else ''}{digits})", token)
        self.push(")", token._replace(start=token.end))

    def transpose(self, token: Token, message: str) -> None:
        """x' and xT, which are no transposes here."""
        before, following = self.pieces[-1].text, self.peek()
        if following and following.text == "(" and before in FUNCTION_NAMES:
            self.stop(
                f"{before}′ is no function here",
                token,
                "derivatives are taken of the program: p.derivative(of, wrt)",
            )
        start = self.pieces[self.primary].start
        self.faults.add(
            message,
            (start, token.end),
            f"write {self.operand_text(start, token.start)}.T for the transpose",
            [Edit(token.start, token.end, ".T")],
        )
        self.pieces += [Piece(".", token.start, token.end), Piece("T", token.start, token.end)]

    def raised_transpose(self, token: Token) -> bool:
        """x^T and x^⊤, also with braces or as LaTeX, where no quantity is called T."""
        ahead = self.found[self.place : self.place + 4]
        if ahead and ahead[0].kind == "name" and ahead[0].text not in self.names:
            self.place += 1
            ahead[0] = self.leading_transpose(ahead[0]) or ahead[0]
            self.found[self.place - 1] = ahead[0]
            self.place -= 1
        word = "".join(t.text for t in ahead)
        signs = (
            "{-T}",
            "-T",
            "{H}",
            "H",
            "{T}",
            "{t}",
            "{\\top",
            "\\top",
            "{ᵀ}",
            "T",
            "t",
            "ᵀ",
            "'",
        )
        sign = next((sign for sign in signs if word.startswith(sign)), "")
        count = {"{\\top": 4, "\\top": 2}.get(sign, len(sign))
        plain = count != 1 or ahead[0].text == sign
        if not sign or not plain or len(ahead) < count or sign.strip("{}-") in self.names:
            return False
        self.place += count
        end = ahead[count - 1].end
        start, last = self.pieces[self.primary].start, self.pieces[-1].end
        base, edits = self.operand_text(start, last), [Edit(last, end, ".T")]
        if "-" in sign:
            base, edits = f"inv({base})", wrapped(start, start, "inv(", "")[:1]
            edits.append(Edit(last, end, ").T"))
            self.insert(["inv", "("], [")"])
        self.faults.add("a raised T is no transpose here", (start, end), f"write {base}.T", edits)
        self.pieces += [Piece(".", token.start, end), Piece("T", token.start, end)]
        return True
