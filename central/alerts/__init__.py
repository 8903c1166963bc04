"""The shipped monitors: installed for the Alerting plugin, or run by `central alerts` where there is none."""
