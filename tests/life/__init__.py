"""A store PC's life, from boot to power cut."""
