"""Families and the phones they hear on: enrolled, moved, agreed, joined to a mutual."""
