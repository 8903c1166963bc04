"""What a PBX is doing now: manager events to channels, calls and presence. No input, no output."""
