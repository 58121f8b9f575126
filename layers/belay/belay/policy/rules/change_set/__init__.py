"""Policies about change sets, one per file."""
