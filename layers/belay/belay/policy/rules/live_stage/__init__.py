"""Policies about a stage as it is deployed, one a file."""
