"""What the containers need beside the programs: preparation, health checks, the demo's stores."""
