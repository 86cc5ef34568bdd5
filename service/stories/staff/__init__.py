"""Mediators, centres and supervisors: their accounts, their work, and what is counted of it."""
