"""The rules, pure: no clock, no database, no network. What a rule says is data beside it."""
