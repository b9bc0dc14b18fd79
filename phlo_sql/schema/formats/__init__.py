"""One module per format: `write` makes text of a schema, `read` a schema of text where it can."""
