"""Where documents come from: one package per protocol."""
