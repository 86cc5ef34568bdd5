"""What is said to the author of a flow when it cannot be read."""

import difflib
from collections.abc import Iterable


class FlowMistake(Exception):
    """A flow, or how it is used, is wrong: where, what, and what to do about it.

    `str()` reads like "accueil.yaml:12: step 'born': ...". Never raised for what a caller types.
    """

    def __init__(
        self, problem: str, *, file: str = "", line: int = 0, step: str = "", several: tuple["FlowMistake", ...] = ()
    ) -> None:
        self.problem = problem
        self.several = several
        self.file = file
        self.line = line
        self.step = step
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}step '{step}': {problem}" if step else f"{place}{problem}")

    def all(self) -> tuple["FlowMistake", ...]:
        """Each mistake by itself, when several files were read at once."""
        return self.several or (self,)


def together(mistakes: list[FlowMistake]) -> FlowMistake:
    """Several mistakes as one that tells them all."""
    if len(mistakes) == 1:
        return mistakes[0]
    return FlowMistake("\n".join(str(mistake) for mistake in mistakes), several=tuple(mistakes))


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'menu'?", or the list of what is known when nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known here: {', '.join(names)}" if names else "nothing is known here"
