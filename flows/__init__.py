"""How we talk: conversations as data, and the engine that plays them. Pure, and imports nothing of ours."""
