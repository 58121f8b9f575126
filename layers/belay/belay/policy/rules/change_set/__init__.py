"""Policies about what a change set will do, one a file."""
