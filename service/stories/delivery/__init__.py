"""How a message leaves: the outbox, the routes, the calls to carriers, the receipts, and what it costs."""
