"""Healthcheck of the web container: /healthz by a host name that Django accepts."""

import os
import sys
import urllib.request

HOST = os.environ["QIDAI_ALLOWED_HOSTS"].split(",")[0].strip().lstrip("*.") or "localhost"
REQUEST = urllib.request.Request(
    "http://127.0.0.1:8000/healthz", headers={"Host": HOST, "X-Forwarded-Proto": "https"}
)

try:
    with urllib.request.urlopen(REQUEST, timeout=5) as answer:  # noqa: S310  our own address
        sys.exit(answer.status != 200)
except OSError:
    sys.exit(1)
