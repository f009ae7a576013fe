"""The match report: what a search found, by what, and who answers for it, as a document to sign.

`head`, `units` and `foot` write the words, `match_report` puts them together; core.pdf prints them. No name stands in
it but that of who made it, and of a unit it says what a hospital may know, whoever makes it.
"""
