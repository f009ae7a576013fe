"""Choosing a graft: rules of a policy, what is known of patient and unit, findings. Pure: no Django."""
