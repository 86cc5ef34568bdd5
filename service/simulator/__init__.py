"""The simulator: a pretend carrier and the phones behind it, with its own port and its own file.

It speaks Africa's Talking's HTTP to the product and knows nothing else of it: nothing here imports `service`.
"""

from service.simulator.phone_app import create_simulator

__all__ = ["create_simulator"]
