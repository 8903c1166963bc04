"""Row to document: pure functions, no input or output."""
