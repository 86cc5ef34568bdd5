"""What Laseli does: rules in `domain`, happenings in `stories`, edges in `channels`, `web` and `store`."""
