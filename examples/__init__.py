"""Applications and releases for the demo, the documentation and the tests."""
