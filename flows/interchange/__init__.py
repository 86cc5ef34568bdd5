"""Our conversations in other people's forms, and theirs in ours. What cannot be carried over is told, never dropped."""
