"""From stored rows to the plain dicts that the parts of a page take. No queries, no rules of matching."""
