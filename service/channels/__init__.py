"""One carrier, one file: their codes come in here, our words go out. No SQL, no web framework, no decision."""
