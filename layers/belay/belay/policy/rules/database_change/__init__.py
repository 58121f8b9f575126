"""Policies about database changes, one per file."""
