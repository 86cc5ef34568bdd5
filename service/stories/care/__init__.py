"""What was given, measured or is to come: doses, follow-ups, treatments, rounds, visits at home."""
