"""What all pages and the API share: problem documents, keyset pages, forms from JSON Schema, plots, tags."""
