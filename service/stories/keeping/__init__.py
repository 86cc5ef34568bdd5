"""Running it: set-up, the clock, keys, backups, forgetting, and what the doctor looks at."""
