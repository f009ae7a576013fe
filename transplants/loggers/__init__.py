"""Files of temperature loggers: read, judged, written. Knows no Django and no app."""
