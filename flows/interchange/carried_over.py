"""What happened on the way from one form to another: one readable line for each thing that was left behind."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class CarriedOver:
    """Collects lines such as "Ice cream, block 'photo': a photo cannot be asked for; the block is passed over"."""

    lines: list[str] = field(default_factory=list)
    place: str = ""

    def at(self, place: str) -> "CarriedOver":
        """The same report, its next lines told of this place."""
        return CarriedOver(self.lines, f"{self.place}, {place}" if self.place else place)

    def leave(self, what: str) -> None:
        """Something is not carried over, or not as it was; the same line is told once."""
        line = _one_line(f"{self.place}: {what}" if self.place else what)
        if line not in self.lines:
            self.lines.append(line)


def _one_line(told: str) -> str:
    """What a file of others holds breaks no line and commands no terminal."""
    line = " ".join(told.split())
    return line if line.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in line)
