"""The gate: head office's Fluent Bit, its certificates, and the stores' credentials."""
