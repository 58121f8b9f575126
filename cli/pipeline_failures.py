"""Writes ``docs/pipeline-failures.md`` from the table of known failures."""

from pathlib import Path

from belay.pipeline.known_failures import document

if __name__ == "__main__":
    (Path(__file__).parents[1] / "docs" / "pipeline-failures.md").write_text(document())
