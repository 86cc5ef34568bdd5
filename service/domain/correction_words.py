"""Why a dose was taken back: a few words that can be counted; whatever else there is to say is a note beside them."""

from __future__ import annotations

from typing import Final

WHYS: Final = {
    "wrong-child": "it is of another child",
    "wrong-date": "it was given on another day",
    "wrong-dose": "another vaccine was given",
    "not-given": "it was not given at all",
    "forged": "somebody wrote in the name of another",
    "other": "see the note",
}
BY_SMS: Final = "taken-back"
"""The mediator who had written it took it back from her own phone."""
LONGEST_NOTE: Final = 200
