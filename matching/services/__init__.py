"""Every write of matching: reference data, requests, searches."""

from matching.services.calibration import prediction_confirm
from matching.services.confirming import run_see
from matching.services.evaluating import evaluation_of, evaluations_prune
from matching.services.frequencies import (
    frequency_set_activate,
    frequency_set_deactivate,
    frequency_set_load,
    frequency_set_make_default,
    frequency_set_make_global,
)
from matching.services.imputation import imputation_refresh
from matching.services.new_units import new_units_execute, new_units_see, units_follow
from matching.services.nights import night_execute, night_preview, night_start, tonight
from matching.services.planning import planning_execute, planning_start
from matching.services.policies import (
    PolicyData,
    policy_copy,
    policy_make_default,
    policy_retire,
    policy_revise,
)
from matching.services.reference import (
    ciwd_activate,
    ciwd_load,
    mac_activate,
    mac_load,
    release_activate,
    release_load,
)
from matching.services.replays import replay_execute, replay_start
from matching.services.reports import ReportAsked, report_create, report_print
from matching.services.requests import (
    RequestData,
    request_cancel,
    request_create,
    request_submit,
    request_update,
)
from matching.services.rereading import rereading_execute
from matching.services.runs import run_execute, run_repeat, run_start
from matching.services.shortlist import (
    note_add,
    note_strike,
    shortlist_add,
    shortlist_place,
    shortlist_remove,
)
from matching.services.signing import (
    Signing,
    may_keep_reports,
    report_sign,
    report_sign_refused,
    signing_role,
)
from matching.services.watches import watch_end, watch_start, watches_sweep

__all__ = [
    "PolicyData",
    "ReportAsked",
    "RequestData",
    "Signing",
    "ciwd_activate",
    "ciwd_load",
    "evaluation_of",
    "evaluations_prune",
    "frequency_set_activate",
    "frequency_set_deactivate",
    "frequency_set_load",
    "frequency_set_make_default",
    "frequency_set_make_global",
    "imputation_refresh",
    "mac_activate",
    "mac_load",
    "may_keep_reports",
    "new_units_execute",
    "new_units_see",
    "night_execute",
    "night_preview",
    "night_start",
    "note_add",
    "note_strike",
    "planning_execute",
    "planning_start",
    "policy_copy",
    "policy_make_default",
    "policy_retire",
    "policy_revise",
    "prediction_confirm",
    "release_activate",
    "release_load",
    "replay_execute",
    "replay_start",
    "report_create",
    "report_print",
    "report_sign",
    "report_sign_refused",
    "request_cancel",
    "request_create",
    "request_submit",
    "request_update",
    "rereading_execute",
    "run_execute",
    "run_repeat",
    "run_see",
    "run_start",
    "shortlist_add",
    "shortlist_place",
    "shortlist_remove",
    "signing_role",
    "tonight",
    "units_follow",
    "watch_end",
    "watch_start",
    "watches_sweep",
]
