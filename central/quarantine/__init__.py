"""The quarantine at head office: what was refused and why, and how it goes where it belongs."""
