"""Choosing a graft from a stored list: facts of the database judged by a policy, kept, ordered, shown."""
