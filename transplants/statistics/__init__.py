"""Survival statistics: pure NumPy, no Django, no randomness. Arrays in, frozen dataclasses out.

What stands where (docs/adr/0045-survival-statistics-of-our-own.md says why it is our own):

    data                survival_data: rows that are fit for an estimate, or a refusal that says where and what to do
    kaplan_meier        survival, median, numbers at risk, median follow-up
    incidence, gray     competing events: cumulative incidence, Gray's test
    logrank             groups compared, stratified
    cox, proportional   regression, prediction, check of proportional hazards; fine_gray for competing events
    observed_expected   hospitals: observed and expected deaths, exact limits, funnel
    completeness        Clark's completeness; who could have reached t years; what is stable enough to show
    cohort              first transplant of a person, first of several events, landmark
    disclosure          which cells of a table a reader without row access may see
    cli                 the command `manage.py estimate`
"""
