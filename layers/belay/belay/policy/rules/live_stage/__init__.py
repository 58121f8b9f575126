"""Policies about deployed stages, one per file."""
