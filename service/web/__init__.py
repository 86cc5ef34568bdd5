"""Thin edges: they read a request, call a story, write an answer."""
