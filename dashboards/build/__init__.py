"""What the screens are written with: objects, request bodies, Vega specs, index patterns."""
