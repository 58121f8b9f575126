"""Applications and releases that the demo, the documentation and the tests share."""
