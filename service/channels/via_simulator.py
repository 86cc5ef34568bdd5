"""Our own pretend carrier: Africa's Talking's protocol, spoken by the simulator on this machine."""

from __future__ import annotations

from service.channels.via_africastalking import AfricasTalking


class Simulator(AfricasTalking):
    """Its handsets are on a screen, so texts that nobody has reviewed yet may go there."""

    name = "simulator"
    shows_drafts = True
    gives_out_again = False
