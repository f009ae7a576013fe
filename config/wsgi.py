"""WSGI entry point for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config.warming import COLLECT_AFTER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# As the workers: judging a list makes some hundred thousand objects beside the million of the reference data, and
# looking for garbage at every 700th took half of the time.
gc.set_threshold(*COLLECT_AFTER)
