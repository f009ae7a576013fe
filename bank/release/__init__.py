"""Whether a unit may be listed: what a release specification asks, what is known of a unit, and the verdicts."""
