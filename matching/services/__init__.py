"""Every write of matching: reference data, requests, searches."""

from matching.services.calibration import prediction_confirm
from matching.services.frequencies import (
    frequency_set_activate,
    frequency_set_deactivate,
    frequency_set_load,
    frequency_set_make_default,
    frequency_set_make_global,
)
from matching.services.imputation import imputation_refresh
from matching.services.reference import (
    ciwd_activate,
    ciwd_load,
    mac_activate,
    mac_load,
    release_activate,
    release_load,
)
from matching.services.requests import (
    RequestData,
    request_cancel,
    request_create,
    request_submit,
    request_update,
)
from matching.services.rereading import rereading_execute
from matching.services.runs import run_execute, run_repeat, run_start

__all__ = [
    "RequestData",
    "ciwd_activate",
    "ciwd_load",
    "frequency_set_activate",
    "frequency_set_deactivate",
    "frequency_set_load",
    "frequency_set_make_default",
    "frequency_set_make_global",
    "imputation_refresh",
    "mac_activate",
    "mac_load",
    "prediction_confirm",
    "release_activate",
    "release_load",
    "request_cancel",
    "request_create",
    "request_submit",
    "request_update",
    "rereading_execute",
    "run_execute",
    "run_repeat",
    "run_start",
]
